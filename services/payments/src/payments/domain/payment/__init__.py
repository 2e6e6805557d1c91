"""The collection of one invoice: its commands, events, refusals and rules."""
