"""Output for the person at the terminal."""

import contextlib
import json
from collections.abc import Iterable, Iterator

import asyncpg
import httpx
import typer
from aiokafka.errors import KafkaError
from rich.console import Console

from chassis.service.settings import SettingsError
from portalctl.local.errors import StackError

_WRONG_SETTINGS_CODE = 2

out = Console(highlight=False, markup=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def say(line: str) -> None:
    """Print a line that scripts may read: no colours, no wrapping, unchanged tabs."""
    typer.echo(line)


def show_list(lines: Iterable[str], as_json: bool) -> None:
    """Print each line as soon as it is known, or all of them as one JSON array."""
    if as_json:
        say(json.dumps(list(lines)))
        return
    for line in lines:
        say(line)


def progress(line: str) -> None:
    """Print a step of a longer operation on standard error."""
    err.print(f"· {line}")


@contextlib.contextmanager
def exit_on_error() -> Iterator[None]:
    """End the command with a message instead of a traceback for errors that the operator can resolve. Exit code 2 for settings,
    else 1."""
    try:
        yield
    except SettingsError as error:
        for problem in error.problems:
            err.print(f"portalctl: {problem}", style="red")
        raise typer.Exit(_WRONG_SETTINGS_CODE) from error
    except (StackError, KafkaError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, httpx.HTTPError) as error:
        err.print(f"portalctl: {_message(error)}", style="red")
        raise typer.Exit(1) from error


def _message(error: BaseException) -> str:
    match error:
        case OSError(strerror=str(reason), filename=str(file)):
            return f"{file}: {reason}"
        case StackError():
            return str(error)
        case _:
            return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
