"""`portalctl reconcile` and `portalctl blocked`: what follows a restore."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from chassis.card_numbers.detection import has_card
from chassis.service.settings import read_settings
from portalctl.arguments import AsJson, Bootstrap, Yes
from portalctl.local.errors import StackError
from portalctl.local.folder import Folder, write_text
from portalctl.local.lifecycle import is_up
from portalctl.settings import Settings
from portalctl.terminal import exit_on_error, progress, say

if TYPE_CHECKING:
    from portalctl.recovery.report import RecoveryReport

blocked_app = typer.Typer(help="Streams under review after a restore.", no_args_is_help=True)

_OWNER = "subscriptions, payments or invoicing."


def reconcile(
    context: typer.Context,
    kafka: Bootstrap = None,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Take over lost events with a private form that follows from the public one.")
    ] = False,
    erase_vanished: Annotated[
        bool, typer.Option("--erase-vanished", help="Erase restored customers that have no record on the topic any more.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="The report's JSON file; the text is beside it as .txt. Must not exist yet.")
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Compare restored databases with the topics, while all services are stopped. Services start only after a clean result.

    Streams that the topics know better are blocked, and every lost write is listed. Erasures made after the backup are applied
    again. Settings as for `verify`, with the tables' owners; without them the local stack's servers are started for the time.
    Exit codes: 0 clean; 1 forks remain, services run, or not confirmed; 2 wrong arguments or settings.
    """
    with exit_on_error():
        settings = _settings(kafka)
        file = _report_file(context.obj, report)
        result = asyncio.run(_reconcile(context.obj, settings, adopt, erase_vanished, yes, as_json))
        document = json.dumps(result.document(), indent=2) + "\n"
        write_text(file, document)
        write_text(file.with_suffix(".txt"), "\n".join(result.lines(most=1_000_000)) + "\n")
    say(document.rstrip() if as_json else f"report: {file}")
    if not result.clean or not result.applied:
        raise typer.Exit(1)


async def _reconcile(
    folder: Folder, settings: Settings, adopt: bool, erase_vanished: bool, yes: bool, as_json: bool
) -> "RecoveryReport":
    # They import the rules of all four services, which the other commands do not need.
    from portalctl.recovery.reconcile import reconciliation
    from portalctl.recovery.servers import recovery_servers

    async with recovery_servers(folder, settings) as servers, reconciliation(servers) as work:
        report = await work.examine()
        if not as_json:
            for line in report.lines():
                say(line)
        if not yes and not typer.confirm("Change the databases accordingly?", err=True):
            return report
        done = await work.apply(report, adopting=adopt, erase_vanished=erase_vanished)
        if not as_json:
            say("clean: the services may start" if done.clean else "not clean: the services do not start yet")
        return done


@blocked_app.command("list")
def list_blocked(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also released ones.")] = False,
    as_json: AsJson = False,
) -> None:
    """List blocked streams: service, merchant, stream, kind, last version in store and on topic; separated by tabs.

    Exit codes: 0; 1 if a database cannot be used.
    """
    with exit_on_error():
        rows = asyncio.run(_blocked(context.obj, _settings(None), every))
    if as_json:
        say(json.dumps(rows, indent=2))
        return
    for row in rows:
        say("\t".join(str(value) for value in row.values() if value is not None))


