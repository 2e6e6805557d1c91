"""A kit for services that subscribe to billing events: see contracts/README.md."""
