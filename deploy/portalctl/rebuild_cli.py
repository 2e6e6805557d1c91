"""`portalctl rebuild`: a projection from its events, beside the live one."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import asyncpg
import typer
from aiokafka.errors import KafkaError
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from chassis.service.settings import read_settings
from portalctl.arguments import Patience, Yes
from portalctl.local.errors import StackError
from portalctl.local.folder import Folder
from portalctl.rebuild.due import COMMAND, DATABASE, due_rebuilds, remove_due
from portalctl.settings import Settings
from portalctl.terminal import err, exit_on_error, progress, say
from portalctl.up import Show

if TYPE_CHECKING:
    from portalctl.rebuild.command import Outcome
    from portalctl.rebuild.shadow import ShadowComparison
    from verify.sources import Sources

_WRONG_ARGUMENT_CODE = 2


def rebuild(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="PROJECTION", help="<service>.<projection>; a wrong name lists all.")
    ] = None,
    due: Annotated[bool, typer.Option("--due", help="All projections that an upgrade has left in an earlier form.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Build and compare only.")] = False,
    yes: Yes = False,
    restart: Annotated[bool, typer.Option("--restart", help="Do not continue an interrupted rebuild.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result of each projection as one JSON object.")] = False,
    limit: Annotated[int, typer.Option(help="Differences shown.", min=0)] = 20,
    patience: Patience = 60.0,
) -> None:
    """Build a projection from its events beside the live one, show what differs, and replace it in one transaction.

    The services continue to run. An interrupted rebuild continues at the next call. It needs the role that owns the tables;
    the databases are the ones of `verify`. Run it with --due after an upgrade, once no process of the former release runs: it
    does nothing if nothing is due. Exit codes: 0 nothing differs, or replaced; 1 documents differ and were not replaced, or
    records cannot be folded; 2 wrong argument.
    """
    if (name is None) != due:
        err.print("portalctl: name a projection, or use --due", style="red")
        raise typer.Exit(_WRONG_ARGUMENT_CODE)
    options = Options(dry_run, yes, restart, as_json, limit, patience)
    with exit_on_error():
        settings = read_settings(Settings)
        if name is not None:
            _check(name)
        # It imports the rules of all four services, which the other commands do not need.
        from verify import sources

        where = sources.sources_of(sources.known_to(context.obj, settings), context.obj.logs, settings)
        url, own = where.databases[DATABASE], where.own
        names = [name] if name is not None else asyncio.run(due_rebuilds(url, own=own))
        if not names:
            err.print("no rebuild is due")
        complete = [_rebuild(where, each, options) for each in names]
    if not all(complete):
        raise typer.Exit(1)


def after_upgrade(folder: Folder, show: Show) -> Show:
    """Rebuild documents of an earlier release before the stack is shown."""

    def then(state: dict[str, Any]) -> None:
        finish_upgrade(folder, state)
        show(state)

    return then


def finish_upgrade(folder: Folder, state: Mapping[str, Any]) -> None:
    """Rebuild what an upgrade of the stack on this machine has left in an earlier form. A failure is reported, not raised."""
    try:
        settings = read_settings(Settings)
        url = state.get("postgres", {}).get(DATABASE)
        if url is None or not (names := asyncio.run(due_rebuilds(url, own="postgres" in state.get("logs", {})))):
            return
        from verify import sources

        progress(f"rebuilding documents of an earlier release: {', '.join(names)}")
        where = sources.sources_of(state, folder.logs, settings)
        for name in names:
            _rebuild(where, name, Options(yes=True, quiet=True))
    except (StackError, KafkaError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        err.print(f"portalctl: not rebuilt ({error}): run `{COMMAND}`", style="red")


@dataclass(frozen=True)
class Options:
    dry_run: bool = False
    yes: bool = False
    restart: bool = False
    as_json: bool = False
    limit: int = 20
    patience: float = 60.0
    quiet: bool = False
    """Report only what was not replaced."""


def _check(name: str) -> None:
    from portalctl.rebuild.targets import UnknownProjection, target_of

    try:
        target_of(name)
    except UnknownProjection as error:
        err.print(f"portalctl: {error}", style="red")
        raise typer.Exit(_WRONG_ARGUMENT_CODE) from None


def _rebuild(where: "Sources", name: str, options: Options) -> bool:
    """Whether the projection has the form and content of this release now."""
    from portalctl.rebuild import command
    from portalctl.rebuild.targets import VIEWS, target_of

    target = target_of(name)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with ProgressBar(*columns, console=err, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(name, total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        def confirm(comparison: "ShadowComparison") -> bool:
            bar.stop()
            if not (options.as_json or options.quiet):
                _show(comparison, options.limit)
            return not options.dry_run and (options.yes or typer.confirm(f"Replace {comparison.count} documents?", err=True))

        if target.name == VIEWS:
            work = command.rebuild_views(where, target, most=options.limit, confirm=confirm, progress=advance)
        else:
            rebuild = command.Rebuild(where, target, patience=options.patience)
            work = rebuild.run(restart=options.restart, most=options.limit, confirm=confirm, progress=advance)
        outcome = asyncio.run(work)
    complete = not outcome.failures and (not outcome.comparison.count or outcome.switched)
    if complete and not options.dry_run:
        asyncio.run(remove_due(where.databases[DATABASE], name, own=where.own))
    if options.as_json:
        say(json.dumps(_as_json(name, outcome)))
    elif not (options.quiet and complete):
        _report(name, outcome)
    return complete


def _show(comparison: "ShadowComparison", limit: int) -> None:
    for difference in comparison.differences:
        say(str(difference))
    if (more := comparison.count - len(comparison.differences)) > 0:
        say(f"… and {more} more (--limit)")


def _report(name: str, outcome: "Outcome") -> None:
    comparison = outcome.comparison
    for failure in outcome.failures:
        say(f"cannot be folded: {failure}")
    checksums = f", checksums {comparison.live_checksum} and {comparison.rebuilt_checksum}" if comparison.live_checksum else ""
    say(f"{name}: {comparison.documents} documents, {comparison.count} differ{checksums}")
    if outcome.switched:
        say(f"replaced{f', {outcome.views} pages composed' if outcome.views else ''}")
    elif outcome.failures:
        say("not replaced: settle the records with `portalctl quarantine`, or correct the code")


def _as_json(name: str, outcome: "Outcome") -> dict[str, Any]:
    comparison = outcome.comparison
    return {
        "projection": name,
        "documents": comparison.documents,
        "checksums": {"live": comparison.live_checksum, "rebuilt": comparison.rebuilt_checksum},
        "differing": comparison.count,
        "differences": [
            {"merchant_id": str(each.merchant_id), "aggregate": each.aggregate, "what": each.what, "fields": list(each.fields)}
            for each in comparison.differences
        ],
        "failures": outcome.failures,
        "replaced": outcome.switched,
        "pages_composed": outcome.views,
    }
