"""Whatever people read is a sentence of a catalogue, and every catalogue has all of them."""

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.catalog import Message
from jinja2 import Environment, nodes
from unit.languages.packages import OTHER_LANGUAGES, PACKAGES, ROOT, catalogue, copied, make

from presentation.languages import Catalogues, in_context

MARKS = {"say": 1, "sentence": 1, "N_": 1, "in_context": 2, "say_count": 2, "sentences": 2}
"""What marks a sentence, and how many of its first values are literals."""
PLACEHOLDER = re.compile(r"%\((\w+)\)[\d.]*([a-z])|%%")
EVERYWHERE = [(package, language) for package in PACKAGES for language in OTHER_LANGUAGES]
TEMPLATES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.html"))]
NO_SENTENCES = {"VISA", "AMEX", "wide"}
"""Brands, and a class that a block adds to another template."""


def messages(found: Catalog) -> Iterator[Message]:
    return (message for message in found if message.id)


def forms(sentence: str | Sequence[str] | None) -> tuple[str, ...]:
    """A sentence, or one for each plural."""
    return (sentence or "",) if isinstance(sentence, str | None) else tuple(sentence)


def ids(message: Message) -> tuple[str, ...]:
    return forms(message.id)


def strings(message: Message) -> tuple[str, ...]:
    return forms(message.string)


def entries(found: Catalog) -> set[tuple[str | None, tuple[str, ...], tuple[str, ...]]]:
    return {(message.context, ids(message), strings(message)) for message in messages(found)}


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages after `make catalogues`."""
    folder = copied(tmp_path_factory.mktemp("extracted"))
    done = make(folder, "catalogues")
    assert done.returncode == 0, done.stderr
    return folder


def test_spanish_is_a_language() -> None:
    assert "es" in OTHER_LANGUAGES


@pytest.mark.parametrize(("package", "language"), EVERYWHERE)
def test_a_catalogue_has_every_sentence_of_the_code_and_no_other(extracted: Path, package: str, language: str) -> None:
    committed, fresh = catalogue(ROOT, package, language), catalogue(extracted, package, language)
    assert len(list(messages(fresh))) > 20
    assert entries(fresh) == entries(committed), "make catalogues"
    assert not committed.obsolete


@pytest.mark.parametrize(("package", "language"), EVERYWHERE)
def test_every_sentence_is_translated(package: str, language: str) -> None:
    for message in messages(catalogue(ROOT, package, language)):
        assert all(strings(message)), message.id
        assert not message.fuzzy, message.id


@pytest.mark.parametrize(("package", "language"), EVERYWHERE)
def test_a_translation_has_the_values_of_its_sentence(package: str, language: str) -> None:
    for message in messages(catalogue(ROOT, package, language)):
        for sentence in chain(ids(message), strings(message)):
            assert sorted(PLACEHOLDER.findall(sentence)) == sorted(PLACEHOLDER.findall(ids(message)[0])), message.id
            assert "%" not in PLACEHOLDER.sub("", sentence) or not PLACEHOLDER.search(sentence), sentence


@pytest.mark.parametrize("package", PACKAGES)
def test_english_says_every_sentence_as_it_stands(package: str) -> None:
    english = Catalogues(ROOT / package / "locales").language("en")
    for message in messages(catalogue(ROOT, package, "es")):
        sentence, *plural = ids(message)
        if plural:
            assert english.sentences(sentence, *plural) == {"one": sentence, "other": plural[0]}
        else:
            assert english.sentence(in_context(message.context, sentence) if message.context else sentence) == sentence


def marked(tree: ast.AST) -> Iterator[tuple[ast.Call, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := getattr(node.func, "attr", getattr(node.func, "id", None))) in MARKS:
            yield node, MARKS[str(name)]


def is_put_together(message: ast.expr) -> bool:
    match message:
        case ast.JoinedStr() | ast.BinOp():
            return True
        case ast.IfExp(body=one, orelse=other):
            return isinstance(one, ast.Constant) or isinstance(other, ast.Constant)
        case ast.BoolOp(values=values):
            return any(isinstance(value, ast.Constant) for value in values)
    return False


@pytest.mark.parametrize("package", PACKAGES)
def test_no_sentence_is_put_together_where_it_is_said(package: str) -> None:
    """Extraction reads literals only: what is neither one nor a name for one would never be translated."""
    for path in (ROOT / package).rglob("*.py"):
        for call, literals in marked(ast.parse(path.read_text())):
            for argument in call.args[:literals]:
                assert not is_put_together(argument), f"{path}:{call.lineno}"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_sentence_is_put_together_in_a_template(template: Path) -> None:
    for call in Environment().parse(template.read_text()).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in MARKS:
            for argument in call.args[: MARKS[call.node.name]]:
                assert isinstance(argument, nodes.Const | nodes.Name | nodes.Getattr | nodes.Call), f"{template}:{call.lineno}"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_words_of_its_own(template: Path) -> None:
    parts = Environment().lex(template.read_text())
    own = "".join(text if kind == "data" else " " for _, kind, text in parts)
    without_attributes = re.sub(r"""[\w-]+=("[^"]*"|'[^']*')|\bhx-disable\b""", " ", own)
    shown = re.sub(r"<[^>]*>", " ", without_attributes)
    spoken = " ".join(re.findall(r'\b(?:alt|title|placeholder|aria-label)="([^"]*)"', own))
    assert set(re.findall(r"[^\W\d_]{2,}", f"{shown} {spoken}")) <= NO_SENTENCES
