"""Metrics of consumers. Labels are groups, topics and partitions, never content of records."""

from prometheus_client import Counter, Gauge

HANDLED = Counter("consumer_records_total", "Records whose transaction was committed", ["group", "topic"])
UNKNOWN = Counter("consumer_unknown_types_total", "Events skipped because their type is unknown", ["group", "topic"])
QUARANTINED = Counter("consumer_quarantined_total", "Records quarantined", ["group", "topic"])
DIVERGED = Counter("consumer_diverged_total", "Events whose sequence another event has in a projection", ["group", "topic"])
REDONE = Counter("consumer_batches_redone_total", "Retried batches", ["group", "reason"])
RESTARTED = Counter(
    "consumer_restarted_total", "Partitions read from the beginning because their log was replaced", ["group", "topic"]
)
FETCH_FAILURES = Counter("consumer_fetch_failures", "Fetches that failed inside the client library", ["group"])
RECREATED = Counter("consumer_recreated", "Consumers recreated because they made no progress", ["group"])
STANDSTILL = Gauge("consumer_standstill_seconds", "Seconds without a completed fetch although records exist", ["group"])
LAG = Gauge("consumer_lag_records", "Records between the stored offset and the log's end", ["group", "topic", "partition"])
