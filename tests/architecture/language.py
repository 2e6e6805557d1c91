"""Refuses words that docs/style.md excludes: in comments, docstrings, log calls and documents, and as names of things.

Folders and files of language_exempt.txt are not checked yet. One without findings has to leave that list.

PYTHONPATH=tests python -m architecture.language [--shrink]
"""

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parents[2]
EXEMPT = Path(__file__).with_name("language_exempt.txt")

RULES: Final[Mapping[str, str]] = {
    r"who(?:m)?ever": "name who acts",
    r"whatever": "name the thing",
    r"whose": "write `the <noun> of …` or `with`",
    r"nobody|somebody|someone else": "name the caller, the process or the person",
    r"anew": "write `again`",
    r"lest": "write `so that … not`",
    r"as ever": "write `as before`, or leave it out",
    r"by (?:it|them)sel(?:f|ves)": "write `automatically` or `alone`",
    r"com(?:e|es|ing) by|came by": "write `arrive`, `obtain` or `pass`",
    r"go(?:es|ing)? on(?! with)|went on|gone on": "write `continue`",
    r"told": "write `returned`, `reported` or `sent`",
    r"says|said": "write `returns`, `reports` or `states`",
    r"asked": "write `requested`, `called` or `queried`",
    r"put(?:s|ting)? (?:\w+ )?aside": "write `quarantine`",
    r"is there": "write `exists`",
}
"""Phrase -> what to write instead."""
NAMES: Final = frozenset({"told", "asked", "found", "kept", "wanted", "given", "came", "went", "said", "its", "made"})
"""Verbs and pronouns that are not names of variables, parameters, fields, functions and classes."""
_NAME_ADVICE: Final = "name the thing with a noun: `response`, `row`, `records`, `expected`"
_PATTERNS: Final = {re.compile(rf"\b(?:{phrase})\b", re.IGNORECASE): advice for phrase, advice in RULES.items()}
_QUOTED: Final = re.compile(r"``[^`]*``|`[^`]*`|\"[^\"\n]*\"|\]\([^)\s]*\)|<[^>\s]*>")
"""Code, quotations and addresses in a sentence: they are not our words."""
_LOG_METHODS: Final = frozenset({"debug", "info", "warning", "error", "exception", "critical"})


@dataclass(frozen=True, order=True)
class Finding:
    file: str
    line: int
    phrase: str
    advice: str

    @property
    def places(self) -> frozenset[str]:
        """The file and its folder, as the list of exemptions names them."""
        return frozenset({self.file, Path(self.file).parent.as_posix()})

    def __str__(self) -> str:
        return f'{self.file}:{self.line}: "{self.phrase}": {self.advice}'


def findings_in(file: str, source: str) -> list[Finding]:
    """The findings of one file. Python files: comments, docstrings, log messages and names; others: text outside of code."""
    lines = _python_prose(source) if file.endswith(".py") else _markdown_prose(source)
    findings = {finding for number, text in lines for finding in _in_text(file, number, text)}
    if file.endswith(".py"):
        names = ((number, name) for number, name in _names(source) if name.strip("_").lower() in NAMES)
        findings |= {Finding(file, number, name, _NAME_ADVICE) for number, name in names}
    return sorted(findings)


def _in_text(file: str, number: int, text: str) -> Iterator[Finding]:
    prose = _QUOTED.sub(lambda quotation: re.sub(r"[^\n]", " ", quotation[0]), text)
    for pattern, advice in _PATTERNS.items():
        for match in pattern.finditer(prose):
            yield Finding(file, number + prose.count("\n", 0, match.start()), match[0], advice)


def _python_prose(source: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and _is_text(node.value):
            yield node.lineno, str(getattr(node.value, "value", ""))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _LOG_METHODS:
            yield from ((each.lineno, str(getattr(each, "value", ""))) for each in node.args[:1] if _is_text(each))


def _names(source: str) -> Iterator[tuple[int, str]]:
    """The names that a module defines. `given` may be a function: it begins the tests of a decider."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield node.lineno, name
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name) if name != "given":
                yield node.lineno, name


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _markdown_prose(source: str) -> Iterator[tuple[int, str]]:
    fenced, paragraph, start = False, "", 1
    for number, line in enumerate(f"{source}\n".split("\n"), 1):
        fence = line.lstrip().startswith("```")
        if fenced or fence or not line.strip():
            if paragraph:
                yield start, paragraph
            paragraph, fenced = "", fenced ^ fence
        else:
            start = start if paragraph else number
            paragraph += f"{line}\n"


def files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [path for path in listed.stdout.splitlines() if (ROOT / path).exists()]


def exemptions() -> list[str]:
    return [line for line in EXEMPT.read_text().splitlines() if line and not line.startswith("#")]


def problems(findings: Sequence[Finding], exempt: Sequence[str]) -> list[str]:
    """What has to change: findings outside of exempt folders and files, and exemptions without findings."""
    with_findings = {place for finding in findings for place in finding.places}
    sentences = [str(finding) for finding in findings if finding.places.isdisjoint(exempt)]
    done = [place for place in exempt if place not in with_findings]
    return sentences + [f"{EXEMPT.name}: {place} has no findings; delete its line (--shrink does it)" for place in done]


def main(arguments: Sequence[str]) -> int:
    findings = [finding for file in files() for finding in findings_in(file, (ROOT / file).read_text())]
    if "--shrink" in arguments:
        places = {place for finding in findings for place in finding.places}
        lines = EXEMPT.read_text().splitlines()
        EXEMPT.write_text("".join(f"{line}\n" for line in lines if line.startswith("#") or line in places))
    sentences = problems(findings, exemptions())
    sys.stdout.writelines(f"{line}\n" for line in sentences)
    return 1 if sentences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
