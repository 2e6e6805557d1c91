"""Content negotiation by `Accept-Encoding` and `Accept-Language`: RFC 9110, sections 12.4.2, 12.5.3 and 12.5.4.

Invalid members of a header are ignored; the valid ones count.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

_MEMBERS_MAX: Final = 100
_BLANK: Final = " \t"
_WEIGHT: Final = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)
_RANGE: Final = re.compile(r"\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
_CODING: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def weights(header: str, member: re.Pattern[str]) -> dict[str, float]:
    """member in lower case → weight, in the order of the header. A repeated member has its greatest weight."""
    parsed: dict[str, float] = {}
    for part in header.split(",")[:_MEMBERS_MAX]:
        name, semicolon, weight = part.partition(";")
        name, quality = name.strip(_BLANK).lower(), _WEIGHT.fullmatch(weight.strip(_BLANK))
        if member.fullmatch(name) and (quality or not semicolon):
            parsed[name] = max(parsed.get(name, 0.0), float(quality[1]) if quality else 1.0)
    return parsed


@lru_cache(128)
def languages(header: str | None, available: Sequence[str]) -> tuple[str, ...]:
    """The available languages, best first: those that the client accepts, by weight, then those that it does not mention.

    `available` has primary subtags in the server's order of preference. A range such as `en-GB` accepts `en` (RFC 4647, lookup).
    Languages with a weight of zero are left out, unless no other one is available.
    """
    ranges = weights(header or "", _RANGE)
    positions = {name: position for position, name in enumerate(ranges)}

    def rank(code: str) -> tuple[int, float, int]:
        own = [name for name, weight in ranges.items() if name == code or (weight > 0 and name.startswith(f"{code}-"))]
        best = max(own or ["*"], key=lambda name: ranges.get(name, -1.0))
        if best not in ranges:
            return 1, 0.0, 0
        return (0, -ranges[best], positions[best]) if ranges[best] > 0 else (2, 0.0, 0)

    ranked = sorted(available, key=rank)
    return tuple([code for code in ranked if rank(code)[0] < 2] or ranked)


@lru_cache(128)
def accepts_coding(header: str | None, coding: str) -> bool:
    """Whether the client accepts the coding and does not prefer `identity`. False without a header."""
    codings = weights(header or "", _CODING)
    own = max((codings[name] for name in (coding, f"x-{coding}") if name in codings), default=codings.get("*", 0.0))
    return own > 0 and own >= codings.get("identity", 0.0)
