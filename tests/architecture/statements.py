"""Finds SQL in Python source, and whether each table in it is filtered by a column."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support.python_sources import nodes, parsed

_TABLE = re.compile(r"CREATE TABLE (\w+) \((.*?)\n\);", re.DOTALL)
_MENTION = re.compile(r"\b(INSERT INTO|FROM|JOIN|UPDATE|USING|,)\s+(?!ONLY\b)(\w+)\b")
_INSERT = re.compile(r"\bINSERT INTO \w+(?:\s+AS \w+)?\s*\(([^)]*)\)")
_DO_UPDATE = re.compile(r"\bDO UPDATE\s+SET\b")


@dataclass(frozen=True)
class Statement:
    file: str
    line: int
    sql: str

    def mentions(self, tables: frozenset[str]) -> list[str]:
        """The tables that are read or changed, once per mention, without inserts."""
        sql = _DO_UPDATE.sub("", _INSERT.sub("", self.sql))
        return [match[2] for match in _MENTION.finditer(sql) if match[1] != "INSERT INTO" and match[2] in tables]

    def adds_without(self, column: str, tables: frozenset[str]) -> bool:
        added = [match for match in _MENTION.finditer(self.sql) if match[1] == "INSERT INTO" and match[2] in tables]
        named = [match for match in _INSERT.finditer(self.sql) if column in re.findall(r"\w+", match[1])]
        return len(named) < len(added)

    def bindings(self, column: str) -> int:
        """How often a statement filters by one value of the column."""
        by_value = re.findall(rf"(?<!SET )\b{column}\s*=\s*(?:ANY\(|\$|\w+\.|%)", self.sql)
        by_tuple = re.findall(rf"\((?:\w+\.)?{column},[^)]*\)\s*(?:=|IN)", self.sql)
        joined = re.findall(rf"USING \({column}\b|USING \([^)]*, {column}\b", self.sql)
        return len(by_value) + len(by_tuple) + len(joined)


def tables_with(column: str, migrations: Iterator[Path]) -> frozenset[str]:
    definitions = (table for path in migrations for table in _TABLE.finditer(path.read_text()))
    return frozenset(table[1] for table in definitions if re.search(rf"^\s+{column}\s", table[2], re.MULTILINE))


def statements(file: Path, name: str, tables: frozenset[str], known: Mapping[str, str]) -> Iterator[Statement]:
    """Every SQL text in the file with one of the tables. `known` has constants of other files."""
    constants = dict(known) | _constants(parsed(file), known)
    parts = {id(part) for whole in nodes(file) for part in _parts(whole)}
    parts |= {id(node.value) for node in nodes(file) if isinstance(node, ast.Expr)}  # docstrings
    for node in nodes(file):
        whole_text = isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp) and id(node) not in parts
        text = text_of(node, constants) if whole_text else None
        if text and any(match[2] in tables for match in _MENTION.finditer(text)):
            yield Statement(name, getattr(node, "lineno", 0), text)


def _constants(tree: ast.Module, known: Mapping[str, str]) -> dict[str, str]:
    constants: dict[str, str] = {}
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target if isinstance(node, ast.AnnAssign) else None
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(target, ast.Name) and value is not None:
            text = text_of(value, dict(known) | constants)
            if text is not None:
                constants[target.id] = text
    return constants


def constants_of(tree: ast.Module) -> dict[str, str]:
    return _constants(tree, {})


def _parts(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.JoinedStr(values=values):
            return [each for value in values for each in ast.walk(value)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [left, right]
        case _:
            return []


def text_of(node: ast.AST, constants: Mapping[str, str]) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(text_of(value, constants) or "" for value in values)
        case ast.FormattedValue(value=ast.IfExp(body=body)):
            return text_of(body, constants)
        case ast.FormattedValue(value=value):
            return text_of(value, constants)
        case ast.Name(id=name):
            return constants.get(name)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            parts = text_of(left, constants), text_of(right, constants)
            return None if None in parts else "".join(part or "" for part in parts)
        case _:
            return None
