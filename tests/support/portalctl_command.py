"""portalctl, run in the process of the test."""

from collections.abc import Mapping
from functools import cache

import typer.testing
from typer.main import get_command
from typer.testing import CliRunner, Result

from portalctl.cli import app

# Typer builds the command from the functions' signatures at each call, which takes longer than most of the commands.
vars(typer.testing)["_get_command"] = cache(get_command)


def portalctl(*words: str, confirm: str | None = None, env: Mapping[str, str] | None = None) -> Result:
    """The ended command, with `confirm` as the answers to its questions."""
    return CliRunner().invoke(app, words, input=confirm, env=env)
