"""Links as mail programs deliver them. The same table holds for the page's script (tests/browser/test_links_as_delivered.py)."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal_gateway.domain.tokens import LinkToken

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("links_as_delivered.json").read_text())


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
