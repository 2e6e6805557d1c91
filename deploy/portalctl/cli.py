"""portalctl: start, stop and look after the customer portal."""

import asyncio
import functools
import logging
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from portalctl import links, overview, topics
from portalctl.bringing_up import bring_up
from portalctl.demonstration import tell
from portalctl.local.board import read_board
from portalctl.local.failures import StackError
from portalctl.local.folder import Folder
from portalctl.local.layout import Elsewhere, layout_as_started
from portalctl.local.locking import Held
from portalctl.local.running import is_up, take_down
from portalctl.local.services import SERVICES
from portalctl.local.state import read_state
from portalctl.local.supervisor import supervise
from portalctl.quarantine_cli import quarantine_app
from portalctl.terminal import err, failures_in_words, out, say

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)
topics_app = typer.Typer(help="Kafka's topics, as the contracts name them.", no_args_is_help=True)
links_app = typer.Typer(help="Links with which a customer enters the portal.", no_args_is_help=True)
cards_app = typer.Typer(help="Card numbers that earlier versions stored in free text.", no_args_is_help=True)
app.add_typer(topics_app, name="topics")
app.add_typer(links_app, name="links")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(cards_app, name="cards")

Here = Annotated[Path, typer.Option("--folder", envvar="PORTAL_FOLDER", help="Where the local stack keeps its files.")]
Detach = Annotated[bool, typer.Option("--detach", help="Return when everything is ready.")]
Bootstrap = Annotated[str | None, typer.Option("--kafka", envvar="KAFKA_BOOTSTRAP_SERVERS", help="Bootstrap servers.")]
Merchant = Annotated[str | None, typer.Option(help="A merchant that state.json names.")]
ApiKey = Annotated[str | None, typer.Option(envvar="PORTAL_API_KEY", help="A merchant's API key, instead of --merchant.")]
GatewayUrl = Annotated[str | None, typer.Option(help="The portal gateway, when it is not the local stack's.")]


@app.callback()
def main(context: typer.Context, folder: Here = Path(".portal")) -> None:
    context.obj = Folder(folder.absolute())


@app.command()
def up(context: typer.Context, detach: Detach = False) -> None:
    """Start the stack, or what is missing of it. Without --detach: stay, and stop it on Ctrl-C.

    KAFKA_BOOTSTRAP_SERVERS and PORTAL_POSTGRES_URL (an administrator's) name servers to use instead of own ones.
    """
    with failures_in_words():
        bring_up(context.obj, detach=detach, then=overview.show_addresses)


@app.command()
def demo(context: typer.Context, detach: Detach = False) -> None:
    """Start the stack and tell a believable history through its public APIs; print PORTAL_URL=…

    All that was made is in .portal/state.json. Without --detach: stay, and stop everything on Ctrl-C.
    """
    with failures_in_words():
        bring_up(context.obj, detach=detach, then=functools.partial(tell, context.obj))


@app.command()
def down(context: typer.Context, wipe: Annotated[bool, typer.Option("--wipe", help="Delete all data too.")] = False) -> None:
    """Stop everything, also what a killed portalctl left. The data stays."""
    with failures_in_words():
        ran = take_down(context.obj, wipe_data=wipe)
    say("stopped" if ran else "nothing ran")


@app.command()
def status(context: typer.Context) -> None:
    """Each process and how it is. Exit code 1 unless all are ready."""
    board = read_board(context.obj)
    overview.show_processes(context.obj, board)
    if not (is_up(context.obj) and board.all_ready):
        raise typer.Exit(1)


@app.command()
def migrate(context: typer.Context) -> None:
    """Bring every service's tables up to date. PostgreSQL must run; `up` does it by itself."""
    with failures_in_words():
        if not read_state(context.obj):
            raise StackError("no stack was started here: run portalctl up first")
        for service in layout_as_started(context.obj).services:
            asyncio.run(service.migrate())
            say(f"{service.name}: up to date")


