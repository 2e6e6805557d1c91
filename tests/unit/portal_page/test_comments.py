"""A comment never stops a cancellation: card numbers in it are removed, with a notice."""

import re
from html import unescape

import pytest

from portal_gateway.application.presentation.problems import CARD_REMOVED
from support.portal_page import scenes
from support.portal_page.fakes import Stage
from support.portal_page.sentences import spanish

CANCEL = f"/subscriptions/{scenes.PREMIUM}/cancel"
FORM = {"csrf": "csrf-of-ana", "idempotency_key": "once"}
REMOVED = spanish(CARD_REMOVED)
RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""An idempotency key of the page, which may contain any four digits."""


@pytest.mark.parametrize("number", ["4242 4242 4242 4242", "4242.4242.4242.4242 12/30 737", "４２４２–4242–4242–4242"])
async def test_a_card_number_in_a_comment_is_removed_with_a_notice_and_the_cancellation_succeeds(number: str) -> None:
    stage = Stage(scenes.view(scenes.ending()))
    async with stage.browser() as browser:
        answer = await browser.post(CANCEL, data={**FORM, "feedback": "unused", "comment": f"mi tarjeta {number}, gracias"})
        page = await browser.get(answer.headers["location"])
        in_english = await browser.get(f"{answer.headers['location']}&lang=en")
    assert answer.status_code == 303
    assert stage.subscriptions.commands[0]["comment"] == "mi tarjeta ••••, gracias"
    assert "4242" not in RANDOM_ID.sub("", answer.headers["location"] + page.text)
    assert 'data-outcome="scheduled"' in page.text
    assert REMOVED in page.text
    assert "comment=redacted&amp;lang=en" in page.text
    assert CARD_REMOVED in unescape(in_english.text)


@pytest.mark.parametrize("comment", ["nul\x00", "\u202eolleh", "+52 1 55 2000 0000", "\u3164", "\x1b[31m"], ids=ascii)
async def test_any_comment_lets_the_cancellation_succeed(comment: str) -> None:
    stage = Stage(scenes.view(scenes.ending()))
    async with stage.browser() as browser:
        answer = await browser.post(CANCEL, data={**FORM, "comment": comment})
        page = await browser.get(answer.headers["location"])
    assert (answer.status_code, len(stage.subscriptions.commands)) == (303, 1)
    assert REMOVED not in page.text
