"""Python files of the repository, each read and parsed once per process. Several tests read the same files."""

import ast
from collections.abc import Sequence
from functools import cache
from pathlib import Path


@cache
def source_text(path: Path) -> str:
    return path.read_text()


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(source_text(path))


@cache
def nodes(path: Path) -> Sequence[ast.AST]:
    """Every node of the file, in the order of `ast.walk`."""
    return tuple(ast.walk(parsed(path)))


def contains(path: Path, *words: str) -> bool:
    """Whether one of the words is in the file. Most files are excluded by this, which takes a hundredth of parsing them."""
    return any(word in source_text(path) for word in words)
