"""Security events: one log event of the logger `security` and one count for each refused link, key, token, authorization (403)
and rate (429).

An event contains the route, the address prefix and known ids, never a secret. An expired session is no security event.
"""

from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, Final, Literal

import structlog
from prometheus_client import Counter
from starlette.types import Scope

from chassis.http.addresses import prefix_of

EVENTS: Final = Counter("security_events_total", "Refused links, keys, tokens, authorizations and rates", ["event"])
WATCHED: Final = frozenset({401, 403, 429})
"""Statuses of refusals."""

Refused = Literal["link", "key", "token", "authorization", "rate"]
_NAMES: Final[dict[Refused, str]] = {
    "link": "security.link_refused",
    "key": "security.key_refused",
    "token": "security.token_refused",
    "authorization": "security.authorization_refused",
    "rate": "security.rate_limited",
}
for _name in _NAMES.values():
    EVENTS.labels(_name)  # exported as 0 from the start, so that the first increment is visible as a rise
_CURRENT: ContextVar[MutableMapping[str, Any] | None] = ContextVar("security", default=None)

log = structlog.get_logger("security")


def start_request() -> MutableMapping[str, Any]:
    """Start to collect the facts of a request; `note` adds to them."""
    facts: dict[str, Any] = {}
    _CURRENT.set(facts)
    return facts


def note(**facts: Any) -> None:
    """Add facts to a possible event about the current request: ids, codes and reasons, no secrets."""
    if (current := _CURRENT.get()) is not None:
        current.update(facts)


def note_refusal(what: Refused, **facts: Any) -> None:
    """Mark the current request as refused, so that its 401 response emits an event."""
    note(refused=what, **facts)


def emit_for_response(scope: Scope, status: int, route: str, facts: MutableMapping[str, Any]) -> None:
    """Emit the event for a response with a watched status; none for a 401 without a noted refusal."""
    what: Refused | None = facts.pop("refused", None)
    if status == 429:
        what = "rate"
    elif status == 403:
        what = "authorization"
    if what is not None:
        emit(what, scope, route=route, status=status, **facts)


def emit(what: Refused, scope: Scope, **facts: Any) -> None:
    name = _NAMES[what]
    EVENTS.labels(name).inc()
    fields = {field: value if isinstance(value, int) else str(value) for field, value in facts.items() if value is not None}
    address = prefix_of((scope.get("client") or ("",))[0])
    log.warning(name, logger="security", method=scope["method"], address=address, **fields)
