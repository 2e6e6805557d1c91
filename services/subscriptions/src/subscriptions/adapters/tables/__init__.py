"""The service's tables that are read or written outside of an event's transaction."""
