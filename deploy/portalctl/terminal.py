"""What the person at the terminal sees."""

import contextlib
from collections.abc import Iterator

import typer
from aiokafka.errors import KafkaError
from rich.console import Console

from portalctl.local.failures import StackError

out = Console(highlight=False, markup=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(line: str) -> None:
    """A line that scripts may read: no colours, no wrapping, tabs as they are, whatever the terminal."""
    typer.echo(line)


@contextlib.contextmanager
def failures_in_words() -> Iterator[None]:
    """A failure that the operator can act on ends the command with its message and exit code 1, without a traceback."""
    try:
        yield
    except (StackError, KafkaError) as error:
        err.print(f"portalctl: {error or type(error).__name__}", style="red", markup=False)
        raise typer.Exit(1) from error
