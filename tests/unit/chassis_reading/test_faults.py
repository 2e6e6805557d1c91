"""Transient faults, final faults and faults with an unknown outcome, for every exception class of the drivers."""

import asyncio
import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import aiokafka
import aiokafka.errors
import asyncpg
import httpx
import pytest
from aiokafka.errors import BrokerResponseError, KafkaConnectionError, KafkaError
from asyncpg.exceptions import _base

from chassis.eventsourcing.event_store import StoreAway, StoreBusy
from chassis.runtime.fault_kinds import CLASSES, FINAL, SQLSTATES, TRANSIENT
from chassis.runtime.faults import (
    Backoff,
    DatabaseSilent,
    NoConnection,
    dependency_of,
    entry_of,
    is_transient,
    kind_of,
    may_have_happened,
)

FAMILIES = (BrokerResponseError, httpx.TransportError, httpx.StreamError, httpx.RequestError, asyncpg.PostgresWarning)
"""Base classes that classify all of their subclasses, because a library may add some."""


def exceptions_of(library: ModuleType) -> list[type[BaseException]]:
    """Every exception class of the library's modules, except private ones and helpers of its tests."""
    classes_of_library: set[type[BaseException]] = set()
    for module in [library, *_modules(library)]:
        classes = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, BaseException)]
        classes_of_library |= {each for each in classes if each.__module__.partition(".")[0] == library.__name__}
    public = [each for each in classes_of_library if not each.__name__.startswith("_") and each.__module__ != "asyncpg.cluster"]
    return sorted(public, key=lambda each: each.__name__)


def _modules(library: ModuleType) -> Iterator[ModuleType]:
    for module in pkgutil.walk_packages(library.__path__, f"{library.__name__}."):
        if "_testbase" not in module.name and "gssapi" not in module.name:
            try:
                yield importlib.import_module(module.name)
            except ImportError:  # an optional dependency is not installed
                continue


def forgotten(error: type[BaseException]) -> bool:
    """Whether the table has no entry for the class itself, its SQLSTATE or its family."""
    sqlstate: str | None = getattr(error, "sqlstate", None)
    if error not in CLASSES and issubclass(error, asyncpg.PostgresError):
        return not (sqlstate is None or sqlstate in SQLSTATES or sqlstate[:2] in SQLSTATES)
    return error not in CLASSES and not issubclass(error, FAMILIES)


@pytest.mark.parametrize("library", [asyncpg, aiokafka, httpx], ids=lambda library: library.__name__)
def test_every_exception_class_is_classified(library: ModuleType) -> None:
    classes = [each for each in exceptions_of(library) if each is not httpx.HTTPError]  # an abstract base class
    assert [each for each in classes if forgotten(each)] == []
    assert {entry_of(each, getattr(each, "sqlstate", None)) for each in classes} == {TRANSIENT, FINAL}


