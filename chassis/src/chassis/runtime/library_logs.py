"""Filters the log records of libraries: outages are counted, normal events become INFO, the rest is limited to one a minute.

aiokafka alone writes 80 lines per second while no broker answers.
"""

import logging

from chassis.request_ids import Broken
from chassis.runtime.fault_kinds import TRANSIENT
from chassis.runtime.faults import describe_error, kind_of
from chassis.runtime.outages import outages

_KAFKA_AWAY = (
    "Unable connect to",
    "Unable to request metadata",
    "Unable to update metadata",
    "Failed fetch messages from",
    "Failed fetch offsets from",
    "Heartbeat send request failed",
    "Error sending %s to node",
    "Cannot send %r to",
    "Could not send %r",
    "Got error produce response: %s",
)
"""Beginnings of aiokafka's messages about brokers that do not answer."""
_KAFKA_NORMAL = (
    "Marking the coordinator dead",
    "Group Coordinator Request failed",
    "Heartbeat failed for group",
    "Heartbeat failed: local member_id",
    "Heartbeat session expired",
    "Topic %s is not available during auto-create",
    "Got error produce response on topic-partition",
    "LeaveGroup request failed",
)
"""Messages about rebalances and starting brokers. The client retries, and readiness checks report lasting faults."""
_LIBRARIES = frozenset({"aiokafka", "asyncio", "asyncpg", "faststream", "httpcore", "httpx", "opentelemetry", "uvicorn"})


class LibraryLogs(logging.Filter):
    """A filter for the root logger's handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or record.name.partition(".")[0] not in _LIBRARIES:
            return True
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, Broken):
            return False
        if dependency := _unavailable_dependency(record, error):
            outages.failed(describe_error(error) if error else record.getMessage(), dependency)
            return False
        if record.name.startswith("aiokafka") and str(record.msg).startswith(_KAFKA_NORMAL):
            if "kafka" in outages.away:
                return False
            record.levelno, record.levelname = logging.INFO, "INFO"
        suppressed = outages.sparingly("library", record.name, str(record.msg)[:200])
        if suppressed:
            record.__dict__["suppressed"] = suppressed
        return suppressed is not None


def _unavailable_dependency(record: logging.LogRecord, error: BaseException | None) -> str | None:
    """The dependency that the record reports as unavailable, or None."""
    if record.name.startswith("aiokafka") and str(record.msg).startswith(_KAFKA_AWAY):
        return "kafka"
    if record.name.startswith("asyncpg") and error is not None and kind_of(error) is TRANSIENT:
        return "postgres"
    if record.name == "asyncio" and error is not None and kind_of(error) is TRANSIENT:
        return "kafka" if type(error).__module__.startswith("aiokafka") else "postgres"
    return None
