"""Forms are text fields in UTF-8. Anything else is refused with a sentence and is no server error."""

import asyncio
from functools import cache
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from httpx import Response
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp

from portal_gateway.application.presentation.problems import UNREADABLE
from support.portal_page import scenes
from support.portal_page.fakes import Stage
from support.portal_page.sentences import spanish
from support.property_tests import examples

CANCEL = f"/subscriptions/{scenes.PREMIUM}/cancel"
ENCODED = "application/x-www-form-urlencoded"
FIELDS = {"csrf": "csrf-of-ana", "feedback": "unused", "comment": "¡Hasta pronto! 👋"}
REFUSED = spanish(UNREADABLE)
CHARSETS = ["undefined", "punycode", "idna", "utf-7", "utf-16", "utf-16-surrogatepass", "utf-32", "latin-1", "unicode_escape"]
CHARSETS += ["raw_unicode_escape", "base64", "zip", "rot13", "hex", "mbcs", "utf-8-sig", "no-such-charset", "\x00", "utf 8"]


@cache
def staged() -> tuple[Stage, ASGIApp]:
    stage = Stage()
    return stage, stage.app()


def sent(path: str, body: bytes, content_type: str | bytes | None, *, signed_in: bool = True) -> tuple[Stage, Response]:
    stage, app = staged()
    stage.subscriptions.commands.clear()
    stage.access.ended.clear()
    headers: Any = {"content-type": content_type} if content_type is not None else {}

    async def response() -> Response:
        async with stage.browser(app=app, signed_in=signed_in) as browser:
            return await browser.post(path, content=body, headers=headers)

    return stage, asyncio.run(response())


def encoded(**fields: bytes) -> bytes:
    return b"&".join(f"{name}={quote_from_bytes(value)}".encode() for name, value in fields.items())


def multipart(*parts: bytes, boundary: bytes = b"x") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"


def field(name: str, value: bytes, extra: bytes = b"") -> bytes:
    return b'Content-Disposition: form-data; name="' + name.encode() + b'"\r\n' + extra + b"\r\n" + value


TEXT = {name: value.encode() for name, value in FIELDS.items()}
PARTS = [field(name, value) for name, value in TEXT.items()]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (encoded(**TEXT), ENCODED),
        (encoded(**TEXT), f"{ENCODED}; charset=UTF-8"),
        (encoded(**TEXT), f'{ENCODED.upper()} ; charset="utf-8"'),
        (multipart(*PARTS), "multipart/form-data; boundary=x"),
        (multipart(*PARTS), 'multipart/form-data; charset=utf-8; boundary="x"'),
        (multipart(*PARTS, boundary=b"a b:c"), 'multipart/form-data; boundary="a b:c"'),
    ],
    ids=["plain", "with its charset", "quoted", "multipart", "multipart with its charset", "an odd boundary"],
)
def test_a_form_in_utf_8_is_parsed(body: bytes, content_type: str) -> None:
    stage, answer = sent(CANCEL, body, content_type)
    assert answer.status_code == 303
    assert [command["comment"] for command in stage.subscriptions.commands] == [FIELDS["comment"]]


@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("kind", [ENCODED, "multipart/form-data; boundary=x"])
def test_another_charset_is_refused_and_the_supported_one_named(charset: str, kind: str, signed_in: bool) -> None:
    for path in ("/enter", CANCEL) if signed_in else ("/enter", "/logout"):
        body = multipart(field("link", b"\xd8\x00")) if "multipart" in kind else b"link=%D8%00"
        stage, answer = sent(path, body, f"{kind}; charset={charset}", signed_in=signed_in)
        assert answer.status_code == 415, answer.text
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert f" {ENCODED}; charset=utf-8, multipart/form-data" in answer.text
        assert (stage.subscriptions.commands, stage.access.ended) == ([], [])


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/json", "text/html; charset=utf-8", "multipart/mixed; boundary=x", "x", ";"],
)
def test_another_type_is_refused_and_the_supported_ones_named(content_type: str | None) -> None:
    stage, answer = sent(CANCEL, encoded(**TEXT), content_type)
    assert (answer.status_code, answer.headers["accept"]) == (415, f"{ENCODED}, multipart/form-data")
    assert f" {ENCODED}, multipart/form-data" in answer.text
    assert stage.subscriptions.commands == []


def test_a_request_without_a_body_has_no_fields() -> None:
    _, answer = sent("/logout", b"", None)
    assert answer.status_code == 403


