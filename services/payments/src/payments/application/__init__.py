"""Use cases, reactions, public events, and the ports that the adapters implement."""
