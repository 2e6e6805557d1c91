"""`portalctl cards`: card numbers that earlier versions stored in free text."""

from typing import Annotated

import typer

from portalctl.arguments import Yes
from portalctl.terminal import exit_on_error

cards_app = typer.Typer(help="Card numbers that earlier versions stored in free text.", no_args_is_help=True)


@cards_app.command("list")
def list_cards(context: typer.Context) -> None:
    """Show where card numbers are stored, without the numbers, and what `redact` would do. Exit code 1 when there is any.

    It uses the same databases as `verify`. With KEY_ENCRYPTION_KEY of invoicing it also reads the buyers of invoices.
    """
    from portalctl.cards import command

    with exit_on_error():
        findings = command.show(context.obj)
    if findings:
        raise typer.Exit(1)


@cards_app.command("redact")
def redact_cards(
    context: typer.Context,
    yes: Yes = False,
    patience: Annotated[float, typer.Option(help="Seconds for services to apply new revisions of profiles.")] = 30.0,
) -> None:
    """List like `cards list`, ask for confirmation, and redact the numbers. Exit code 1 when any is left.

    Comments, stored answers and settled quarantined records are rewritten. Profiles of customers and merchants get a new
    revision, and everything derived from them is updated. Events and issued invoices are not rewritten.
    """
    from portalctl.cards import command

    with exit_on_error():
        findings = command.show(context.obj)
        if not findings or not command.can_change(findings):
            raise typer.Exit(1 if findings else 0)
        if not yes:
            typer.confirm("Redact them?", abort=True)
        if command.redact(context.obj, findings, patience):
            raise typer.Exit(1)
