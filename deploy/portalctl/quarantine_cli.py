"""`portalctl quarantine`: operator actions on records that a service could not decode or process."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from chassis.service.settings import read_settings
from portalctl.settings import Settings
from portalctl.terminal import exit_on_error, say

if TYPE_CHECKING:
    from portalctl.quarantine import Quarantines

quarantine_app = typer.Typer(help="Records that a service could not decode or process.", no_args_is_help=True)

ServiceArgument = Annotated[str, typer.Argument(help="subscriptions, payments, invoicing or portal-gateway.")]
RecordId = Annotated[int, typer.Argument(help="The id from `quarantine list`.")]


@quarantine_app.command("list")
def list_all(context: typer.Context, service: ServiceArgument) -> None:
    """List unsettled records: id, state, group, topic/partition@offset, aggregate and error, separated by tabs."""
    _print_lines(context, service, lambda quarantines: quarantines.lines())


@quarantine_app.command()
def show(context: typer.Context, service: ServiceArgument, id: RecordId) -> None:
    """Show all stored fields of one record. They may be personal."""
    _print_lines(context, service, lambda quarantines: quarantines.details(id))


@quarantine_app.command()
def retry(context: typer.Context, service: ServiceArgument, id: RecordId) -> None:
    """Have the service handle the record again."""
    _print_lines(context, service, lambda quarantines: quarantines.retry(id))


@quarantine_app.command()
def discard(context: typer.Context, service: ServiceArgument, id: RecordId) -> None:
    """Discard the record. Events that wait for it continue without it."""
    _print_lines(context, service, lambda quarantines: quarantines.discard(id))


@quarantine_app.command()
def skip(
    context: typer.Context,
    service: ServiceArgument,
    topic: Annotated[str, typer.Argument()],
    partition: Annotated[int, typer.Argument(min=0)],
    offset: Annotated[int, typer.Argument(min=0)],
) -> None:
    """Move the service past the record at which it is stuck; /health/ready names it. It is stored as discarded."""
    _print_lines(context, service, lambda quarantines: quarantines.skip(topic, partition, offset))


def _print_lines(context: typer.Context, service: str, work: "Callable[[Quarantines], Iterator[str]]") -> None:
    # It imports the rules of all four services, which the other commands do not need.
    from portalctl import quarantine
    from verify import sources

    with exit_on_error():
        settings = read_settings(Settings)
        where = sources.sources_of(sources.known_to(context.obj, settings), context.obj.logs, settings)
        for line in work(quarantine.Quarantines(where, service)):
            say(line)
