"""The scope of the running code: the request, merchant and aggregate that every log line contains."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from random import getrandbits
from uuid import UUID


@dataclass(slots=True)
class Scope:
    """The scope of one request, timer or record. Tasks started in it share it."""

    request_id: str | None = None
    merchant: UUID | None = None
    aggregate: str | None = None
    """`<kind>-<uuid>`"""
    changed: bool = False
    """Whether the request has already changed something; a later failure must not claim that nothing was changed."""


SCOPE: ContextVar[Scope | None] = ContextVar("scope", default=None)


def new_request_id() -> str:
    """12 hexadecimal digits: short enough for a customer to read out, and rarely repeated in a log."""
    return f"{getrandbits(48):012x}"


@contextmanager
def scoped(merchant: UUID | None = None, aggregate: str | None = None, request_id: str | None = None) -> Iterator[Scope]:
    """A new scope for the block."""
    scope = Scope(request_id, merchant, aggregate)
    token = SCOPE.set(scope)
    try:
        yield scope
    finally:
        SCOPE.reset(token)


def note(merchant: UUID | None = None, aggregate: str | None = None) -> None:
    """Add the merchant or aggregate to the current scope, if there is one."""
    if (scope := SCOPE.get()) is not None:
        scope.merchant = merchant or scope.merchant
        scope.aggregate = aggregate or scope.aggregate


def note_change() -> None:
    """Record in the current scope that something was changed."""
    if (scope := SCOPE.get()) is not None:
        scope.changed = True


def changed() -> bool:
    """Whether the current request has changed something."""
    scope = SCOPE.get()
    return scope is not None and scope.changed


def request_id() -> str | None:
    """The id of the current request, or None."""
    scope = SCOPE.get()
    return scope.request_id if scope else None
