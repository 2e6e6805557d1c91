"""A library for services that subscribe to billing events. See contracts/README.md."""
