"""Reads the requests of this origin without a validation library, so that no error, log or trace contains a card number."""

import json
from dataclasses import dataclass, field

from fastapi import Request

from chassis.http.problems import Problem, is_json, unsupported_media_type

MAX_BODY_BYTES = 2048
FIELDS = ("number", "exp", "cvc")
LONGEST_FIELD = 64
LONGEST_SECRET = 255
ANSWERS = ("approve", "reject", "done")


@dataclass(frozen=True, slots=True)
class Submission:
    number: str = field(repr=False)
    exp: str = field(repr=False)
    cvc: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class BankAnswer:
    answer: str
    """`approve` or `reject` of the sandbox's bank; `done` after the provider's own window."""
    secret: str = field(repr=False)
    """Of the challenge, or the token of the card that is saved."""


def refuse_foreign(request: Request, origin: str) -> None:
    """Raises Problem for a request of another origin. Reads no body."""
    if not from_our_page(request, origin):
        raise Problem(403, "foreign_origin", "Cards are entered on this page only")


async def submitted(request: Request) -> Submission:
    """Raises Problem for another content."""
    return Submission(**await short_texts(request, FIELDS, LONGEST_FIELD))


async def bank_answer(request: Request) -> BankAnswer:
    """Raises Problem for another content."""
    texts = await short_texts(request, ("answer", "secret"), LONGEST_SECRET)
    if texts["answer"] not in ANSWERS:
        error = {"pointer": "/answer", "code": "invalid", "detail": "approve, reject or done is needed"}
        raise Problem(422, "invalid_request", "The request is invalid", errors=[error])
    return BankAnswer(**texts)


async def short_texts(request: Request, names: tuple[str, ...], longest: int) -> dict[str, str]:
    """The fields of a JSON object with exactly these names. Raises Problem, which contains no value."""
    if not is_json(request.headers.get("content-type")):
        raise unsupported_media_type("application/json")
    document = parsed(await request.body())
    if document is None:
        raise Problem(400, "malformed_json", "The body is not JSON")
    texts = {name: value for name in names if isinstance(value := document.get(name), str) and len(value) <= longest}
    if set(texts) != set(names) or set(document) != set(names):
        errors = [
            {"pointer": f"/{name}", "code": "invalid", "detail": "A short text is needed"} for name in names if name not in texts
        ]
        raise Problem(422, "invalid_request", "The request is invalid", errors=errors)
    return texts


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
