"""Malformed forms get a page and change nothing."""

from collections.abc import AsyncIterator

import pytest

from support.portal_gateway.gateway import Gateway

MULTIPART = "multipart/form-data; boundary=x"
FILE = b'--x\r\nContent-Disposition: form-data; name="link"; filename="f"\r\n\r\nabc\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (MULTIPART, FILE, 400),
        ("multipart/form-data", b"x", 400),
        (MULTIPART, b"x", 400),
        ("application/x-www-form-urlencoded", b"link=%00&link=a", 401),
        ("application/x-www-form-urlencoded", b"link=%00%ff&link=a", 400),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(30)), 400),
        ("application/x-www-form-urlencoded", b"link=" + b"a" * 70_000, 413),
        ("application/json", b'{"link": "x"}', 415),
        ("text/plain", b"link=x", 415),
        ("", b"link=x", 415),
        ("multipart/form-data; charset=undefined; boundary=x", FILE, 415),
    ],
)
async def test_a_malformed_form_is_answered_with_a_page(gateway: Gateway, kind: str, body: bytes, status: int) -> None:
    async with gateway.browser() as browser:
        for content in (body, pieces(body)):
            answer = await browser.post("/enter", content=content, headers={"content-type": kind})
            assert answer.status_code == status, answer.text
            assert answer.headers["content-type"] == "text/html; charset=utf-8"
            assert "set-cookie" not in answer.headers


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 20_000):
        yield body[start : start + 20_000]