@app.command()
def verify(
    context: typer.Context,
    kafka: Bootstrap = None,
    patience: Annotated[float, typer.Option(help="Seconds for relays and consumers to get where they were expected.")] = 60.0,
    most: Annotated[int, typer.Option("--limit", help="Differences shown per invariant.")] = 5,
) -> None:
    """Check the invariants from raw tables and topics, also while the system runs. Exit code 1 when one is broken.

    SUBSCRIPTIONS_DATABASE_URL, PAYMENTS_DATABASE_URL, INVOICING_DATABASE_URL and PORTAL_GATEWAY_DATABASE_URL (of roles that may
    read everything) name the databases of a cluster that was not started here.
    """
    # it takes all four services' rules along, which the other commands need not wait for
    from portalctl.verify import report, running, sources

    with failures_in_words(), err.status("looking") as status:
        where = sources.sources_of(read_state(context.obj), context.obj.logs)
        if kafka:
            where = replace(where, bootstrap_servers=kafka)
        result = asyncio.run(running.verify(where, patience=patience, progress=status.update))
    report.show(result, out, most)
    if not result.clean:
        raise typer.Exit(1)


@app.command(hidden=True, name="supervise")
def run_supervisor(context: typer.Context) -> None:
    """What `up` starts in the background."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with failures_in_words():
        try:
            supervise(context.obj, SERVICES, Elsewhere.from_environment())
        except Held:
            raise StackError("another supervisor runs here") from None


@topics_app.command("apply")
def apply_topics(context: typer.Context, kafka: Bootstrap = None) -> None:
    """Make missing topics and correct settings. Partition counts are never changed."""
    with failures_in_words():
        for one in asyncio.run(topics.apply(_bootstrap(context.obj, kafka))):
            say(f"{one.topic}: {one.what} = {one.wanted}")


@topics_app.command("diff")
def diff_topics(context: typer.Context, kafka: Bootstrap = None) -> None:
    """Show what the broker has differently. Exit code 1 when there is any."""
    with failures_in_words():
        found = asyncio.run(topics.diff(_bootstrap(context.obj, kafka)))
    for one in found:
        say(f"{one.topic}: {one.what} should be {one.wanted}, is {one.found or 'missing'}")
    if found:
        raise typer.Exit(1)


@links_app.command("create")
def create_link(
    context: typer.Context,
    customer: Annotated[str, typer.Option(help="The customer's id, or a name of state.json.")],
    kind: Annotated[str, typer.Option(help="portal (many uses) or session (one use, 10 minutes).")] = "portal",
    locale: str | None = None,
    expires_in: Annotated[int | None, typer.Option(help="Seconds.")] = None,
    merchant: Merchant = None,
    api_key: ApiKey = None,
    url: GatewayUrl = None,
) -> None:
    """Make a link and print its URL: it cannot be shown again."""
    with failures_in_words():
        state = read_state(context.obj)
        customer_id, its_merchant = links.customer_of(state, customer)
        gateway = links.gateway_of(state, merchant or its_merchant, api_key, url)
        made = links.create(gateway, customer_id, {"kind": kind, "locale": locale, "expires_in": expires_in})
    say(made["url"])


@links_app.command("revoke")
def revoke_links(
    context: typer.Context,
    link: Annotated[str | None, typer.Option(help="One link's id.")] = None,
    customer: Annotated[str | None, typer.Option(help="All links of this customer.")] = None,
    merchant: Merchant = None,
    api_key: ApiKey = None,
    url: GatewayUrl = None,
) -> None:
    """End links and the sessions that began with them, at their next request."""
    with failures_in_words():
        if (link is None) == (customer is None):
            raise StackError("give either --link or --customer")
        state = read_state(context.obj)
        customer_id, its_merchant = links.customer_of(state, customer) if customer else (None, None)
        gateway = links.gateway_of(state, merchant or its_merchant, api_key, url)
        links.revoke(gateway, link_id=link, customer_id=customer_id)


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


def _bootstrap(folder: Folder, given: str | None) -> str:
    found = given or read_state(folder).get("kafka", {}).get("bootstrap_servers")
    if found is None:
        raise StackError("no stack was started here: run portalctl up first, or give --kafka")
    return str(found)
