"""What the person at the terminal sees."""

import contextlib
from collections.abc import Iterator

import asyncpg
import httpx
import typer
from aiokafka.errors import KafkaError
from rich.console import Console

from chassis.service.settings import SettingsError
from portalctl.local.errors import StackError

_WRONG_SETTINGS = 2

out = Console(highlight=False, markup=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def say(line: str) -> None:
    """A line that scripts may read: no colours, no wrapping, tabs unchanged, on any terminal."""
    typer.echo(line)


def progress(line: str) -> None:
    """A step of something that takes a while, on standard error, whether that is a terminal or not."""
    err.print(f"· {line}")


@contextlib.contextmanager
def failures_in_words() -> Iterator[None]:
    """A failure that the operator can act on ends the command with its message and without a traceback: code 2 for settings,
    else 1."""
    try:
        yield
    except SettingsError as error:
        for problem in error.problems:
            err.print(f"portalctl: {problem}", style="red")
        raise typer.Exit(_WRONG_SETTINGS) from error
    except (StackError, KafkaError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, httpx.HTTPError) as error:
        err.print(f"portalctl: {_words(error)}", style="red")
        raise typer.Exit(1) from error


def _words(error: BaseException) -> str:
    match error:
        case OSError(strerror=str(reason), filename=str(file)):
            return f"{file}: {reason}"
        case StackError():
            return str(error)
        case _:
            return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
