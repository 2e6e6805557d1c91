"""Classifies faults of PostgreSQL, Kafka and HTTP clients as transient or final, and describes them.

A transient fault is not caused by the work itself, so the work is retried with back-off. After a final fault a retry fails again:
a record is quarantined, a request is answered with 500, and a background task ends its process. The table is in fault_kinds.py.
"""

import asyncio
import random
from collections.abc import Iterator, Mapping
from types import TracebackType

import asyncpg

from chassis.eventsourcing.event_store import StoreAway, StoreBusy
from chassis.runtime.fault_kinds import CLASSES, SQLSTATES, Kind
from chassis.runtime.wait import wait_for_event

ONLY_READ = "only_read"
"""The exception attribute that marks a fault of a statement which cannot have changed anything."""
_RAISED_BY_DRIVERS = (OSError, EOFError, RuntimeError, AttributeError, AssertionError, BufferError, asyncio.InvalidStateError)
"""Built-in exceptions that a driver can raise when its connection breaks."""
_DRIVERS: Mapping[str, str] = {"asyncpg": "postgres", "aiokafka": "kafka", "httpx": "http", "httpcore": "http"}
_TRANSPORTS = frozenset({"asyncio", "uvloop", "ssl", "socket", "selectors", "async_timeout", "anyio"})
"""Packages below the drivers. They raise on behalf of their caller."""
_CONNECTION_LOST = ("08", "57P01", "57P02", "57P05", "40003")
"""SQLSTATEs after which the outcome of the running statement is unknown."""


class DatabaseAway(Exception):
    """The database cannot be reached or used. `__cause__` has the details."""


class NoConnection(DatabaseAway):
    """No connection was available. Nothing was sent."""


class DatabaseSilent(DatabaseAway, TimeoutError):
    """A read was not answered in time."""


def kind_of(error: BaseException) -> Kind | None:
    """The kind of a fault by the table; None for an exception that no driver raised."""
    if isinstance(error, BaseExceptionGroup):
        kinds = {kind_of(each) for each in error.exceptions}
        return kinds.pop() if len(kinds) == 1 else None if None in kinds else Kind.FINAL
    if isinstance(error, DatabaseAway):
        return (error.__cause__ and kind_of(error.__cause__)) or Kind.TRANSIENT
    if (kind := entry_of(type(error), getattr(error, "sqlstate", None))) is not None:
        return kind
    return Kind.TRANSIENT if isinstance(error, _RAISED_BY_DRIVERS) and _driver_in(error.__traceback__) else None


def entry_of(error_class: type[BaseException], sqlstate: str | None) -> Kind | None:
    """The table's entry for an exception class. Errors of PostgreSQL are distinguished by SQLSTATE."""
    for base in error_class.__mro__:
        if base in CLASSES:
            return CLASSES[base]
        if base is asyncpg.PostgresError:
            return SQLSTATES.get(sqlstate or "", SQLSTATES.get((sqlstate or "08")[:2]))
    return None


def is_transient(error: BaseException) -> bool:
    """Whether a later retry of the same work can succeed."""
    return kind_of(error) is Kind.TRANSIENT


def dependency_of(error: BaseException) -> str | None:
    """The faulty dependency: "postgres", "kafka" or "http"; "unknown" for a timeout of our own; None for any other error."""
    for each in _causes(error):
        if isinstance(each, (DatabaseAway, StoreAway, StoreBusy)):
            return "postgres"
        if dependency := _DRIVERS.get(type(each).__module__.partition(".")[0]) or _driver_in(each.__traceback__):
            return dependency
    return "unknown" if isinstance(error, TimeoutError) else None


def may_have_happened(error: BaseException) -> bool:
    """Whether a failed call may have taken effect: it was sent, and its result was lost."""
    match error:
        case NoConnection() | DatabaseSilent() | StoreBusy():
            return False
        case StoreAway():
            return error.sent
        case asyncpg.PostgresError() if not (error.sqlstate or "08").startswith(_CONNECTION_LOST):
            return False
        case _:
            return not getattr(error, ONLY_READ, False)


def describe_error(error: BaseException) -> str:
    """An exception's class and message on one line, for logs."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(describe_error(each) for each in error.exceptions)
    message, name = " ".join(str(error).split())[:300], type(error).__name__
    if not message or message.startswith(name):
        return message or name
    return f"{name}: {message}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _causes(each)
        error = error.__cause__


def _driver_in(trace: TracebackType | None) -> str | None:
    """The driver that raised an exception: the package of the innermost frame that is not a transport's."""
    driver = None
    while trace is not None:
        package = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if package not in _TRANSPORTS:
            driver = _DRIVERS.get(package)
        trace = trace.tb_next
    return driver


class Backoff:
    """Pauses that double from `first` to `longest` seconds, with jitter. `reset` starts again at `first`."""

    def __init__(self, first: float = 0.05, longest: float = 15.0) -> None:
        self._first, self._longest = first, longest
        self._next = first

    async def wait(self, stop: asyncio.Event | None = None) -> None:
        """Wait for the next pause, or until `stop`."""
        pause, self._next = self._next * random.uniform(0.5, 1.0), min(self._next * 2, self._longest)
        await wait_for_event(stop or asyncio.Event(), pause)

    def reset(self) -> None:
        self._next = self._first
