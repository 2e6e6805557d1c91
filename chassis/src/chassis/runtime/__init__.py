"""Faults, retries, background tasks, health, logs and traces."""
