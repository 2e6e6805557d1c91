"""Languages and colours of what customers read."""
