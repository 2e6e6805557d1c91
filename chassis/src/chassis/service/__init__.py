"""Settings, and the start and stop of a service's process."""
