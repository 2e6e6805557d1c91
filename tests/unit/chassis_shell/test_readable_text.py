"""Free text contains no hidden or misleading characters; scripts and emoji keep those that they need."""

import sys
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import text

RLO, RLI, FSI, PDI = "\u202e", "\u2067", "\u2068", "\u2069"
REFUSED = {
    "embedding": "\u202a",
    "override": RLO,
    "pop": "\u202c",
    "isolate": RLI,
    "end of an isolate": PDI,
    "private use": "\ue000",
    "private use, plane 15": "\U000f1234",
    "private use, plane 16": "\U0010fffd",
    "noncharacter": "\ufdd0",
    "noncharacter at the end of a plane": "\U0003ffff",
    "surrogate": "\ud83d",
}
ACCEPTED = ["می‌خواهم", "👩‍💻", "Ana\u200e (עדי\u200f)", "é", "e\u0301", "李雷", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "❤️", "5 €", "…", "#1", "ﬁn", "a\u00adb"]


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_misleading_characters_are_found_and_removed(refused: str) -> None:
    assert text.misleads(f"Ana{refused}García")
    assert text.readable(f"Ana{refused}García") == "AnaGarcía"


@pytest.mark.parametrize("control", ["\x00", "\x07", "\x0b", "\r", "\x1b", "\x7f", "\x85", "\x9f"], ids=repr)
def test_control_characters_are_found_and_removed(control: str) -> None:
    assert text.has_controls(f"Ana{control}García")
    assert text.readable(f"Ana{control}García") == "AnaGarcía"


@pytest.mark.parametrize("accepted", ACCEPTED)
def test_characters_of_scripts_and_emoji_are_accepted(accepted: str) -> None:
    assert not text.misleads(accepted)
    assert not text.has_controls(accepted)
    assert text.is_visible(accepted)
    assert text.readable(accepted) == accepted


@pytest.mark.parametrize(
    "blank",
    [
        "",
        " ",
        "\u00a0\u3000",
        "\u200d",
        "\u200e\u200f",
        "\u200b\ufeff\u2060",
        "\u3164",
        "\u115f\u1160",
        "\u2800",
        "\u0301",
        "\u00ad",
        "\ufe0f",
    ],
    ids=ascii,
)
def test_text_without_visible_characters_is_empty(blank: str) -> None:
    assert not text.is_visible(blank)
    assert text.readable(blank) == ""


def test_every_private_or_unusable_character_is_refused_and_no_letter_is() -> None:
    for code in range(sys.maxunicode + 1):
        c, kind = chr(code), category(chr(code))
        noncharacter = code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
        if kind in ("Co", "Cs") or noncharacter:
            assert text.misleads(c), hex(code)
        elif kind == "Cc":
            assert text.has_controls(c) == (c not in "\t\n"), hex(code)
        elif kind[0] in "LMNPSZ":
            assert not text.misleads(c), hex(code)


@given(st.text())
def test_a_readable_text_stays_as_it_is(anything: str) -> None:
    once = text.readable(anything)
    assert text.readable(once) == once
    assert not text.misleads(once)
    assert not text.has_controls(once)


def test_a_name_that_reads_from_the_right_is_isolated_in_a_sentence() -> None:
    sentence = f"Cancel {text.isolated('תכנית 1')} now"
    assert sentence == f"Cancel {FSI}תכנית 1{PDI} now"
    assert text.with_bdi(sentence) == "Cancel <bdi>תכנית 1</bdi> now"


def test_another_name_stays_as_it_is_in_a_sentence() -> None:
    assert text.isolated("Plan") == text.with_bdi(text.isolated("Plan")) == "Plan"


def test_isolates_in_stored_names_have_no_effect() -> None:
    assert text.isolated(f"{PDI}תכ{RLO}נית{FSI}") == f"{FSI}תכנית{PDI}"
    assert text.isolated(f"{RLO}Plan{PDI}") == "Plan"
