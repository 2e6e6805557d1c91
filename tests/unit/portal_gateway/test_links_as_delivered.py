"""Links as mail programs deliver them. The page's script reads the same table: tests/browser/test_links_as_delivered.py."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal_gateway.domain.tokens import LinkToken
from support.portal_gateway.delivered_links import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_token_is_found_wherever_it_stands(case: dict[str, Any]) -> None:
    found = LinkToken.read(case["text"])
    assert (str(found) if found else None) == case["token"]


@given(st.text())
def test_any_text_can_be_searched(text: str) -> None:
    assert LinkToken.read(text) is None


@given(st.text("0a-. %=>\n23f5&#;\u200b<wbr>", max_size=8000))
def test_no_text_is_searched_for_long(text: str) -> None:
    LinkToken.read(text)
