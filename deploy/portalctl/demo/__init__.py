"""A realistic history, created through the public APIs and the test clock, as a merchant's back end could."""
