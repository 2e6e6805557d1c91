"""`portalctl quarantine`: what an operator does about records that a service could not read or handle."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from portalctl.terminal import failures_in_words, say

if TYPE_CHECKING:
    from portalctl.quarantine import Quarantines

quarantine_app = typer.Typer(help="Records that a service could not read or handle.", no_args_is_help=True)

Service = Annotated[str, typer.Argument(help="subscriptions, payments, invoicing or portal-gateway.")]
RecordId = Annotated[int, typer.Argument(help="As `quarantine list` shows it.")]


@quarantine_app.command("list")
def list_all(context: typer.Context, service: Service) -> None:
    """What waits for a decision or its fulfilment: id, state, group, topic/partition@offset, aggregate, error; apart by tabs."""
    _do(context, service, lambda it: it.listed())


@quarantine_app.command()
def show(context: typer.Context, service: Service, id: RecordId) -> None:
    """All that is kept of one record. It may be personal."""
    _do(context, service, lambda it: it.shown(id))


@quarantine_app.command()
def retry(context: typer.Context, service: Service, id: RecordId) -> None:
    """Have the service handle the record as if it came now."""
    _do(context, service, lambda it: it.retried(id))


@quarantine_app.command()
def discard(context: typer.Context, service: Service, id: RecordId) -> None:
    """Give the record up: what waits for it goes on without it."""
    _do(context, service, lambda it: it.discarded(id))


@quarantine_app.command()
def skip(
    context: typer.Context,
    service: Service,
    topic: Annotated[str, typer.Argument()],
    partition: Annotated[int, typer.Argument(min=0)],
    offset: Annotated[int, typer.Argument(min=0)],
) -> None:
    """Move the service past the record at which it is stuck, as /health/ready names it; it is kept as discarded."""
    _do(context, service, lambda it: it.skipped(topic, partition, offset))


def _do(context: typer.Context, service: str, work: "Callable[[Quarantines], Iterator[str]]") -> None:
    # it takes all four services' rules along, which the other commands need not wait for
    from portalctl import quarantine
    from verify import sources

    with failures_in_words():
        where = sources.sources_of(sources.known_to(context.obj, None), context.obj.logs)
        for line in work(quarantine.Quarantines(where, service)):
            say(line)
