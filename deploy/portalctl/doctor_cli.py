"""`portalctl doctor`: what an operator checks first."""

import asyncio
import json
from typing import Annotated

import typer
from rich.text import Text

from chassis.service.settings import read_settings
from portalctl.local.state import read_state
from portalctl.settings import Settings
from portalctl.terminal import err, exit_on_error, out, say

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}


def doctor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per check.")] = False,
) -> None:
    """Check servers, credentials, migrations, topics, relays, consumers, quarantine, timers, charges, clocks, files and disk.

    It changes nothing and examines the same servers as `verify`. One line per check: ok, warning, failed or skipped, and what
    to do. Exit codes: 0 no check failed, 1 a check failed, 2 wrong settings.
    """
    # It imports the rules of all four services, which the other commands do not need.
    from portalctl.doctor.command import examine
    from portalctl.doctor.findings import CheckStatus
    from verify.sources import sources_of

    with exit_on_error(), err.status("examining"):
        settings = read_settings(Settings)
        state = read_state(context.obj)
        sources = sources_of(state, context.obj.logs, settings)
        findings = asyncio.run(examine(context.obj, state, sources.databases, sources.kafka))
    for finding in findings:
        if as_json:
            say(json.dumps(finding.as_json()))
            continue
        out.print(Text.assemble((f"{finding.status:<8}", _STYLES[finding.status]), f"{finding.check}: {finding.what}"))
        if finding.advice:
            out.print(f"        → {finding.advice}")
    if any(finding.status is CheckStatus.FAILED for finding in findings):
        raise typer.Exit(1)
