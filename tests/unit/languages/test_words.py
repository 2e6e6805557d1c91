"""A fact has one word in all catalogues: the table of docs/languages.md."""

import re
from collections.abc import Iterator

import pytest
from babel.messages.catalog import Message

from invoicing.adapters.exporting import wording as exports
from invoicing.application.language import catalogues as of_invoicing
from payments.adapters.card_page.words import MESSAGES as CARD_PAGE
from payments.adapters.card_page.words import catalogues as of_payments
from portal_gateway.application.presentation import problems
from portal_gateway.application.presentation.failure_reasons import SHORT
from portal_gateway.application.presentation.invoices import STATUSES
from portal_gateway.application.presentation.language import catalogues as of_gateway
from portal_gateway.application.presentation.movements import KINDS
from support.catalogue_faults import PLACEHOLDER, ids, messages, strings
from support.catalogue_packages import PACKAGES, ROOT, catalogue

FIRST_LAYOUT = "invoicing/adapters/document/wording.py"
"""Its sentences never change; see docs/languages.md."""
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in (ROOT / "docs/languages.md").read_text().split("\n## Words\n")[1].split("\n## ")[0].splitlines()
    if line.startswith("| ") and not line.startswith(("| fact ", "| --- "))
]
SPANISH_FORMS = r"\b(vos|vosotr[oa]s|usted(es)?|os|tenés|podés|querés)\b|[«»]"
NOT_CONTRACTED = (
    r"\b(cannot|(could|did|do|does|has|have|had|is|are|was|were|will|would) not"
    r"|(you|we|they|it) (will|are)|(we|they) have|it is(?=\s))\b"
)


def words(cell: str) -> list[str]:
    return [word.strip() for word in cell.split(",") if word.strip()]


def pattern(word: str) -> str:
    stem = re.escape(word.removesuffix("…"))
    return rf"(?<!\w){stem}" + ("" if word.endswith("…") else r"(?!\w)")


def all_messages() -> Iterator[Message]:
    """Except those that only issued documents of the first layout contain."""
    for package in PACKAGES:
        for message in messages(catalogue(ROOT, package, "es")):
            if not all(path.endswith(FIRST_LAYOUT) for path, _ in message.locations):
                yield message


SPANISH = [PLACEHOLDER.sub("X", text) for message in all_messages() for text in strings(message)]
ENGLISH = [PLACEHOLDER.sub("X", text) for message in all_messages() for text in ids(message)]


def matching(excluded: str, sentences: list[str]) -> list[str]:
    return [text for text in sentences if re.search(excluded, text, re.IGNORECASE)]


def test_the_table_of_words_is_read() -> None:
    assert len(ROWS) > 20
    assert {len(row) for row in ROWS} == {5}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_no_sentence_has_an_excluded_word(row: tuple[str, ...]) -> None:
    for cell, sentences in ((row[3], SPANISH), (row[4], ENGLISH)):
        for word in words(cell):
            assert matching(pattern(word), sentences) == [], word


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_word_of_a_fact_is_used(row: tuple[str, ...]) -> None:
    for cell, sentences in ((row[1], SPANISH), (row[2], ENGLISH)):
        for word in words(cell):
            assert matching(pattern(word), sentences), word


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("saldó", "Este pago saldó lo anterior."),
        ("debes", "Debes 29.99 USD."),
        ("pide a", "Pide a tu banco que lo autorice."),
        ("unpaid", "Your renewal is unpaid."),
        ("cancelled", "You cancelled it."),
    ],
)
def test_an_excluded_word_is_found(word: str, sentence: str) -> None:
    assert any(word in words(cell) for row in ROWS for cell in row[3:])
    assert matching(pattern(word), [sentence]) == [sentence]


def test_a_word_within_another_one_is_not_excluded() -> None:
    assert matching(pattern("debes"), ["Recuerda que debe tener 13 dígitos"]) == []
    assert matching(pattern("monto"), ["un montón"]) == []


def test_spanish_is_not_that_of_one_country() -> None:
    assert matching(SPANISH_FORMS, SPANISH) == []
    assert matching(SPANISH_FORMS, ["Elige «Editar»", "Si vos querés"]) == ["Elige «Editar»", "Si vos querés"]


def test_cancelling_always_names_the_subscription() -> None:
    """*Cancelar* alone also means *to pay*."""
    alone = [text for text in SPANISH if re.search(r"\bcancel(ar|as|a|aste|amos|ó)\b", text, re.IGNORECASE)]
    assert alone
    assert [text for text in alone if "suscripción" not in text] == []


def test_english_has_contractions() -> None:
    assert matching(NOT_CONTRACTED, ENGLISH) == []
    assert matching(NOT_CONTRACTED, ["We could not save it", "You'll pay"]) == ["We could not save it"]


def test_a_sentence_has_the_same_translation_in_every_catalogue() -> None:
    translations: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for message in all_messages():
        translations.setdefault((message.context or "", *ids(message)), set()).add(strings(message))
    assert {id: several for id, several in translations.items() if len(several) > 1} == {}


SHARED = {
    **{f"status {code}": (STATUSES[code], exports.CODES[code]) for code in ("paid", "open", "failed")},
    "status void": (STATUSES["void"], exports.CODES["voided"]),
    **{f"reason {code}": (message, exports.CODES[code]) for code, message in SHORT.items()},
    **{f"movement {kind}": (KINDS[kind], exports.CODES[kind]) for kind in ("payment", "failed_attempt", "refund", "void")},
}
"""The message of the page and that of the CSV for the same fact."""


@pytest.mark.parametrize("code", ["es", "en"])
@pytest.mark.parametrize("fact", SHARED)
def test_page_and_csv_have_the_same_word(fact: str, code: str) -> None:
    on_the_page, in_the_file = SHARED[fact]
    assert of_gateway().language(code).sentence(on_the_page) == of_invoicing().language(code).sentence(in_the_file)


@pytest.mark.parametrize("code", ["es", "en"])
@pytest.mark.parametrize("problem", ["card_declined", "insufficient_funds", "expired_card", "incorrect_cvc"])
def test_a_refused_card_is_explained_alike_by_both_services(problem: str, code: str) -> None:
    by_the_portal = of_gateway().language(code).say(problems.BY_CODE[problem])
    assert by_the_portal == of_payments().language(code).say(CARD_PAGE[problem])
