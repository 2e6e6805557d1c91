"""Gzip of pages, scripts and styles."""

import gzip
import re

import pytest

from support.portal_page import scenes
from support.portal_page.fakes import Stage

CANCEL = f"/subscriptions/{scenes.PREMIUM}/cancel"
PAGES = ["/", CANCEL, f"/invoices/{scenes.invoice_id(14)}", "/enter", "/no/such/page"]
STRANGE = "csrf-of-somebody"


async def encoded(stage: Stage, path: str, accepted: str) -> tuple[str | None, str, bytes, bytes]:
    """(content-encoding, vary, bytes as sent, decompressed bytes)"""
    async with (
        stage.browser() as browser,
        browser.stream("GET", path, headers={"accept-encoding": accepted}) as answer,
    ):
        sent = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert int(answer.headers["content-length"]) == len(sent)
    encoding = answer.headers.get("content-encoding")
    return encoding, answer.headers.get("vary", ""), sent, gzip.decompress(sent) if encoding else sent


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_compressed_for_browsers_that_accept_gzip(path: str) -> None:
    encoding, vary, sent, page = await encoded(Stage(), path, "gzip, deflate, br, zstd")
    assert (encoding, vary) == ("gzip", "Accept-Encoding")
    assert len(sent) < len(page)
    assert page.startswith(b"<!doctype html>")


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_not_compressed_for_other_browsers(path: str) -> None:
    encoding, vary, sent, _ = await encoded(Stage(), path, "identity")
    assert (encoding, vary) == (None, "Accept-Encoding")
    assert sent.startswith(b"<!doctype html>")


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip;q=0", None),
        ("br, GZIP ; q=0.000, identity", None),
        ("gzip;q=0.001", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("Gzip", "gzip"),
    ],
)
async def test_gzip_follows_the_accept_encoding_header(accepted: str, encoding: str | None) -> None:
    assert (await encoded(Stage(), "/", accepted))[0] == encoding


async def test_scripts_and_styles_have_the_same_content_with_and_without_gzip() -> None:
    stage = Stage()
    async with stage.browser() as browser:
        loaded = re.findall(r'"(/static/[^"]+)"', (await browser.get("/")).text)
    assert loaded
    for path in loaded:
        encoding, vary, _, unpacked = await encoded(stage, path, "gzip")
        assert (encoding, vary) == ("gzip", "Accept-Encoding")
        assert unpacked == (await encoded(stage, path, "identity"))[2]


@pytest.mark.parametrize("name", ["lang", "year", "status", "cursor", "subscription", "after", "said", "what"])
async def test_no_page_repeats_text_from_its_address(name: str) -> None:
    """Otherwise the compressed length would reveal how much of the session's token an attacker has guessed (BREACH).

    A page repeats a year and a position: digits and hexadecimal letters, which cannot spell the text before the token.
    """
    async with Stage().browser() as browser:
        for path in [*PAGES, f"/no/{STRANGE}"]:
            assert STRANGE not in (await browser.get(path, params={name: STRANGE})).text
