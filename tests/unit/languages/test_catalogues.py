"""Every text for customers is a message, and every catalogue translates all messages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from presentation.languages import Catalogues, in_context
from support import python_sources
from support.catalogue_faults import ids, messages
from support.catalogue_packages import OTHER_LANGUAGES, PACKAGES, ROOT, catalogue

MARKS = {"say": 1, "sentence": 1, "N_": 1, "in_context": 2, "say_count": 2, "sentences": 2}
"""Function that marks a message → number of its leading arguments that are literals."""
TEMPLATES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.html"))]
UNTRANSLATED_WORDS = {"VISA", "AMEX", "wide"}
"""Words in templates that are not translated: brands, and a CSS class in a block."""


def test_spanish_is_a_language() -> None:
    assert "es" in OTHER_LANGUAGES


@pytest.mark.parametrize("package", PACKAGES)
def test_english_returns_the_message_id(package: str) -> None:
    english = Catalogues(ROOT / package / "locales").language("en")
    for message in messages(catalogue(ROOT, package, "es")):
        sentence, *plural = ids(message)
        if plural:
            assert english.sentences(sentence, *plural) == {"one": sentence, "other": plural[0]}
        else:
            assert english.sentence(in_context(message.context, sentence) if message.context else sentence) == sentence


def marked(path: Path) -> Iterator[tuple[ast.Call, int]]:
    for node in python_sources.nodes(path) if python_sources.contains(path, *MARKS) else ():
        if isinstance(node, ast.Call) and (name := getattr(node.func, "attr", getattr(node.func, "id", None))) in MARKS:
            yield node, MARKS[str(name)]


def is_concatenated(message: ast.expr) -> bool:
    match message:
        case ast.JoinedStr() | ast.BinOp():
            return True
        case ast.IfExp(body=one, orelse=other):
            return isinstance(one, ast.Constant) or isinstance(other, ast.Constant)
        case ast.BoolOp(values=values):
            return any(isinstance(value, ast.Constant) for value in values)
    return False


@pytest.mark.parametrize("package", PACKAGES)
def test_no_message_is_concatenated_in_code(package: str) -> None:
    """Extraction reads only literals, so a concatenated message would never be translated."""
    for path in (ROOT / package).rglob("*.py"):
        for call, literals in marked(path):
            for argument in call.args[:literals]:
                assert not is_concatenated(argument), f"{path}:{call.lineno}"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_message_is_concatenated_in_a_template(template: Path) -> None:
    for call in Environment().parse(template.read_text()).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in MARKS:
            for argument in call.args[: MARKS[call.node.name]]:
                assert isinstance(argument, nodes.Const | nodes.Name | nodes.Getattr | nodes.Call), f"{template}:{call.lineno}"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_text_outside_messages(template: Path) -> None:
    parts = Environment().lex(template.read_text())
    markup = "".join(text if kind == "data" else " " for _, kind, text in parts)
    without_attributes = re.sub(r"""[\w-]+=("[^"]*"|'[^']*')|\bhx-disable\b""", " ", markup)
    shown = re.sub(r"<[^>]*>", " ", without_attributes)
    attributes = " ".join(re.findall(r'\b(?:alt|title|placeholder|aria-label)="([^"]*)"', markup))
    assert set(re.findall(r"[^\W\d_]{2,}", f"{shown} {attributes}")) <= UNTRANSLATED_WORDS
