"""A subscription: its commands, events, refusals and rules."""
