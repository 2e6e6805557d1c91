"""Aggregates, commands and write sets; independent of storage and transport."""