def test_the_enumeration_finds_known_exception_classes() -> None:
    assert len(exceptions_of(asyncpg)) > 250
    assert len(exceptions_of(aiokafka)) > 80
    assert len(exceptions_of(httpx)) > 20


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncio.IncompleteReadError(b"", 1),
        KafkaConnectionError(),
        aiokafka.errors.ConsumerStoppedError(),
        aiokafka.errors.UnsupportedCodecError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InterfaceError("pool is closing"),
        asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
        asyncpg.InternalClientError("got result for unknown protocol state 3"),
        _base.ProtocolError("unexpected"),
        asyncpg.TargetServerAttributeNotMatched("no primary"),
        asyncpg.OutdatedSchemaCacheError("reload"),
        asyncpg.InvalidCachedStatementError("plan"),
        asyncpg.InvalidSQLStatementNameError("__asyncpg_1__ does not exist"),
        asyncpg.AdminShutdownError("bye"),
        asyncpg.CrashShutdownError("bye"),
        asyncpg.CannotConnectNowError("starting"),
        asyncpg.ObjectNotInPrerequisiteStateError("no connections for now"),
        asyncpg.DeadlockDetectedError("each other"),
        asyncpg.LockNotAvailableError("too long"),
        asyncpg.TransactionTimeoutError("too long"),
        asyncpg.DiskFullError("full"),
        asyncpg.TooManyConnectionsError("full"),
        asyncpg.ReadOnlySQLTransactionError("replica"),
        asyncpg.UndefinedTableError("not migrated yet"),
        NoConnection("pool is closing"),
        StoreBusy("too many are waiting"),
        StoreAway("the database cannot be reached"),
        ExceptionGroup("tasks", [KafkaConnectionError(), asyncpg.AdminShutdownError("bye")]),
    ],
    ids=repr,
)
def test_transient_faults_are_retried(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        KeyError(),
        RuntimeError("ours"),
        asyncpg.UniqueViolationError("there"),
        asyncpg.NotNullViolationError("not there"),
        asyncpg.DataError("not a number"),
        _base.DataError("value out of int64 range"),
        asyncpg.UntranslatableCharacterError("\\u0000"),
        asyncpg.PostgresSyntaxError("selekt"),
        asyncpg.DataCorruptedError("page"),
        asyncpg.ClientConfigurationError("port"),
        aiokafka.errors.IllegalArgumentError("no such option"),
        ExceptionGroup("tasks", [KafkaConnectionError(), ValueError()]),
    ],
    ids=repr,
)
def test_faults_of_the_record_or_the_code_are_not_retried(error: Exception) -> None:
    assert not is_transient(error)


def test_the_sqlstate_takes_precedence_over_the_class() -> None:
    error: Any = asyncpg.PostgresError.new({"C": "25P04", "M": "transaction timeout"})
    assert kind_of(error) is TRANSIENT
    unheard_of: Any = asyncpg.PostgresError.new({"C": "ZZ123", "M": "?"})
    assert kind_of(unheard_of) is None


async def test_errors_of_a_broken_connection_are_transient() -> None:
    """A write to a closed transport is a plain RuntimeError of the event loop, raised below the driver."""

    async def broken(raised: Exception) -> Exception:
        module = ModuleType("asyncpg.protocol.protocol")
        module.__dict__["raised"] = raised
        exec("def send():\n    raise raised", module.__dict__)
        try:
            module.__dict__["send"]()
        except Exception as error:
            return error
        raise AssertionError("it was raised")

    closed = RuntimeError("unable to perform operation on <TCPTransport closed=True reading=False>; the handler is closed")
    for raised in (closed, AttributeError("'NoneType' object has no attribute 'cancelled'"), asyncio.InvalidStateError()):
        error = await broken(raised)
        assert is_transient(error), raised
        assert dependency_of(error) == "postgres"
    assert not is_transient(await broken(ValueError("an argument")))


def test_a_fault_names_its_dependency() -> None:
    outer = RuntimeError("the relay")
    outer.__cause__ = asyncpg.AdminShutdownError("bye")
    assert dependency_of(outer) == "postgres"
    assert dependency_of(KafkaError()) == "kafka"
    assert dependency_of(httpx.ConnectError("refused")) == "http"
    assert dependency_of(ValueError()) is None
    assert dependency_of(FileNotFoundError("a template")) is None


@pytest.mark.parametrize(
    ("error", "possible"),
    [
        (NoConnection(), False),
        (DatabaseSilent(), False),
        (StoreBusy(), False),
        (StoreAway(sent=False), False),
        (StoreAway(sent=True), True),
        (asyncpg.ReadOnlySQLTransactionError("replica"), False),
        (asyncpg.LockNotAvailableError("too long"), False),
        (asyncpg.CannotConnectNowError("starting"), False),
        (asyncpg.AdminShutdownError("bye"), True),
        (asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
    ],
    ids=repr,
)
def test_only_a_lost_response_leaves_the_outcome_unknown(error: Exception, possible: bool) -> None:
    assert may_have_happened(error) is possible


async def test_stopping_ends_a_back_off() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, stop.set)
    await Backoff(first=3600).wait(stop)
