"""`portalctl rebuild`: a projection from its events, beside the live one."""

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar

from chassis.service.settings import read_settings
from portalctl.arguments import Patience, Yes
from portalctl.settings import Settings
from portalctl.terminal import err, exit_on_error, say

if TYPE_CHECKING:
    from portalctl.rebuild.command import Outcome
    from portalctl.rebuild.shadow import ShadowComparison

_WRONG_ARGUMENT_CODE = 2


def rebuild(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="PROJECTION", help="<service>.<projection>; a wrong name lists all.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Build and compare only.")] = False,
    yes: Yes = False,
    restart: Annotated[bool, typer.Option("--restart", help="Do not continue an interrupted rebuild.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
    limit: Annotated[int, typer.Option(help="Differences shown.", min=0)] = 20,
    patience: Patience = 60.0,
) -> None:
    """Build a projection from its events beside the live one, show what differs, and replace it in one transaction.

    The services continue to run. An interrupted rebuild continues at the next call. It needs the role that owns the tables;
    the databases are the ones of `verify`. Exit codes: 0 nothing differs, or replaced; 1 documents differ and were not
    replaced, or records cannot be folded; 2 wrong argument.
    """
    # It imports the rules of all four services, which the other commands do not need.
    from portalctl.rebuild import command
    from portalctl.rebuild.targets import VIEWS, UnknownProjection, target_of
    from verify import sources

    with exit_on_error():
        try:
            target = target_of(name)
        except UnknownProjection as error:
            err.print(f"portalctl: {error}", style="red")
            raise typer.Exit(_WRONG_ARGUMENT_CODE) from None
        settings = read_settings(Settings)
        where = sources.sources_of(sources.known_to(context.obj, settings), context.obj.logs, settings)

        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with ProgressBar(*columns, console=err, disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task(name, total=None)

            def progress(done: int, total: int) -> None:
                bar.update(task, completed=done, total=total)

            def confirm(comparison: "ShadowComparison") -> bool:
                bar.stop()
                if not as_json:
                    _show(comparison, limit)
                return not dry_run and (yes or typer.confirm(f"Replace {comparison.count} documents?", err=True))

            if target.name == VIEWS:
                work = command.rebuild_views(where, target, most=limit, confirm=confirm, progress=progress)
            else:
                rebuild = command.Rebuild(where, target, patience=patience)
                work = rebuild.run(restart=restart, most=limit, confirm=confirm, progress=progress)
            outcome = asyncio.run(work)
    if as_json:
        say(json.dumps(_as_json(name, outcome)))
    else:
        _report(name, outcome)
    if outcome.failures or (outcome.comparison.count and not outcome.switched):
        raise typer.Exit(1)


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
