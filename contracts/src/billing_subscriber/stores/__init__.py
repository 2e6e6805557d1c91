"""Stores for a subscriber's data: one module per database."""
