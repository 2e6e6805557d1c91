"""Compares the books of payment providers with payments: `portalctl verify --provider`."""
