"""The relay, which sends committed events to Kafka in order."""
