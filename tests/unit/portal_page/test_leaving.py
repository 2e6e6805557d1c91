"""The page after the session: the field for a link is folded after its link was revoked."""

import re

import pytest

from support.portal_page.fakes import Stage


@pytest.mark.parametrize(("path", "folded"), [("/ended", False), ("/ended?link=revoked", True)])
async def test_the_field_for_a_link_is_folded_after_the_link_was_revoked(path: str, folded: bool) -> None:
    async with Stage().browser(signed_in=False) as browser:
        page = (await browser.get(path)).text
    main = page[page.index("<main") : page.index("</main>")]
    (around,) = re.findall(r'(<details[^>]*>.*)?<form method="post" action="/enter">', main, re.DOTALL)
    assert bool(around) is folded
    assert 'name="link"' in main
    assert "<details open" not in main


async def test_a_revoked_link_of_a_browser_with_another_session_shows_the_field() -> None:
    async with Stage().browser() as browser:
        page = (await browser.get("/ended?link=revoked")).text
    assert '<details class="more">' not in page
    assert 'name="link"' in page
