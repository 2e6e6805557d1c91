"""Where the service meets the world: HTTP, tables, providers, the card page."""
