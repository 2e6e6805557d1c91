"""What is counted of reading. Labels are consumer groups and topics: never what a record says."""

from prometheus_client import Counter, Gauge

HANDLED = Counter("consumer_records_total", "Records whose transaction was committed", ["group", "topic"])
UNKNOWN = Counter("consumer_unknown_types_total", "Events skipped because their type is not known", ["group", "topic"])
QUARANTINED = Counter("consumer_quarantined_total", "Records put aside", ["group", "topic"])
DIVERGED = Counter("consumer_diverged_total", "Events at whose place a projection shows another one", ["group", "topic"])
REDONE = Counter("consumer_batches_redone_total", "Batches tried again", ["group", "reason"])
RESTARTED = Counter("consumer_restarted_total", "Partitions begun anew because their log is another one", ["group", "topic"])
FETCH_FAILURES = Counter("consumer_fetch_failures", "Fetches that failed inside the client library", ["group"])
RECREATED = Counter("consumer_recreated", "Times that a consumer stood still and was made again", ["group"])
STANDSTILL = Gauge("consumer_standstill_seconds", "For how long no fetch has completed although records exist", ["group"])
LAG = Gauge("consumer_lag_records", "Records between the log's end and what has been handled", ["group", "topic", "partition"])
