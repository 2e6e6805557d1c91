"""The local stack: PostgreSQL from a wheel and Apache Kafka from its release artifacts, without root and without Docker."""
