"""Invoices are opened, and closed with their subscription, at the end of a batch: under the merchant's lock.

Under it a merchant's numbers are taken in order, none for what turns out to have its invoice; and a renewal whose
customer is not known yet cannot be parked while that customer's profile passes by unseen.
"""
