"""`portalctl events tail` and `portalctl streams show`."""

import asyncio
import contextlib
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer

from chassis.kafka_access import KafkaAccess
from chassis.service.settings import read_settings
from portalctl.local.state import read_state
from portalctl.settings import Settings
from portalctl.terminal import exit_on_error, say

events_app = typer.Typer(help="Public events on the topics.", no_args_is_help=True)
streams_app = typer.Typer(help="Private events of one aggregate.", no_args_is_help=True)

_DURATION = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _instant(value: str) -> str:
    _parsed(value)
    return value


def _parsed(value: str) -> datetime:
    """Raises BadParameter."""
    if match := _DURATION.fullmatch(value):
        return datetime.now(UTC) - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        raise typer.BadParameter(
            f"{value!r}; expected a duration such as 30s, 10m, 2h or 7d, or an instant such as 2026-03-01T12:00Z"
        ) from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _type(value: str | None) -> str | None:
    from portalctl.events.tail import types_named
    from portalctl.local.errors import StackError

    try:
        if value is not None:
            types_named(value)
    except StackError as error:
        raise typer.BadParameter(str(error)) from None
    return value


def _topic(value: str | None) -> str | None:
    from portalctl.events.tail import check_topic
    from portalctl.local.errors import StackError

    try:
        if value is not None:
            check_topic(value)
    except StackError as error:
        raise typer.BadParameter(str(error)) from None
    return value


def _aggregate(value: str) -> str:
    from portalctl.events.streams import UnknownAggregate, database_of

    try:
        database_of(value)
    except UnknownAggregate as error:
        raise typer.BadParameter(str(error)) from None
    return value


@events_app.command("tail")
def tail_events(
    context: typer.Context,
    merchant: Annotated[UUID | None, typer.Option(help="Only events of this merchant.")] = None,
    customer: Annotated[UUID | None, typer.Option(help="Only events about this customer.")] = None,
    correlation: Annotated[UUID | None, typer.Option(help="Only events that one request or timer led to.")] = None,
    type: Annotated[str | None, typer.Option(help="PaymentSucceeded, or a full type.", callback=_type)] = None,
    topic: Annotated[str | None, typer.Option(help="Only this topic.", callback=_topic)] = None,
    since: Annotated[str, typer.Option(help="30s, 10m, 2h, 7d, or an instant.", callback=_instant)] = "1h",
    limit: Annotated[int, typer.Option(help="Show at most this many past events, the newest.", min=0, max=100_000)] = 100,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for further events, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per event.")] = False,
) -> None:
    """Show public events: time, type, aggregate, customer, correlation and data, separated by tabs.

    Profiles of customers contain personal data. Exit codes: 0 also without any event, 1 Kafka cannot be read, 2 wrong argument.
    """
    from portalctl.events.tail import EVENT_TOPICS, Filter, tail, types_named
    from portalctl.local.errors import StackError

    async def show(kafka: KafkaAccess) -> None:
        criteria = Filter(merchant, customer, correlation, types_named(type) if type else ())
        topics = [topic] if topic else EVENT_TOPICS
        async for line in tail(kafka, topics, criteria, _parsed(since), limit=limit, follow=follow):
            say(line.as_json() if as_json else str(line))

    with exit_on_error():
        settings = read_settings(Settings)
        kafka = settings.kafka_of(read_state(context.obj))
        if kafka is None:
            raise StackError("no stack was started here: run portalctl up first, or set KAFKA_BOOTSTRAP_SERVERS")
        with contextlib.suppress(KeyboardInterrupt):
            try:
                asyncio.run(show(kafka))
            except BrokenPipeError:
                # The reader, such as head, has enough.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@streams_app.command("show")
def show_stream(
    context: typer.Context,
    aggregate: Annotated[str, typer.Argument(help="<kind>-<uuid>, as in `events tail`.", callback=_aggregate)],
    merchant: Annotated[UUID | None, typer.Option(help="Only this merchant's stream.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per stream.")] = False,
) -> None:
    """Show all events of an aggregate, decoded: versions, times, causes and fields.

    KEY_ENCRYPTION_KEY of invoicing, or the local stack's, shows the buyer of an invoice. Exit codes: 0 shown, 1 no such stream
    or no database, 2 wrong argument.
    """
    from portalctl.cards.command import keys_of
    from portalctl.events.streams import show
    from verify.sources import Sources, databases_of

    with exit_on_error():
        settings, state = read_settings(Settings), read_state(context.obj)
        databases = databases_of(state, settings)
        own = "postgres" in state.get("logs", {}) and databases == state.get("postgres", {})
        kafka = settings.kafka_access("unused:1")
        shown = asyncio.run(show(Sources(databases, kafka, own=own), aggregate, merchant, keys_of(context.obj)))
    for stream in shown:
        if as_json:
            say(stream.as_json())
            continue
        for line in stream.lines():
            say(line)
