"""Making a scheduled cancellation immediate."""

import re
from datetime import UTC, datetime

import pytest
from unit.portal_page.test_pages import CANCEL, FORM

from support.portal_page import scenes
from support.portal_page.fakes import Stage


async def test_a_scheduled_cancellation_can_be_made_immediate_without_a_script() -> None:
    stage = Stage(scenes.view(scenes.ending()))
    async with stage.browser() as browser:
        pane = (await browser.get("/")).text
        asked = (await browser.get(f"{CANCEL}?mode=immediately")).text
        answer = await browser.post(CANCEL, data={**FORM, "mode": "immediately", "feedback": ""})
    hidden = '<input type="hidden" name="mode" value="immediately">'
    assert f'action="{CANCEL}"' in pane
    assert hidden in pane
    assert 'id="end-now"' in pane
    assert hidden in asked
    assert 'data-sheet="cancel"' in asked
    assert stage.subscriptions.previewed == ["immediately"]
    assert answer.status_code == 303
    assert [command["mode"] for command in stage.subscriptions.asked] == ["immediately"]


@pytest.mark.parametrize("mode", ["", "someday", "at_period_end", "immediately\x00"])
async def test_an_invalid_mode_means_the_merchants_policy(mode: str) -> None:
    stage = Stage()
    async with stage.browser() as browser:
        await browser.get(CANCEL, params={"mode": mode})
        await browser.post(CANCEL, data={**FORM, "mode": mode})
    assert stage.subscriptions.previewed == [None]
    assert [command["mode"] for command in stage.subscriptions.asked] == [None]


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
