"""Reads the card page's request without a validation library, so that no error, log or trace contains a card number."""

import json
from dataclasses import dataclass, field

from fastapi import Request

from chassis.http.problems import Problem, is_json, unsupported_media_type

MAX_BODY_BYTES = 2048
FIELDS = ("number", "exp", "cvc")
LONGEST_FIELD = 64


@dataclass(frozen=True, slots=True)
class Submission:
    number: str = field(repr=False)
    exp: str = field(repr=False)
    cvc: str = field(repr=False)


async def submitted(request: Request, origin: str) -> Submission:
    """Raises Problem for a request of another origin, or with another content."""
    if not from_our_page(request, origin):
        raise Problem(403, "foreign_origin", "Cards are entered on this page only")
    if not is_json(request.headers.get("content-type")):
        raise unsupported_media_type("application/json")
    document = parsed(await request.body())
    if document is None:
        raise Problem(400, "malformed_json", "The body is not JSON")
    typed = {name: value for name in FIELDS if isinstance(value := document.get(name), str) and len(value) <= LONGEST_FIELD}
    if set(typed) != set(FIELDS) or set(document) != set(FIELDS):
        errors = [
            {"pointer": f"/{name}", "code": "invalid", "detail": "A short text is needed"} for name in FIELDS if name not in typed
        ]
        raise Problem(422, "invalid_request", "The request is invalid", errors=errors)
    return Submission(**typed)


def parsed(body: bytes) -> dict[str, object] | None:
    """None if it is not a JSON object. The parser's own error would contain the body."""
    try:
        document = json.loads(body, object_pairs_hook=single)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def single(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def from_our_page(request: Request, origin: str) -> bool:
    site, sender = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site == "same-origin"
    return sender == origin.rstrip("/")