X = "multipart/form-data; boundary=x"
MALFORMED: dict[str, tuple[bytes, str]] = {
    "bytes that are no UTF-8": (b"csrf=csrf-of-ana&comment=\xff", ENCODED),
    "escapes that are no UTF-8": (b"csrf=csrf-of-ana&comment=%ff", ENCODED),
    "escaped surrogates": (b"csrf=csrf-of-ana&comment=%ED%A0%80", ENCODED),
    "many fields": (b"csrf=csrf-of-ana" + b"&a=b" * 5000, ENCODED),
    "no boundary": (multipart(*PARTS), "multipart/form-data"),
    "an empty boundary": (multipart(*PARTS), "multipart/form-data; boundary="),
    "a long boundary": (multipart(*PARTS), f"multipart/form-data; boundary={'x' * 5000}"),
    "a boundary with a quote": (multipart(*PARTS), 'multipart/form-data; boundary="\\""'),
    "a boundary of other letters": (multipart(*PARTS), "multipart/form-data; boundary*=utf-8''%C3%B1"),
    "another boundary": (multipart(*PARTS), "multipart/form-data; boundary=y"),
    "half a form": (multipart(*PARTS)[:-20], X),
    "nothing": (b"", X),
    "a file": (multipart(*PARTS, b'Content-Disposition: form-data; name="comment"; filename="a.txt"\r\n\r\nabc'), X),
    "a part without a name": (multipart(*PARTS, b"Content-Disposition: form-data\r\n\r\nabc"), X),
    "a part without headers": (multipart(*PARTS, b"\r\nabc"), X),
    "a part of another kind": (multipart(*PARTS, b"Content-Disposition: attachment\r\n\r\nabc"), X),
    "a header without a colon": (multipart(*PARTS, b"Content-Disposition\r\n\r\nabc"), X),
    "bytes that are no UTF-8 in a part": (multipart(*PARTS, field("comment", b"\xff\xfe")), X),
    "a name that is no UTF-8": (multipart(*PARTS, b'Content-Disposition: form-data; name="\xff"\r\n\r\nabc'), X),
    "many parts": (multipart(*PARTS, *[field("a", b"b")] * 500), X),
    "many headers of a part": (multipart(field("comment", b"c", b"x-a: b\r\n" * 3000)), X),
}


@pytest.mark.parametrize(("body", "content_type"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_form_is_refused_with_a_sentence(body: bytes, content_type: str) -> None:
    stage, answer = sent(CANCEL, body, content_type)
    assert answer.status_code in (400, 403, 413), answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert REFUSED in answer.text
    assert stage.subscriptions.commands == []


def test_a_too_large_form_is_refused_with_a_sentence_before_it_is_sent() -> None:
    stage, answer = sent(CANCEL, encoded(**TEXT) + b"a" * 70_000, ENCODED)
    assert answer.status_code == 413
    assert REFUSED in answer.text
    assert stage.subscriptions.commands == []


parameters = st.dictionaries(
    st.sampled_from(["charset", "boundary", "charset*", "boundary*", "x"]),
    st.one_of(
        st.sampled_from([*CHARSETS, "x", "utf-8", '"x"', "utf-8''x", "", '"']),
        st.text(st.characters(max_codepoint=255), max_size=80),
    ),
    max_size=3,
)
types = st.sampled_from([ENCODED, "multipart/form-data", "multipart/related", "text/plain", ""])
bodies = st.one_of(
    st.binary(max_size=300),
    st.just(multipart(*PARTS)),
    st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(PARTS)), max_size=5).map(lambda parts: multipart(*parts)),
    st.dictionaries(st.sampled_from(["csrf", "comment", "feedback", "link"]), st.binary(max_size=60)).map(
        lambda it: encoded(**it)
    ),
)


@settings(max_examples=examples(300))
@given(
    path=st.sampled_from([CANCEL, "/enter", "/logout"]), kind=types, parameters=parameters, body=bodies, signed_in=st.booleans()
)
def test_no_form_causes_a_server_error(path: str, kind: str, parameters: dict[str, Any], body: bytes, signed_in: bool) -> None:
    content_type = "; ".join([kind, *(f"{name}={value}" for name, value in parameters.items())])
    headers = content_type.encode("latin-1", "replace").replace(b"\r", b"").replace(b"\n", b"")
    _, answer = sent(path, body, headers, signed_in=signed_in)
    assert answer.status_code < 500, answer.text
    assert answer.headers.get("content-type", "text/html").startswith("text/html")
