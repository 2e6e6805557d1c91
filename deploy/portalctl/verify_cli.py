"""`portalctl verify`: the invariants, and the books of payment providers."""

import asyncio
import json
from typing import Annotated

import typer

from chassis.service.settings import read_settings
from portalctl.arguments import Bootstrap, Limit, Patience
from portalctl.settings import Settings
from portalctl.terminal import err, exit_on_error, out, say


def verify(
    context: typer.Context,
    kafka: Bootstrap = None,
    patience: Patience = 60.0,
    most: Limit = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
    provider: Annotated[
        bool, typer.Option("--provider", help="Compare the books of merchants' accounts at Stripe with payments, too.")
    ] = False,
    days: Annotated[int, typer.Option(min=1, max=3650, help="The latest days that --provider compares.")] = 7,
) -> None:
    """Check the invariants from raw tables and topics, also while the system runs. Exit code 1 when one is violated.

    With --provider also: each payment intent and refund at Stripe is what payments has, and the reverse. It needs
    KEY_ENCRYPTION_KEY of payments, and changes nothing.

    SUBSCRIPTIONS_DATABASE_URL, PAYMENTS_DATABASE_URL, INVOICING_DATABASE_URL and PORTAL_GATEWAY_DATABASE_URL (of roles that may
    read every table) name the databases of a cluster that was not started here.
    """
    # It imports the rules of all four services, which the other commands do not need.
    from portalctl.cards.command import keys_of
    from verify import report, running, sources
    from verify.provider import books

    with exit_on_error(), err.status("verifying") as shown:
        settings = read_settings(Settings)
        if kafka:
            settings = settings.model_copy(update={"kafka_bootstrap_servers": kafka})
        where = sources.sources_of(sources.known_to(context.obj, settings), context.obj.logs, settings)
        keys = keys_of(context.obj) if provider else []
        result = asyncio.run(running.verify(where, patience=patience, progress=shown.update))
        compared = books.compare_all(where, keys, days, shown.update) if provider else None
    if as_json:
        say(json.dumps(report.as_json(result, most) | ({"provider": books.as_json(compared, most)} if compared else {})))
    else:
        report.show(result, out, most)
        if compared:
            report.show_books(compared, out, most)
    if not result.clean or (compared and not compared.clean):
        raise typer.Exit(1)
