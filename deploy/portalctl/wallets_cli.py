"""`portalctl wallets`: cards of a merchant's customers."""

import json
from pathlib import Path
from typing import Annotated

import typer

from chassis.service.settings import read_settings
from portalctl import wallets
from portalctl.arguments import ApiKey, AsJson, MerchantOption, PaymentsUrl
from portalctl.local.lifecycle import running_state
from portalctl.settings import Settings
from portalctl.terminal import exit_on_error, say

wallets_app = typer.Typer(help="Cards of a merchant's customers.", no_args_is_help=True)


@wallets_app.callback()
def of_wallets() -> None:
    """Cards of a merchant's customers."""


@wallets_app.command()
def migrate(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A CSV file with the columns old and new.", exists=True, dir_okay=False)],
    merchant: MerchantOption = None,
    api_key: ApiKey = None,
    url: PaymentsUrl = None,
    yes: Annotated[bool, typer.Option("--yes", help="Migrate the cards. Without it nothing is changed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put cards that were imported into a merchant's account in the place of cards on file. Nothing is charged.

    `old` is the id of a card on file, or its id at its provider; `new` is its id at the merchant's provider, such as pm_…. It
    prints line, old, new, status and problem, separated by tabs. A repetition continues: lines that are done have the status
    migrated_before. Exit codes: 0 all lines can be migrated, or are; 1 some are refused or unanswered, or payments cannot be
    reached; 2 wrong file or arguments.
    """
    with exit_on_error():
        try:
            cards = wallets.read_mapping(file)
        except wallets.WrongMapping as error:
            raise typer.BadParameter(str(error), param_hint="FILE") from None
        state = {} if url and api_key else running_state(context.obj, None if url else "payments")
        seconds = read_settings(Settings).portal_deadline_seconds
        payments = wallets.payments_of(state, merchant, api_key, url, seconds)
        results: list[wallets.Result] = []
        for result in wallets.migrate(payments, cards, dry_run=not yes):
            results.append(result)
            if not as_json:
                say(str(result))
    if as_json:
        say(json.dumps(wallets.as_json(results, dry_run=not yes)))
    else:
        numbers = ", ".join(f"{count} {status}" for status, count in wallets.counts(results).items()) or "no cards"
        say(numbers if yes else f"{numbers}; nothing was changed, --yes migrates them")
    if any(each.status not in wallets.GOOD for each in results):
        raise typer.Exit(1)
