"""Stripe as the payment provider: real cards, in the merchant's own account."""
