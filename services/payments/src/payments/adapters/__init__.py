"""HTTP routes, tables, the sandbox provider and the card page."""
