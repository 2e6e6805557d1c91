"""The examples of docs/http-apis.md: their calls, bodies and printed answers."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "http-apis.md"
SERVICES = {
    "SUBSCRIPTIONS_URL": "subscriptions",
    "PAYMENTS_URL": "payments",
    "INVOICING_URL": "invoicing",
    "PORTAL_URL": "portal-gateway",
}
_BLOCK = re.compile(r"^```(bash|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CURL = re.compile(r"""curl -sS (?:-X (?P<method>[A-Z]+) )?"\$(?P<url>\w+_URL)(?P<path>/v1[^"?]*)(?P<query>\?[^"]*)?\"""")
_BODY = re.compile(r"<<'?BODY'?[^\n]*\n(?P<here>.*?)\nBODY$|-d '(?P<quoted>[^']*)'", re.MULTILINE | re.DOTALL)
_STORED = re.compile(r"\| tee (\S+)$", re.MULTILINE)
_PICKED = re.compile(r"^(\w+)=\$\(pick (\S+) ([^)]+)\)$", re.MULTILINE)


@dataclass(frozen=True)
class Call:
    """One curl command."""

    service: str
    method: str
    path: str
    """The path, with shell variables in place of the parameters."""

    def is_of(self, service: str, method: str, template: str) -> bool:
        mine, theirs = self.path.split("/"), template.split("/")
        return (service, method, len(theirs)) == (self.service, self.method, len(mine)) and all(
            expected == part or (expected.startswith("{") and "$" in part) for part, expected in zip(mine, theirs, strict=True)
        )


@dataclass(frozen=True)
class Step:
    """A block of shell."""

    script: str
    printed: Any
    """The JSON printed below the block, or None."""
    line: int
    """Of the page."""

    @property
    def calls(self) -> list[Call]:
        return [Call(SERVICES[it["url"]], it["method"] or "GET", it["path"]) for it in _CURL.finditer(self.script)]

    @property
    def succeeds(self) -> bool:
        """Whether the printed answer is a success."""
        return not (isinstance(self.printed, dict) and {"type", "title", "status", "code"} <= self.printed.keys())


def steps() -> list[Step]:
    page, steps = PAGE.read_text(), list[Step]()
    for block in _BLOCK.finditer(page):
        kind, text = block.groups()
        if kind == "bash":
            steps.append(Step(text, None, page.count("\n", 0, block.start()) + 1))
        else:
            assert steps, "an answer follows its call"
            assert steps[-1].printed is None, f"line {steps[-1].line} has two answers"
            steps[-1] = Step(steps[-1].script, json.loads(text), steps[-1].line)
    return steps


def bodies() -> Iterator[tuple[Step, Any]]:
    """Each step with a printed answer, and the JSON that it sends, with the printed values of its variables."""
    files: dict[str, Any] = {}
    values: dict[str, str] = {}
    for step in steps():
        if step.printed is None:
            continue
        sent = _BODY.search(step.script)
        yield step, json.loads(_filled(sent["here"] or sent["quoted"], values)) if sent else None
        files |= dict.fromkeys(_STORED.findall(step.script), step.printed)
        values |= {name: _at(files[file], path) for name, file, path in _PICKED.findall(step.script) if file in files}


def _filled(text: str, values: dict[str, str]) -> str:
    """Fill in variables. Raises KeyError for one that no printed answer or table supplies."""
    return re.sub(r"\$(\w+)", lambda match: (SUPPLIED | values)[match[1]], text)


SUPPLIED = {
    "INVOICE_ID": "a4a2d389-7c3f-5d34-bf2a-8470c17baccc",
    "NEXT_MONTH": "2024-02-10T15:00:15.237645Z",
    "TOKEN": "sbx_tok_Vb3nqk2Wm8sT0yHc5rXe1uPz",
}
"""Values of variables that are read from answers that are not printed."""


def _at(value: Any, path: str) -> str:
    for name in path.split():
        value = value[int(name)] if isinstance(value, list) else value[name]
    return str(value)


def difference(printed: Any, actual: Any, where: str = "") -> str | None:
    """The difference between the shapes of an answer and the printed one: keys, types, codes, booleans and amounts. Or None."""
    match printed, actual:
        case dict(), dict():
            if printed.keys() != actual.keys():
                return f"{where}: {sorted(printed.keys() ^ actual.keys())} only on one side"
            differences = (difference(printed[name], actual[name], f"{where}/{name}") for name in printed)
            return next((each for each in differences if each), None)
        case list(), list():
            if bool(printed) is not bool(actual):
                return f"{where}: empty only on one side"
            for index, each in enumerate(actual):
                found_here = [difference(other, each, f"{where}/{index}") for other in printed]
                if None not in found_here:
                    return found_here[0]
            return None
        case _:
            same = type(printed) is type(actual) and (printed == actual or not _is_stable(where, printed))
            return None if same else f"{where}: {actual!r} where {printed!r} is printed"


def _is_stable(where: str, value: Any) -> bool:
    """Whether the value is the same in each run: a code, a boolean, an amount."""
    return isinstance(value, bool) or where.endswith("_minor") or bool(isinstance(value, str) and re.fullmatch("[a-z_]+", value))
