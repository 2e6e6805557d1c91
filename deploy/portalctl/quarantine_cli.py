"""`portalctl quarantine`: operator actions on records that a service could not decode or process."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chassis.service.settings import read_settings
from portalctl.arguments import AsJson, Yes
from portalctl.local.services import SERVICES
from portalctl.settings import Settings
from portalctl.terminal import exit_on_error, say

if TYPE_CHECKING:
    from portalctl.quarantine import Quarantines

_EXIT_CODES = "Exit codes: 0 done, 1 failed or not confirmed, 2 a wrong argument or setting."

quarantine_app = typer.Typer(help="Records that a service could not decode or process.", no_args_is_help=True)


def _known(service: str) -> str:
    names = [kind.name for kind in SERVICES]
    if service not in names:
        raise typer.BadParameter(f"{service!r} is not a service; expected {', '.join(names)}")
    return service


ServiceArgument = Annotated[str, typer.Argument(help="subscriptions, payments, invoicing or portal-gateway.", callback=_known)]
RecordId = Annotated[int, typer.Argument(help="The id from `quarantine list`.", min=1)]


@quarantine_app.command("list", epilog=_EXIT_CODES)
def list_all(context: typer.Context, service: ServiceArgument, as_json: AsJson = False) -> None:
    """List unsettled records: id, state, group, topic/partition@offset, aggregate and error, separated by tabs."""
    with _opened(context, service) as quarantines:
        _print(map(json.dumps, quarantines.objects()) if as_json else quarantines.lines())


@quarantine_app.command(epilog=_EXIT_CODES)
def show(context: typer.Context, service: ServiceArgument, id: RecordId, as_json: AsJson = False) -> None:
    """Show all stored fields of one record. They may be personal."""
    with _opened(context, service) as quarantines:
        _print([json.dumps(quarantines.object(id))] if as_json else quarantines.details(id))


@quarantine_app.command(epilog=_EXIT_CODES)
def retry(context: typer.Context, service: ServiceArgument, id: RecordId, yes: Yes = False, as_json: AsJson = False) -> None:
    """Have the service handle the record again."""
    changed = {"action": "retry", "service": service, "id": id}
    _change(context, changed, f"Have {service} handle record {id} again?", yes, as_json, lambda them: them.retry(id))


@quarantine_app.command(epilog=_EXIT_CODES)
def discard(context: typer.Context, service: ServiceArgument, id: RecordId, yes: Yes = False, as_json: AsJson = False) -> None:
    """Discard the record. Events that wait for it continue without it."""
    changed = {"action": "discard", "service": service, "id": id}
    _change(context, changed, f"Have {service} continue without record {id}?", yes, as_json, lambda them: them.discard(id))


@quarantine_app.command(epilog=_EXIT_CODES)
def skip(
    context: typer.Context,
    service: ServiceArgument,
    topic: Annotated[str, typer.Argument()],
    partition: Annotated[int, typer.Argument(min=0)],
    offset: Annotated[int, typer.Argument(min=0)],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Move the service past the record at which it is stuck; /health/ready names it. It is stored as discarded."""
    changed = {"action": "skip", "service": service, "topic": topic, "partition": partition, "offset": offset}
    question = f"Move {service} past {topic}/{partition}@{offset}?"
    _change(context, changed, question, yes, as_json, lambda them: them.skip(topic, partition, offset))


def _change(
    context: typer.Context,
    changed: dict[str, Any],
    question: str,
    yes: bool,
    as_json: bool,
    work: "Callable[[Quarantines], Iterator[str]]",
) -> None:
    with _opened(context, changed["service"]) as quarantines:
        if not yes:
            typer.confirm(question, abort=True, err=True)
        lines = list(work(quarantines))
        _print([json.dumps(changed)] if as_json else lines)


@contextmanager
def _opened(context: typer.Context, service: str) -> "Iterator[Quarantines]":
    # It imports the rules of all four services, which the other commands do not need.
    from portalctl import quarantine
    from verify import sources

    with exit_on_error():
        settings = read_settings(Settings)
        where = sources.sources_of(sources.known_to(context.obj, settings), context.obj.logs, settings)
        yield quarantine.Quarantines(where, service)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)
