"""Issues invoices at the end of a batch, and voids them with their subscription, under the merchant's lock.

The lock makes the merchant's numbers ascend without gaps: an invoice that exists already takes none. It also orders the
parking of a renewal and the arrival of the customer's profile, so that no parked renewal misses its profile.
"""
