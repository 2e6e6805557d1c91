"""Refusals that an operator may have to look into: an event of the logger `security`, and a count, for each.

Refused are links, keys, tokens, authorizations (403) and rates (429). An event names the route, the prefix of the address and
the ids that are known, never a secret. A session that has ended is none of them.
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
"""Statuses that can mean a refusal."""

Refused = Literal["link", "key", "token", "authorization", "rate"]
_NAMES: Final[dict[Refused, str]] = {
    "link": "security.link_refused",
    "key": "security.key_refused",
    "token": "security.token_refused",
    "authorization": "security.authorization_refused",
    "rate": "security.rate_limited",
}
_CURRENT: ContextVar[MutableMapping[str, Any] | None] = ContextVar("security", default=None)

log = structlog.get_logger("security")


def begin() -> MutableMapping[str, Any]:
    """The facts of the request that begins here: `note` adds to them."""
    facts: dict[str, Any] = {}
    _CURRENT.set(facts)
    return facts


def note(**facts: Any) -> None:
    """What an event about the current request would say, should one follow: ids, codes and reasons, no secrets."""
    if (current := _CURRENT.get()) is not None:
        current.update(facts)


def refused(what: Refused, **facts: Any) -> None:
    """Notes that the current request is refused: its answer, a 401, is an event."""
    note(refused=what, **facts)


def answered(scope: Scope, status: int, route: str, facts: MutableMapping[str, Any]) -> None:
    """Emits the event that an answer with a watched status is; none for a 401 that nothing was noted of."""
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
    said = {field: value if isinstance(value, int) else str(value) for field, value in facts.items() if value is not None}
    address = prefix_of((scope.get("client") or ("",))[0])
    log.warning(name, logger="security", method=scope["method"], address=address, **said)
