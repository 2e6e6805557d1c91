"""Links as mail programs deliver them. The page's script passes the same table (tests/browser/test_links_as_delivered.py)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal_gateway.domain.tokens import LinkToken
from support.portal_gateway.delivered_links import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_the_token_is_found_at_any_place(case: dict[str, Any]) -> None:
    token = LinkToken.read(case["text"])
    assert (str(token) if token else None) == case["token"]


@given(st.text())
def test_searching_any_text_raises_nothing(text: str) -> None:
    assert LinkToken.read(text) is None


@given(st.text("0a-. %=>\n23f5&#;\u200b<wbr>", max_size=8000))
def test_searching_any_text_is_fast(text: str) -> None:
    LinkToken.read(text)
