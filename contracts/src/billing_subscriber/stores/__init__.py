"""Where a subscriber's own data is: one module per database."""
