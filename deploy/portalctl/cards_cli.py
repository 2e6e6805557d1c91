"""`portalctl cards`: card numbers that earlier versions stored in free text."""

from typing import Annotated

import typer

from portalctl.terminal import failures_in_words

cards_app = typer.Typer(help="Card numbers that earlier versions stored in free text.", no_args_is_help=True)


@cards_app.command("list")
def list_cards(context: typer.Context) -> None:
    """Show where card numbers are stored, never the numbers, and what `redact` would do. Exit code 1 when there is any.

    The databases are found as `verify` finds them. KEY_ENCRYPTION_KEY of invoicing lets it read whom invoices are made out to.
    """
    from portalctl.cards import command

    with failures_in_words():
        found = command.show(context.obj)
    if found:
        raise typer.Exit(1)


@cards_app.command("redact")
def redact_cards(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    patience: Annotated[float, typer.Option(help="Seconds for services to follow new revisions of profiles.")] = 30.0,
) -> None:
    """List as `cards list` does, ask, and take the numbers out of what may be changed. Exit code 1 when any is left.

    Comments, kept answers and settled quarantined records are rewritten; profiles of customers and merchants get a new
    revision, which everything made of them follows. Events and issued invoices are not rewritten.
    """
    from portalctl.cards import command

    with failures_in_words():
        found = command.show(context.obj)
        if not found or not command.can_change(found):
            raise typer.Exit(1 if found else 0)
        if not yes:
            typer.confirm("Redact them?", abort=True)
        if command.redact(context.obj, found, patience):
            raise typer.Exit(1)
