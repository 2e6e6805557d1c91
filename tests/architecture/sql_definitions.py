"""Tables, indexes and types that SQL files define, without a server: the sum of all statements, in order."""

import re
from collections.abc import Iterator

_COMMENT = re.compile(r"--[^\n]*")
_BODY = re.compile(r"\$\$.*?\$\$", re.DOTALL)
_TABLE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+) \((.*)\)(?: WITHOUT ROWID)?", re.DOTALL)
_TYPE = re.compile(r"CREATE TYPE (\w+) AS \((.*)\)", re.DOTALL)
_INDEX = re.compile(r"CREATE (?:UNIQUE )?INDEX (\w+) .*", re.DOTALL)
_FUNCTION = re.compile(r"CREATE FUNCTION (\w+)\(.*", re.DOTALL)
_ALTER = re.compile(r"ALTER TABLE (\w+) (.*)", re.DOTALL)
_DROP = re.compile(r"DROP (?:TABLE|INDEX) (\w+)")
_NO_DEFINITION = ("SELECT ", "INSERT ", "UPDATE ")
_TABLE_CONSTRAINT = re.compile(r"(?:CONSTRAINT|PRIMARY KEY|UNIQUE|FOREIGN KEY|CHECK)\b")


class UnknownStatement(Exception):
    """A form of SQL that this module does not read yet. Add it, so that no definition is overlooked."""


class Definitions:
    """The definitions after each executed text, by the name of their table, index, type or function."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {}

    def execute(self, sql: str) -> None:
        for statement in _split(_BODY.sub("", _COMMENT.sub("", sql)), ";"):
            self._execute(statement)

    def lines(self) -> list[str]:
        """`table.column definition`, `table: constraint`, `index …`, `type.field definition`, `function …`."""
        return [line for lines in self._lines.values() for line in lines]

    def _execute(self, statement: str) -> None:
        if statement.startswith(_NO_DEFINITION):
            return
        if match := _DROP.fullmatch(statement):
            del self._lines[match[1]]
        elif match := _TABLE.fullmatch(statement) or _TYPE.fullmatch(statement):
            self._lines[match[1]] = [_line(match[1], part) for part in _split(match[2], ",")]
        elif match := _INDEX.fullmatch(statement):
            self._lines[match[1]] = [statement.removeprefix("CREATE ")]
        elif match := _FUNCTION.fullmatch(statement):
            self._lines[match[1]] = [f"FUNCTION {match[1]}"]
        elif match := _ALTER.fullmatch(statement):
            for part in _split(match[2], ","):
                if part.startswith("ADD COLUMN "):
                    self._lines[match[1]].append(_line(match[1], part.removeprefix("ADD COLUMN ")))
                elif part == f"DROP CONSTRAINT {match[1]}_pkey":
                    (key,) = [line for line in self._lines[match[1]] if line.startswith(f"{match[1]}: PRIMARY KEY ")]
                    self._lines[match[1]].remove(key)
                else:
                    raise UnknownStatement(statement)
        else:
            raise UnknownStatement(statement)


def _line(table: str, part: str) -> str:
    return f"{table}: {part}" if _TABLE_CONSTRAINT.match(part) else f"{table}.{part}"


def _split(text: str, separator: str) -> Iterator[str]:
    """The parts between separators outside of parentheses and quotes, with single spaces."""
    depth, quoted, part = 0, False, ""
    for character in f"{text}{separator}":
        quoted ^= character == "'"
        depth += 0 if quoted else (character == "(") - (character == ")")
        if character == separator and depth == 0 and not quoted:
            if stripped := " ".join(part.split()):
                yield stripped
            part = ""
        else:
            part += character
