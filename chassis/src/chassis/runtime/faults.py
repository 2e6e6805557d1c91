"""Faults of PostgreSQL, Kafka and HTTP clients: which are transient, which are final, and what a caller may be told.

A transient fault has its cause outside of what was asked: the same again succeeds later, so that work is retried with back-off.
After a final one the same again fails: a record is quarantined, a request is answered with 500, a background task ends the
process on purpose. The table is in fault_kinds.
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
"""The attribute of an exception that says that the statement it ended could not have changed anything."""
_LEAKING = (OSError, EOFError, RuntimeError, AttributeError, AssertionError, BufferError, asyncio.InvalidStateError)
"""What a driver raises as it is when a connection breaks under it."""
_DRIVERS: Mapping[str, str] = {"asyncpg": "postgres", "aiokafka": "kafka", "httpx": "http", "httpcore": "http"}
_BENEATH = frozenset({"asyncio", "uvloop", "ssl", "socket", "selectors", "async_timeout", "anyio"})
"""Packages that raise on behalf of whatever calls them."""
_CONNECTION_LOST = ("08", "57P01", "57P02", "57P05", "40003")
"""SQLSTATES after which nothing is known of the statement that was under way."""


class DatabaseAway(Exception):
    """The database cannot be reached, or not as it is needed; the cause tells more."""


class NoConnection(DatabaseAway):
    """No connection could be had: nothing was sent."""


class DatabaseSilent(DatabaseAway, TimeoutError):
    """What was only read was not answered in time."""


def kind_of(error: BaseException) -> Kind | None:
    """What the table says; None for an exception of no driver."""
    if isinstance(error, BaseExceptionGroup):
        kinds = {kind_of(each) for each in error.exceptions}
        return kinds.pop() if len(kinds) == 1 else None if None in kinds else Kind.FINAL
    if isinstance(error, DatabaseAway):
        return (error.__cause__ and kind_of(error.__cause__)) or Kind.TRANSIENT
    if (named := entry_of(type(error), getattr(error, "sqlstate", None))) is not None:
        return named
    return Kind.TRANSIENT if isinstance(error, _LEAKING) and _driver_in(error.__traceback__) else None


def entry_of(kind: type[BaseException], sqlstate: str | None) -> Kind | None:
    """The table's entry for an exception class; PostgreSQL's errors are told apart by SQLSTATE."""
    for base in kind.__mro__:
        if base in CLASSES:
            return CLASSES[base]
        if base is asyncpg.PostgresError:
            return SQLSTATES.get(sqlstate or "", SQLSTATES.get((sqlstate or "08")[:2]))
    return None


def is_transient(error: BaseException) -> bool:
    """Whether trying the same again later can succeed."""
    return kind_of(error) is Kind.TRANSIENT


def dependency_of(error: BaseException) -> str | None:
    """Where the fault lies: "postgres", "kafka" or "http", "unknown" of a wait of our own that was too long; None otherwise."""
    for each in _causes(error):
        if isinstance(each, (DatabaseAway, StoreAway, StoreBusy)):
            return "postgres"
        if found := _DRIVERS.get(type(each).__module__.partition(".")[0]) or _driver_in(each.__traceback__):
            return found
    return "unknown" if isinstance(error, TimeoutError) else None


def may_have_happened(error: BaseException) -> bool:
    """Whether what was asked may have been done although it failed: it was sent, and the answer was lost."""
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
    """An exception as a log line says it: its class and what it says, on one line."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(describe_error(each) for each in error.exceptions)
    said, name = " ".join(str(error).split())[:300], type(error).__name__
    if not said or said.startswith(name):
        return said or name
    return f"{name}: {said}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _causes(each)
        error = error.__cause__


def _driver_in(trace: TracebackType | None) -> str | None:
    """The driver in which an exception was raised, by the innermost frame that is not of what lies beneath it."""
    found = None
    while trace is not None:
        package = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if package not in _BENEATH:
            found = _DRIVERS.get(package)
        trace = trace.tb_next
    return found


class Backoff:
    """Waits that double from `first` to `longest` seconds, with jitter, until something went well."""

    def __init__(self, first: float = 0.05, longest: float = 15.0) -> None:
        self._first, self._longest = first, longest
        self._next = first

    async def wait(self, stop: asyncio.Event | None = None) -> None:
        """Returns early once told to stop."""
        pause, self._next = self._next * random.uniform(0.5, 1.0), min(self._next * 2, self._longest)
        await wait_for_event(stop or asyncio.Event(), pause)

    def reset(self) -> None:
        self._next = self._first
