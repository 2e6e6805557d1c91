"""The language check finds each excluded word once in a file that uses them all, and its exemptions can only shrink.

`make check` runs it over the repository.
"""

import pytest
from architecture.language import NAMES, RULES, Finding, exemptions, findings_in, problems

EXAMPLES = {
    "whoever": "Whoever calls it waits.",
    "whatever": "Whatever arrives is stored.",
    "whose": "A batch whose records failed.",
    "nobody": "Nobody reads it.",
    "somebody": "Somebody else moved it.",
    "anew": "The loop begins anew.",
    "lest": "It waits lest it fails.",
    "as ever": "The rest is as ever.",
    "by itself": "It restarts by itself.",
    "come by": "Tokens are hard to come by.",
    "goes on": "The loop goes on.",
    "told": "The caller is told.",
    "says": "The event says so.",
    "asked": "When it is asked, it answers.",
    "put aside": "The record is put aside.",
    "is there": "When it is there, it is read.",
}
EVERY_RULE = "".join(f"# {sentence}\n" for sentence in EXAMPLES.values())
FINDING = Finding("docs/outages.md", 3, "told", "")


def phrases(file: str, source: str) -> list[str]:
    return [finding.phrase for finding in findings_in(file, source)]


@pytest.mark.parametrize("phrase", EXAMPLES)
def test_an_excluded_phrase_is_refused_with_its_line_and_advice(phrase: str) -> None:
    (finding,) = findings_in("a.py", f"value = 1\n# {EXAMPLES[phrase]}\n")
    assert finding.phrase.lower() == phrase
    assert str(finding).startswith(f'a.py:2: "{finding.phrase}": ')
    assert finding.advice


def test_every_rule_has_an_example() -> None:
    advice = {finding.advice for finding in findings_in("a.py", EVERY_RULE)}
    assert advice == set(RULES.values())


@pytest.mark.parametrize(
    "source",
    [
        "# told\n",
        '"""Told."""\n',
        'def f():\n    """One.\n\n    Told.\n    """\n',
        'LIMIT = 1\n"""Told."""\n',
        'log.warning("told")\n',
    ],
)
def test_comments_docstrings_and_log_messages_are_checked(source: str) -> None:
    assert [phrase.lower() for phrase in phrases("a.py", source)] == ["told"]


@pytest.mark.parametrize(
    "source", ['send("told")\n', "# the field `told`\n", '# the value "told"\n', "given_up = not_found(found=1)\n"]
)
def test_texts_quotations_and_compound_names_are_not_checked(source: str) -> None:
    assert phrases("chassis/a.py", source) == []


@pytest.mark.parametrize(
    "source",
    [
        "found = 1\n",
        "_found: int\n",
        "for found in (): ...\n",
        "with a as found: ...\n",
        "b = [found for found in a]\n",
        "self.found = 1\n",
        "def found(): ...\n",
        "class Found: ...\n",
        "def f(found): ...\n",
        "lambda **found: 1\n",
        "if (found := 1): ...\n",
        "try: ...\nexcept A as found: ...\n",
        "match a:\n    case [*found]: ...\n",
        "match a:\n    case A() as found: ...\n",
    ],
)
def test_a_verb_as_a_name_is_refused(source: str) -> None:
    assert {phrase.strip("_").lower() for phrase in phrases("chassis/a.py", source)} == {"found"}


def test_every_verb_is_refused_as_a_name() -> None:
    assert phrases("chassis/a.py", "".join(f"{name} = 1\n" for name in sorted(NAMES))) == sorted(NAMES)


def test_the_beginning_of_a_deciders_test_is_no_finding() -> None:
    assert phrases("tests/unit/a.py", "def given(): ...\n") == []


def test_a_line_within_a_docstring_is_named() -> None:
    (finding,) = findings_in("a.py", 'def f():\n    """One.\n\n    Told.\n    """\n')
    assert finding.line == 4


def test_documents_are_checked_outside_of_code() -> None:
    document = "# Told\n\n```\ntold\n```\n\nthe field `told`, [told\nhere](told.md)\n"
    assert [(finding.line, finding.phrase) for finding in findings_in("a.md", document)] == [(1, "Told"), (7, "told")]


@pytest.mark.parametrize("exempt", ["docs", "docs/outages.md"])
def test_an_exempt_folder_or_file_is_not_reported(exempt: str) -> None:
    assert problems([FINDING], [exempt]) == []


def test_an_exemption_does_not_reach_subfolders() -> None:
    finding = Finding("docs/decisions/0001.md", 3, "told", "")
    assert problems([finding, FINDING], ["docs"]) == [str(finding)]


def test_an_exemption_without_findings_is_refused() -> None:
    (sentence,) = problems([], ["docs"])
    assert "docs has no findings" in sentence


def test_exemptions_are_listed_once_and_in_order() -> None:
    assert exemptions() == sorted(set(exemptions()))
