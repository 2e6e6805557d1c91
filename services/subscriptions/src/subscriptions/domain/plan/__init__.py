"""A plan: price, interval and tax."""
