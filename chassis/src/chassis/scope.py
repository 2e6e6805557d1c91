"""What the code at hand works for: the request, the merchant and the aggregate that every log line then names."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from random import getrandbits
from uuid import UUID


@dataclass(slots=True)
class Scope:
    """Of one request, one timer, one record. Tasks that it begins share it."""

    request_id: str | None = None
    merchant: UUID | None = None
    aggregate: str | None = None
    """`<kind>-<uuid>`"""
    changed: bool = False
    """Whether something was changed on behalf of the request: what fails afterwards did not change nothing."""


SCOPE: ContextVar[Scope | None] = ContextVar("scope", default=None)


def new_request_id() -> str:
    """Twelve hexadecimal digits: short enough to be read out by a customer, and rarely the same twice in a log."""
    return f"{getrandbits(48):012x}"


@contextmanager
def scoped(merchant: UUID | None = None, aggregate: str | None = None, request_id: str | None = None) -> Iterator[Scope]:
    """A scope for the block."""
    scope = Scope(request_id, merchant, aggregate)
    token = SCOPE.set(scope)
    try:
        yield scope
    finally:
        SCOPE.reset(token)


def note(merchant: UUID | None = None, aggregate: str | None = None) -> None:
    """Adds to the current scope what became known; nothing outside of any."""
    if (scope := SCOPE.get()) is not None:
        scope.merchant = merchant or scope.merchant
        scope.aggregate = aggregate or scope.aggregate


def note_change() -> None:
    """Something was changed for good."""
    if (scope := SCOPE.get()) is not None:
        scope.changed = True


def changed() -> bool:
    """Whether the request at hand has changed something."""
    scope = SCOPE.get()
    return scope is not None and scope.changed


def request_id() -> str | None:
    """Of the request at hand."""
    scope = SCOPE.get()
    return scope.request_id if scope else None
