"""How a service speaks HTTP: one way to ask, one way to refuse."""
