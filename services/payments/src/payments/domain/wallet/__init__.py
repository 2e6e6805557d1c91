"""A customer's payment methods."""
