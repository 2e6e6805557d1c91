"""Making a scheduled cancellation immediate."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from unit.portal_page.test_pages import CANCEL, FORM

from portal_gateway.application.requests import CancelMode
from support.portal_page import scenes
from support.portal_page.fakes import Stage


async def test_a_scheduled_cancellation_can_be_made_immediate_without_a_script() -> None:
    stage = Stage(scenes.view(scenes.ending()))
    async with stage.browser() as browser:
        pane = (await browser.get("/")).text
        dialog = (await browser.get(f"{CANCEL}?mode=immediately")).text
        answer = await browser.post(CANCEL, data={**FORM, "mode": "immediately", "feedback": ""})
    hidden = '<input type="hidden" name="mode" value="immediately">'
    assert f'action="{CANCEL}"' in pane
    assert hidden in pane
    assert 'id="end-now"' in pane
    assert hidden in dialog
    assert 'data-sheet="cancel"' in dialog
    assert stage.subscriptions.previewed == ["immediately"]
    assert answer.status_code == 303
    assert [command["mode"] for command in stage.subscriptions.commands] == ["immediately"]


LATER = "2023-05-20T15:00:00.000001Z"
"""After the page was read, by the clock of another service."""
LOST = {
    "es": "Perderás el acceso ahora mismo. No se puede deshacer.",
    "en": "You'll lose your access right away. This can't be undone.",
}
FINAL = {"es": "No se puede deshacer.", "en": "This can't be undone."}


@pytest.mark.parametrize("code", ["es", "en"])
@pytest.mark.parametrize(
    ("mode", "access_until", "expected"),
    [
        ("immediately", LATER, LOST),
        ("immediately", scenes.instant(2023, 5, 15), FINAL),
        ("at_period_end", scenes.instant(2023, 6, 14), {}),
        ("at_period_end", scenes.instant(2023, 5, 20), {}),
    ],
)
async def test_only_an_immediate_cancellation_warns_that_it_is_final(
    code: str, mode: CancelMode, access_until: str, expected: dict[str, str]
) -> None:
    stage = Stage(scenes.view(scenes.subscription("past_due", debt=scenes.debt())))
    effective = LATER if mode == "immediately" else access_until
    stage.subscriptions.preview_is |= {"mode": mode, "effective_at": effective, "access_until": access_until}
    async with stage.browser() as browser:
        page = unescape((await browser.get(f"{CANCEL}?lang={code}")).text)
    warned = re.findall(r'<p class="notice" data-notice="at_once">(.*?)</p>', page)
    assert warned == ([expected[code]] if expected else [])


@pytest.mark.parametrize("mode", ["", "someday", "at_period_end", "immediately\x00"])
async def test_an_invalid_mode_means_the_merchants_policy(mode: str) -> None:
    stage = Stage()
    async with stage.browser() as browser:
        await browser.get(CANCEL, params={"mode": mode})
        await browser.post(CANCEL, data={**FORM, "mode": mode})
    assert stage.subscriptions.previewed == [None]
    assert [command["mode"] for command in stage.subscriptions.commands] == [None]


@pytest.mark.parametrize("now", [datetime(2023, 6, 14, 18, tzinfo=UTC), datetime(2023, 7, 1, tzinfo=UTC)])
async def test_an_ended_subscription_is_not_cancelled_again(now: datetime) -> None:
    stage = Stage(scenes.view(scenes.ending(), now=now))
    async with stage.browser() as browser:
        pane = (await browser.get("/")).text
        page = (await browser.get(f"{CANCEL}?mode=immediately")).text
    assert 'id="end-now"' not in pane
    assert 'data-outcome="ended"' in page
    assert "14 de junio de 2023" in re.sub("<[^>]+>", "", page)
    assert stage.subscriptions.previewed == []
