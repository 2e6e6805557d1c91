"""A payment provider for development and tests: it keeps books like a real one, and misbehaves when told to."""
