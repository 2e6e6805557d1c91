"""Customers' sentences are asserted once, in the tables of `tests/unit`. Other tests find elements by role, id, `data-`
attribute or code, so that a change of a sentence changes only the catalogue and its table."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
FOLDERS = (
    *("tests/browser", "tests/system", "tests/support", "tests/unit/invoicing"),
    *("tests/integration/invoicing", "tests/integration/portal_gateway", "tests/integration/payments"),
)
TABLES = "*_table.py"
LETTERS_MIN = 10
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%")


def forms(text: Any) -> tuple[str, ...]:
    """The singular and plural forms of a message or translation."""
    return tuple(text) if isinstance(text, tuple | list) else (str(text),)


@cache
def sentences() -> frozenset[str]:
    """The texts of the catalogues in both languages; those with placeholders in parts, and with "0" for each.

    Single words are too common to be recognized.
    """
    parts: set[str] = set()
    for path in ROOT.glob("services/*/src/*/locales/es/LC_MESSAGES/messages.po"):
        with path.open("rb") as file:
            for message in read_po(file):
                texts = [*forms(message.id), *forms(message.string)]
                parts |= {PLACEHOLDER.sub("0", text).strip(" .") for text in texts if message.id}
                parts |= {part.strip(" .,:;·()") for text in texts if message.id for part in PLACEHOLDER.split(str(text))}
    return frozenset(without_numbers(part) for part in parts if " " in part and len(part) >= LETTERS_MIN)


def without_numbers(text: str) -> str:
    return re.sub(r"\d+", "0", text)


def quoted(text: str) -> str | None:
    """The customers' sentence that the text contains, or of which it is a part of several words."""
    text = without_numbers(text.strip())
    several_words = " " in text and len(text) >= LETTERS_MIN
    return next((each for each in sentences() if each in text or (several_words and text in each)), None)


def literals(source: str) -> Iterator[tuple[int, str]]:
    """Line and value of each string, except docstrings."""
    nodes = list(ast.walk(ast.parse(source)))
    docstrings = {
        id(node.body[0].value)
        for node in nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_customers_sentence_is_quoted_outside_of_the_tables(folder: str) -> None:
    quotations = [
        f"{path.relative_to(ROOT)}:{line}: {sentence}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        if not path.match(TABLES)
        for line, text in literals(path.read_text())
        if (sentence := quoted(text))
    ]
    assert quotations == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Mantener mi suscripción",
        "Keep my subscription",
        "Vuelve a intentarlo en 24 horas",
        "Try again in 24 hours",
        max(sorted(sentences()), key=len),
    ],
)
def test_a_quoted_sentence_is_found(sentence: str) -> None:
    """Also a part of it; not a docstring."""
    (text,) = (text for _, text in literals(f'"""{sentence}"""\nexpect("{sentence[:-3]}")'))
    assert quoted(text) is not None


@pytest.mark.parametrize("text", ["TS-000014", "14 de junio de 2023", "29.99 USD", "data-notice", "Premium Mensual"])
def test_numbers_dates_codes_and_typed_text_are_no_sentences(text: str) -> None:
    assert quoted(text) is None
