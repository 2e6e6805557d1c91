"""Believable history, made through the public APIs and the test clock, as any merchant's back end could."""
