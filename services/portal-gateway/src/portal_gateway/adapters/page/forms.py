"""Parses submitted forms: a few short text fields in UTF-8. Anything else raises a Problem."""

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from chassis.http.problems import Problem, unsupported_media_type

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
FIELDS_MAX: Final = 20
_BOUNDARY: Final = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{1,70}")


@dataclass(frozen=True, slots=True)
class Form:
    fields: Mapping[str, str]

    def text(self, name: str) -> str:
        """A field's text, with line ends normalized to \\n; empty if absent."""
        return self.fields.get(name, "").replace("\r\n", "\n")

    def key(self) -> str | None:
        """The form's idempotency key; None if it is not a valid one."""
        match = re.fullmatch(r"[\x21-\x7e]{1,200}", self.text("idempotency_key"))
        return match[0] if match else None


async def form(request: Request) -> Form:
    """The submitted fields; of several with one name, the last. A request without body and type has none.

    Raises Problem 415 for another type or charset, 400 for a malformed form, 413.
    """
    body, content_type = await request.body(), request.headers.get("content-type")
    if content_type is None and not body:
        return Form({})
    kind, parameters = parse_options_header(content_type)
    if parameters.get(b"charset", b"utf-8").lower() not in (b"utf-8", b"utf8"):
        raise unsupported_media_type(f"{URLENCODED}; charset=utf-8", MULTIPART)
    try:
        if kind == URLENCODED.encode():
            return Form(_urlencoded(body.decode()))
        if kind == MULTIPART.encode():
            return Form(await _multipart(body, parameters.get(b"boundary", b"")))
    except (ValueError, MultiPartException, FormParserError):
        raise Problem(400, "malformed_form", "The form cannot be read") from None
    raise unsupported_media_type(URLENCODED, MULTIPART)


def _urlencoded(body: str) -> dict[str, str]:
    """Raises ValueError."""
    return dict(parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX))


async def _multipart(body: bytes, boundary: bytes) -> dict[str, str]:
    """Raises ValueError, MultiPartException, FormParserError."""
    if not _BOUNDARY.fullmatch(boundary) or b"--" + boundary + b"--" not in body:
        raise ValueError("no boundary, or the form is incomplete")
    body.decode()  # the parser would decode invalid UTF-8 as Latin-1

    async def whole() -> AsyncGenerator[bytes]:
        yield body

    headers = Headers({"content-type": f'{MULTIPART}; boundary="{boundary.decode("ascii")}"'})
    fields = await MultiPartParser(headers, whole(), max_files=0, max_fields=FIELDS_MAX).parse()
    return {name: value for name, value in fields.multi_items() if isinstance(value, str)}
