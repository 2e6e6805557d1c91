"""An invoice can be rendered, read and searched with any name."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given as every
from hypothesis import settings
from hypothesis import strategies as st

from invoicing.adapters.document.glyphs import MARK, printable
from invoicing.adapters.document.renderer import Renderer
from support.invoicing.examples import ANA
from support.invoicing.pdf_documents import OPEN, text
from support.property_tests import examples

NAMES = {
    "European": "Łukasz Žižka Ğüneş Ðorđe Þórr Åse Çelik Ñandú Œuvre Őry ŉ",
    "Vietnamese": "Nguyễn Thị Mỹ Hương",
    "Azerbaijani, Hausa, Igbo": "Əliyev Ɓala Ọlọ́run",
    "Greek": "Ἀθηνᾶ Παπαδοπούλου",
    "Cyrillic": "Олександр Ґонґадзе Җәмилә Ўткир",
    "Arabic": "محمد بن عبد الله",
    "Persian": "می‌خواهم گل‌پری",
    "Hebrew": "שָׁלוֹם כהן",
    "Chinese": "王小明 镕堃喆玥 陳怡君",
    "Japanese": "髙橋 さくら 山﨑タロウ",
    "Korean": "김민준 남궁옥",
    "Devanagari": "श्रीमती लक्ष्मी",
    "Bengali": "রবীন্দ্রনাথ",
    "Tamil": "தமிழ்ச்செல்வன்",
    "Thai": "สมชาย ใจดี",
    "Khmer, Lao, Burmese": "សុខ ສົມ အောင်",
    "Georgian, Armenian, Ethiopic": "გიორგი Արմեն አበበ",
    "emoji": "Café ☕ 👩🏽‍🚀 👨‍👩‍👧 ❤️ 🇪🇸 1️⃣",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
async def test_a_name_in_any_script_is_printed_as_it_is(render: Renderer, name: str) -> None:
    assert printable(name) == unicodedata.normalize("NFC", name)
    pdf = await render(replace(OPEN, bill_to=replace(ANA, name=name)))
    assert MARK not in text(pdf)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Ana 𓀀", f"Ana {MARK}"),
        ("\ue000", MARK),
        ("x\U0001d165y", f"x{MARK}y"),
        ("\ud800", MARK),
        ("a\u0301", "á"),
        ("a\x00b\tc\u2028d", "a b c d"),
        ("\u202edlot\ufeff\u00ad", "dlot"),
        ("a\u200d😀", "a😀"),
        ("葛\U000e0100", "葛"),
    ],
    ids=[
        "no font",
        "private use",
        "a sign without a font",
        "half a character",
        "composed",
        "controls",
        "directions",
        "apart",
        "variant",
    ],
)
def test_unprintable_characters_become_a_mark_or_are_removed(typed: str, shown: str) -> None:
    assert printable(typed) == shown


async def test_an_unprintable_name_is_not_empty(render: Renderer) -> None:
    pdf = await render(replace(OPEN, bill_to=replace(ANA, name="\u200d\ufeff")))
    assert MARK in text(pdf)


@settings(max_examples=examples(50))
@every(typed=st.lists(st.text(max_size=40), min_size=20, max_size=20))
async def test_no_text_makes_a_document_impossible(render: Renderer, typed: list[str]) -> None:
    pdf = await render(replace(OPEN, bill_to=replace(ANA, address="\n".join(typed))))
    assert pdf.startswith(b"%PDF")
