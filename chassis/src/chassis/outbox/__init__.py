"""The relay: committed events to Kafka, in order."""
