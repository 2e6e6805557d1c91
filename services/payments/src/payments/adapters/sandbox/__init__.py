"""A payment provider for development and tests, with a durable ledger and simulated faults."""
