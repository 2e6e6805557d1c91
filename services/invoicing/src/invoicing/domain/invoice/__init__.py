"""An invoice: its commands, events, refusals and rules."""