@blocked_app.command("release")
def release_stream(
    context: typer.Context,
    service: Annotated[str, typer.Argument(help=_OWNER)],
    stream: Annotated[str, typer.Argument(help="<kind>-<uuid>, as in `blocked list`.")],
    merchant: Annotated[UUID, typer.Option(help="The merchant's id.")],
    reason: Annotated[str, typer.Option(help="Why the stream may continue; it is stored.")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Allow changes again after a review. The stream continues after the last number on the topic, without the lost events.

    Repeat the lost writes that should hold with the services' APIs. A fork counts as accepted; run `reconcile` again then.
    Exit codes: 0 released; 1 the stream is not blocked, or not confirmed; 2 wrong arguments.
    """
    from portalctl.recovery.stores import OWNERS

    if service not in OWNERS:
        raise typer.BadParameter(f"{service!r} has no streams; expected {_OWNER}", param_hint="SERVICE")
    if has_card(reason):
        raise typer.BadParameter("contains what looks like a card number; expected a text without one", param_hint="--reason")
    if not reason.strip():
        raise typer.BadParameter("expected a text that explains the release", param_hint="--reason")
    with exit_on_error():
        if not yes and not typer.confirm(f"Release {stream} of merchant {merchant}?", err=True):
            raise typer.Exit(1)
        asyncio.run(_release(context.obj, _settings(None), service, merchant, stream, reason.strip()))
    released = {"service": service, "merchant_id": str(merchant), "stream": stream, "reason": reason.strip()}
    say(json.dumps(released) if as_json else f"{stream} is released")


@asynccontextmanager
async def _owners(folder: Folder, settings: Settings) -> AsyncIterator[dict[str, str]]:
    """The databases of a running system, or of one that is stopped."""
    from portalctl.recovery.servers import recovery_servers
    from verify import sources

    named = all(getattr(settings, sources.variable_of(name).lower()) for name in sources.DATABASES)
    if named or is_up(folder):
        yield sources.databases_of(sources.known_to(folder, settings), settings)
    else:
        async with recovery_servers(folder, settings) as servers:
            yield dict(servers.databases)


async def _blocked(folder: Folder, settings: Settings, every: bool) -> list[dict[str, object]]:
    from chassis.event_store.blocked_streams import blocked_streams
    from portalctl.local.databases import connect
    from portalctl.recovery.stores import OWNERS

    rows: list[dict[str, object]] = []
    async with _owners(folder, settings) as databases:
        for name in OWNERS:
            connection = await connect(databases[name], timeout=60)
            try:
                rows += [
                    {
                        "service": name,
                        "merchant_id": str(each.merchant_id),
                        "stream": each.stream,
                        "kind": each.kind,
                        "store_version": each.store_version,
                        "topic_version": each.topic_version,
                        "released_at": each.released_at.isoformat() if each.released_at else None,
                        "reason": each.reason,
                    }
                    for each in await blocked_streams(connection)
                    if every or each.released_at is None
                ]
            finally:
                await connection.close()
    return rows


async def _release(folder: Folder, settings: Settings, service: str, merchant: UUID, stream: str, reason: str) -> None:
    from chassis.event_store.blocked_streams import NotBlocked, release
    from portalctl.local.databases import connect

    async with _owners(folder, settings) as databases:
        connection = await connect(databases[service], timeout=60)
        try:
            async with connection.transaction():
                await release(connection, merchant, stream, reason)
        except NotBlocked:
            raise StackError(
                f"{stream} of merchant {merchant} is not blocked in {service}: see `portalctl blocked list`"
            ) from None
        finally:
            await connection.close()


def _settings(kafka: str | None) -> Settings:
    settings = read_settings(Settings)
    return settings.model_copy(update={"kafka_bootstrap_servers": kafka}) if kafka else settings


def _report_file(folder: Folder, named: Path | None) -> Path:
    base = folder.root if folder.root.is_dir() else Path.cwd()
    file = named or base / f"reconcile-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    if file.suffix != ".json":
        raise typer.BadParameter(f"{str(file)!r}; expected the name of a file that ends with .json", param_hint="--report")
    if file.exists() or file.with_suffix(".txt").exists():
        raise typer.BadParameter(f"{file} exists; expected the name of a new file", param_hint="--report")
    if not file.parent.is_dir():
        raise typer.BadParameter(f"{file.parent} does not exist; expected a file in an existing folder", param_hint="--report")
    progress(f"the report will be {file}")
    return file
