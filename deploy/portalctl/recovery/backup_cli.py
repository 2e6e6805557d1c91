"""`portalctl backup`, `portalctl restore` and `portalctl topics refill`."""

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from chassis.service.settings import read_settings
from portalctl.arguments import AsJson, Bootstrap, Yes
from portalctl.local.errors import StackError, within
from portalctl.local.folder import Folder
from portalctl.local.layout import layout_as_started
from portalctl.local.lifecycle import running_state
from portalctl.recovery.backup import SECRETS, Backup, make_backup, read_backup
from portalctl.recovery.restore import Target, require_new, restore
from portalctl.settings import Settings
from portalctl.terminal import exit_on_error, say

_NEXT = "next: `portalctl reconcile`, then start the services"


def make_backup_command(
    context: typer.Context,
    to: Annotated[Path, typer.Argument(help="The folder to create.")],
    secrets: Annotated[
        bool | None,
        typer.Option("--with-secrets/--without-secrets", help="Whether the folder's secrets.json is included. Required."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Back up the PostgreSQL server with all databases, while it runs, and verify the backup.

    PORTAL_POSTGRES_URL names a server with an administrator who may replicate; without it, the local stack's. Without the keys
    in secrets.json the buyers on invoices cannot be read again: if you exclude it, back it up elsewhere. Kafka needs no backup.
    Exit codes: 0; 1 the backup failed and the folder does not exist; 2 wrong arguments or settings.
    """
    if secrets is None:
        raise typer.BadParameter(
            "not given; expected --with-secrets, or --without-secrets if secrets.json is backed up elsewhere",
            param_hint="--with-secrets",
        )
    if to.exists():
        raise typer.BadParameter(f"{to} exists; expected the name of a new folder", param_hint="TO")
    with exit_on_error():
        backup = asyncio.run(_backup(context.obj, to.absolute(), secrets))
    if as_json:
        say(json.dumps({"folder": str(to), **asdict(backup)}))
    else:
        say(f"{to}: verified; secrets {backup.secrets}")


async def _backup(folder: Folder, to: Path, secrets: bool) -> Backup:
    settings = read_settings(Settings)
    own = settings.portal_postgres_url is None
    if own:
        running_state(folder, "postgres")
    if secrets and not folder.secrets.is_file():
        raise StackError(f"{folder.secrets} does not exist: use --without-secrets")
    folder.make()
    layout = layout_as_started(folder)
    names = [database.name for database in layout.databases]
    log, seconds = folder.log("backup"), settings.portal_deadline_seconds
    async with within(seconds, "backing up PostgreSQL", log):
        return await make_backup(layout.admin_url, names, to, log, secrets=folder.secrets if secrets else None, own=own)


def restore_command(
    context: typer.Context,
    backup: Annotated[Path, typer.Argument(help="A folder that `backup` made.")],
    to: Annotated[
        list[str] | None,
        typer.Option(help="A time, as 2026-03-01T12:00:00Z, or a data folder to create. May be given once for each."),
    ] = None,
    wal: Annotated[
        Path | None, typer.Option(help="The folder with the archived log, if it is not where the backup names it.")
    ] = None,
    set_aside: Annotated[bool, typer.Option("--set-aside", help="Rename the local stack's data instead of refusing.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Restore a backup: to its end and on to the end of the archived log, or to a time. The databases are marked.

    Without a folder, the local stack's data is restored; the stack must be stopped. Existing data is never overwritten. Services
    refuse to start on the result before `portalctl reconcile`.
    Exit codes: 0; 1 the restore failed and nothing was changed, or not confirmed; 2 wrong arguments or settings.
    """
    time, data = _targets(to or [])
    with exit_on_error():
        settings, folder = read_settings(Settings), context.obj
        content = read_backup(backup)
        archive = wal or (Path(content.wal_archive) if content.wal_archive else None)
        _check_time(time, content, archive)
        if archive is not None and not archive.is_dir():
            raise StackError(f"the archived log {archive} is not there: name its folder with --wal")
        where = data or folder.postgres / "data"
        if not yes and not typer.confirm(f"Restore the backup of {content.made_at} into {where}?", err=True):
            raise typer.Exit(1)
        asyncio.run(_restore(folder, settings, backup, content, data, archive, time, set_aside))
    if as_json:
        restored = {"data": str(where), "time": time.isoformat() if time else None, "wal": str(archive) if archive else None}
        say(json.dumps(restored | {"reconciled": False}))
    else:
        say(f"restored into {where}; {_NEXT}")


async def _restore(
    folder: Folder,
    settings: Settings,
    backup: Path,
    content: Backup,
    data: Path | None,
    archive: Path | None,
    time: datetime | None,
    set_aside: bool,
) -> None:
    from portalctl.recovery.servers import stopped_stack

    seconds = settings.portal_deadline_seconds
    if data is not None:
        require_new(data)
        folder.make()
        await restore(backup, content, Target(data.absolute(), archive, time), folder.log("restore"), seconds)
        return
    if settings.portal_postgres_url is not None:
        raise StackError("PORTAL_POSTGRES_URL names a server: restore into a folder with --to, and start that server on it")
    folder.make()
    with stopped_stack(folder):
        own = folder.postgres / "data"
        if own.exists() and not set_aside:
            require_new(own)
        if not folder.secrets.exists() and content.secrets == "included":
            folder.secrets.touch(mode=0o600)
            folder.secrets.write_bytes((backup / SECRETS).read_bytes())
        password = layout_as_started(folder).keys.passwords["postgres"]
        fresh = folder.postgres / "restored"
        if fresh.exists():
            raise StackError(f"{fresh} exists: another restore left it. Delete it")
        await restore(backup, content, Target(fresh, archive, time, password), folder.log("restore"), seconds)
        if own.exists():
            own.rename(folder.postgres / f"data.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        fresh.rename(own)


def refill_command(
    context: typer.Context,
    kafka: Bootstrap = None,
    recreate: Annotated[bool, typer.Option("--recreate", help="Delete topics that still exist first.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Make the topics again from the databases after Kafka was lost, while all services are stopped.

    The relays send every event again when the services start; customers' profiles and erasures too. No consumer has a second
    effect. Exit codes: 0; 1 a service runs, topics have records, or not confirmed; 2 wrong arguments or settings.
    """
    from portalctl.recovery.refill import Refilled, refill
    from portalctl.recovery.servers import recovery_servers

    async def run() -> Refilled:
        async with recovery_servers(context.obj, settings) as servers:
            return await refill(servers, recreate=recreate)

    with exit_on_error():
        settings = read_settings(Settings)
        if kafka:
            settings = settings.model_copy(update={"kafka_bootstrap_servers": kafka})
        deletes = "delete the topics and make them" if recreate else "make the topics"
        if not yes and not typer.confirm(f"Set all relays back and {deletes} again?", err=True):
            raise typer.Exit(1)
        done = asyncio.run(run())
    if as_json:
        say(json.dumps(asdict(done)))
        return
    for topic, count in done.events.items():
        say(f"{topic}: {count} events will be sent again")
    say(f"billing.customers: {done.profiles} profiles and {done.tombstones} erasures will be sent again")


def _targets(texts: list[str]) -> tuple[datetime | None, Path | None]:
    times, folders = [], []
    for text in texts:
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            folders.append(Path(text))
            continue
        if time.tzinfo is None:
            raise typer.BadParameter(f"{text!r} has no time zone; expected a time as 2026-03-01T12:00:00Z", param_hint="--to")
        times.append(time.astimezone(UTC))
    if len(times) > 1 or len(folders) > 1:
        raise typer.BadParameter("given twice; expected one time and one folder at most", param_hint="--to")
    return times[0] if times else None, folders[0] if folders else None


def _check_time(time: datetime | None, backup: Backup, archive: Path | None) -> None:
    if time is None:
        return
    if archive is None:
        why = "the backup names no archived log; expected --wal with its folder, or no time"
        raise typer.BadParameter(why, param_hint="--to")
    if time < datetime.fromisoformat(backup.made_at):
        why = f"{time.isoformat()} is before the end of the backup; expected a time after {backup.made_at}"
        raise typer.BadParameter(why, param_hint="--to")
    if time > datetime.now(UTC):
        raise typer.BadParameter(f"{time.isoformat()} is in the future; expected a time in the past", param_hint="--to")
