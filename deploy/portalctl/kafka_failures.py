"""Why Kafka cannot be reached. The client library raises one error for every reason, and logs the reason itself."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka.errors import KafkaError

from chassis.kafka_access import KafkaAccess
from portalctl.local.errors import StackError


@contextmanager
def explained(kafka: KafkaAccess) -> Iterator[None]:
    """Raises StackError with the library's last log message instead of a KafkaError or OSError."""
    logged = _LastMessage()
    library = logging.getLogger("aiokafka")
    level, propagate = library.level, library.propagate
    library.addHandler(logged)
    library.setLevel(logging.WARNING)
    library.propagate = False
    try:
        yield
    except (KafkaError, OSError) as error:
        reason = logged.message or f"{type(error).__name__}: {error}"
        raise StackError(f"Kafka cannot be reached at {kafka.servers} with {kafka.protocol}: {reason}") from error
    finally:
        library.removeHandler(logged)
        library.setLevel(level)
        library.propagate = propagate


class _LastMessage(logging.Handler):
    message = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.message = record.getMessage()
