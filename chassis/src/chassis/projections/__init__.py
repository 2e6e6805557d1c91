"""Read models: one document per aggregate, folded from events."""
