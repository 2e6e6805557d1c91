"""portalctl: start, stop and operate the customer portal."""

import asyncio
import contextlib
import functools
import json
import logging
import os
import sys
import threading
from collections.abc import Coroutine
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from chassis.kafka_access import KafkaAccess
from chassis.runtime.signals import restore_stop_signals
from chassis.service.settings import read_settings
from portalctl import certificates, kafka_users, links, secret_files, status_report, topics
from portalctl.arguments import (
    ApiKey,
    AsJson,
    Bootstrap,
    Detach,
    FolderOption,
    GatewayUrl,
    MerchantOption,
    PostgresAddress,
    PostgresOptions,
    PublicUrl,
    Seconds,
    Wipe,
    Yes,
)
from portalctl.cards_cli import cards_app
from portalctl.demo import deployed
from portalctl.demo.command import show_demo
from portalctl.doctor_cli import doctor
from portalctl.env_cli import show_settings
from portalctl.events_cli import events_app, streams_app
from portalctl.keys_cli import keys_app
from portalctl.local.errors import StackError, within
from portalctl.local.folder import Folder
from portalctl.local.layout import ExternalServers
from portalctl.local.lifecycle import running_state, take_down
from portalctl.local.locks import Held
from portalctl.local.migrations import due_after_migration, migrate_all
from portalctl.local.process_table import read_processes
from portalctl.local.services import SERVICES
from portalctl.local.supervisor import supervise
from portalctl.quarantine_cli import quarantine_app
from portalctl.rebuild.due import COMMAND
from portalctl.rebuild_cli import after_upgrade, rebuild
from portalctl.recovery.backup_cli import make_backup_command, refill_command, restore_command
from portalctl.recovery.reconcile_cli import blocked_app, reconcile
from portalctl.settings import Settings
from portalctl.terminal import exit_on_error, say, show_list
from portalctl.up import bring_up
from portalctl.verify_cli import verify
from portalctl.wallets_cli import wallets_app

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)
topics_app = typer.Typer(help="Kafka topics of the contracts.", no_args_is_help=True)
links_app = typer.Typer(help="Links with which customers enter the portal.", no_args_is_help=True)
app.add_typer(topics_app, name="topics")
app.add_typer(links_app, name="links")
app.add_typer(quarantine_app, name="quarantine")
app.add_typer(cards_app, name="cards")
app.add_typer(keys_app, name="keys")
app.add_typer(wallets_app, name="wallets")
app.add_typer(blocked_app, name="blocked")
app.command()(reconcile)
app.command("backup")(make_backup_command)
app.command("restore")(restore_command)
topics_app.command("refill")(refill_command)
app.add_typer(events_app, name="events")
app.add_typer(streams_app, name="streams")
app.command("env")(show_settings)
app.command()(rebuild)
app.command()(doctor)
app.command()(verify)

T = TypeVar("T")


class LinkKind(StrEnum):
    PORTAL = "portal"
    SESSION = "session"


@app.callback()
def main(context: typer.Context, folder: FolderOption = Path(".portal")) -> None:
    if threading.current_thread() is threading.main_thread():
        restore_stop_signals()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            # A character that the terminal's encoding lacks must not end the command.
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    for name in [name for name in os.environ if name.startswith("PG")]:
        # The user's shell sets them for other servers.
        del os.environ[name]
    with exit_on_error():
        context.obj = Folder(folder.absolute())
        if os.geteuid() != 0:
            context.obj.check()


@app.command()
def up(context: typer.Context, detach: Detach = False) -> None:
    """Start the stack, or the missing parts of it. Without --detach: stay, and stop it on Ctrl-C.

    KAFKA_BOOTSTRAP_SERVERS and PORTAL_POSTGRES_URL (an administrator's) name servers to use instead of local ones.
    PORTAL_DEADLINE_SECONDS limits each step; the default is 600.
    """
    with exit_on_error():
        seconds = read_settings(Settings).portal_deadline_seconds
        then = after_upgrade(context.obj, status_report.show_addresses)
        bring_up(context.obj, detach=detach, then=then, deadline_seconds=seconds)


@app.command()
def demo(
    context: typer.Context,
    detach: Detach = False,
    against: Annotated[
        str | None, typer.Option(help="A file with settings of a deployed system, or - for variables only.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --against: do not ask for confirmation.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --against: print the created data as JSON.")] = False,
) -> None:
    """Start the stack and create a realistic history through its public APIs; print PORTAL_URL=…

    .portal/state.json lists the created data. Without --detach: stay, and stop everything on Ctrl-C.

    --against starts nothing and creates the history in a deployed system, with new merchants. The file has a NAME=value per line,
    and environment variables take precedence: SUBSCRIPTIONS_URL, PAYMENTS_URL, INVOICING_URL, PUBLIC_URL, OPERATOR_KEY
    (or OPERATOR_KEY_FILE), and if needed PORTAL_GATEWAY_URL and SERVICES_CA_FILE. Exit code 1 if a service refuses or cannot be
    reached, 2 for settings.
    """
    with exit_on_error():
        seconds = read_settings(Settings).portal_deadline_seconds
        if against is not None:
            system = deployed.read_system(against)
            if not yes:
                typer.confirm(deployed.question(system), abort=True, err=True)
            deployed.create_demo(system, seconds, as_json=as_json)
            return
        then = after_upgrade(context.obj, functools.partial(show_demo, context.obj, deadline_seconds=seconds))
        bring_up(context.obj, detach=detach, then=then, deadline_seconds=seconds)


@app.command()
def down(context: typer.Context, wipe: Wipe = False) -> None:
    """Stop everything, including processes that a killed portalctl left. The data stays."""
    with exit_on_error():
        ran = take_down(context.obj, wipe_data=wipe)
    say("stopped" if ran else "nothing ran")


@app.command()
def status(context: typer.Context) -> None:
    """Show each process and its status. Exit code 1 unless all are ready."""
    with exit_on_error():
        all_ready = status_report.show_processes(context.obj, read_processes(context.obj))
    if not all_ready:
        raise typer.Exit(1)


@app.command()
def migrate(context: typer.Context) -> None:
    """Migrate the tables of every service. PostgreSQL must run; `up` does it automatically.

    With PORTAL_POSTGRES_URL (an administrator's) it uses that server, and creates missing databases and roles.
    """
    with exit_on_error():
        settings = read_settings(Settings)
        if not settings.portal_postgres_url:
            running_state(context.obj, "postgres")
        seconds = settings.portal_deadline_seconds
        for name in _bounded(migrate_all(context.obj), seconds, "migrating the tables", context.obj.logs):
            say(f"{name}: up to date")
        if names := _bounded(due_after_migration(context.obj), seconds, "reading what is due", context.obj.logs):
            say(f"documents of an earlier release: {', '.join(names)}; once its processes have ended, run `{COMMAND}`")


@app.command(hidden=True, name="supervise")
def run_supervisor(context: typer.Context) -> None:
    """The process that `up` starts in the background."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with exit_on_error():
        try:
            settings = read_settings(Settings)
            supervise(context.obj, SERVICES, ExternalServers.of(settings), settings.portal_deadline_seconds)
        except Held:
            raise StackError("another supervisor runs here") from None


@app.command("secrets")
def show_secret_files(
    context: typer.Context,
    to: Annotated[Path, typer.Argument(help="The folder for the files, one subfolder for each reader.")],
    postgres: PostgresAddress = "postgres:5432",
    postgres_options: PostgresOptions = "",
) -> None:
    """Write the secrets of a deployment as files that only their owner can read, and create missing ones.

    Services read them as <NAME>_FILE. The folder's secrets.json keeps them, so that later calls write the same values: back it
    up. Without invoicing's key the buyers' data on invoices cannot be read again.
    """
    with exit_on_error():
        for reader in secret_files.write_secrets(context.obj, to, postgres, postgres_options):
            say(f"{to / reader}")


@app.command("certificates")
def show_certificates(
    context: typer.Context,
    to: Annotated[Path, typer.Argument(help="The folder for the files, one subfolder for each reader.")],
    portal_url: PublicUrl,
    cards_url: PublicUrl,
    as_json: AsJson = False,
) -> None:
    """Write certificates for TLS between all servers and services, and the passwords of Kafka's users; create missing ones.

    Each reader gets tls.pem with its certificate and key; authority/ca.pem is the authority to trust. Certificates that end
    within 30 days are replaced, and services read them again while they run. The folder keeps the authority's key.
    """
    with exit_on_error():
        files = certificates.write_certificates(context.obj, to, certificates.host_names(portal_url, cards_url))
        show_list(map(str, files), as_json)


@topics_app.command("users")
def create_kafka_users(context: typer.Context, kafka: Bootstrap = None, yes: Yes = False, as_json: AsJson = False) -> None:
    """Create Kafka's users of the services (SCRAM-SHA-512), or set their passwords to those that `certificates` wrote.

    It asks first. The user that connects needs Alter on the cluster. Exit code 1 if Kafka cannot be reached or refuses.
    """
    with exit_on_error():
        access, seconds = _kafka(context.obj, kafka)
        passwords = certificates.kafka_passwords(context.obj)
        if not yes:
            names = ", ".join(passwords)
            typer.confirm(f"Set the passwords of {names} on {access.servers}?", abort=True, err=True)
        _bounded(kafka_users.create(access, passwords), seconds, f"creating the users on {access.servers}")
        show_list(passwords, as_json)


@topics_app.command("apply")
def apply_topics(context: typer.Context, kafka: Bootstrap = None) -> None:
    """Create missing topics and correct settings. Partition counts never change."""
    with exit_on_error():
        access, seconds = _kafka(context.obj, kafka)
        for one in _bounded(topics.apply(access), seconds, f"creating the topics on {access.servers}"):
            say(f"{one.topic}: {one.what} = {one.required}")


@topics_app.command("diff")
def diff_topics(context: typer.Context, kafka: Bootstrap = None) -> None:
    """Show differences between the contracts and the broker. Exit code 1 when there is any."""
    with exit_on_error():
        access, seconds = _kafka(context.obj, kafka)
        differences = _bounded(topics.diff(access), seconds, f"reading the topics on {access.servers}")
    for one in differences:
        say(f"{one.topic}: {one.what} should be {one.required}, is {one.existing or 'missing'}")
    if differences:
        raise typer.Exit(1)


@topics_app.command("acls")
def show_access_lists(
    context: typer.Context,
    kafka: Bootstrap = None,
    apply: Annotated[bool, typer.Option("--apply", help="Create the entries that the cluster lacks.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Print Kafka's access lists, one entry per line: user, operation, resource, name and pattern, separated by tabs.

    Each service writes its own topics only. The users have the names of the services, and `portalctl` for these commands.
    --apply shows the missing entries, asks, and creates them, as a user with Alter on the cluster; other entries stay.
    Exit code 1 if Kafka cannot be reached or refuses.
    """
    # It imports the rules of all four services, which the other commands do not need.
    from portalctl import access_lists

    with exit_on_error():
        entries = access_lists.required()
        if apply:
            access, seconds = _kafka(context.obj, kafka)
            reading = f"reading the access lists on {access.servers}"
            entries = _bounded(access_lists.missing(access), seconds, reading)
        if as_json:
            say(json.dumps([asdict(entry) for entry in entries]))
        else:
            for entry in entries:
                say(str(entry))
        if not apply or not entries:
            return
        if not yes:
            typer.confirm(f"Create {len(entries)} entries?", abort=True, err=True)
        _bounded(access_lists.create(access, entries), seconds, f"creating the access lists on {access.servers}")


@links_app.command("create")
def create_link(
    context: typer.Context,
    customer: Annotated[str, typer.Option(help="The customer's id, or a name in state.json.")],
    kind: Annotated[LinkKind, typer.Option(help="portal (many uses) or session (one use, 10 minutes).")] = LinkKind.PORTAL,
    locale: str | None = None,
    expires_in: Seconds = None,
    merchant: MerchantOption = None,
    api_key: ApiKey = None,
    url: GatewayUrl = None,
) -> None:
    """Create a link and print its URL. The URL cannot be shown again."""
    with exit_on_error():
        state = running_state(context.obj, None if url else "portal-gateway")
        customer_id, known_merchant = links.customer_of(state, customer)
        seconds = read_settings(Settings).portal_deadline_seconds
        gateway = links.gateway_of(state, merchant or known_merchant, api_key, url, seconds)
        link = links.create(gateway, customer_id, {"kind": kind.value, "locale": locale, "expires_in": expires_in})
    say(link["url"])


@links_app.command("revoke")
def revoke_links(
    context: typer.Context,
    link: Annotated[str | None, typer.Option(help="One link's id.")] = None,
    customer: Annotated[str | None, typer.Option(help="All links of this customer, also those to invoices.")] = None,
    merchant: MerchantOption = None,
    api_key: ApiKey = None,
    url: GatewayUrl = None,
) -> None:
    """Revoke links. Their sessions end at the next request."""
    with exit_on_error():
        if (not link) == (not customer):
            raise StackError("give either --link or --customer")
        state = running_state(context.obj, None if url else "portal-gateway")
        customer_id, known_merchant = links.customer_of(state, customer) if customer else (None, None)
        seconds = read_settings(Settings).portal_deadline_seconds
        gateway = links.gateway_of(state, merchant or known_merchant, api_key, url, seconds)
        links.revoke(gateway, link_id=link, customer_id=customer_id)


def _settings(kafka: str | None) -> Settings:
    settings = read_settings(Settings)
    return settings.model_copy(update={"kafka_bootstrap_servers": kafka}) if kafka else settings


def _kafka(folder: Folder, option: str | None) -> tuple[KafkaAccess, float]:
    """The access to Kafka, and the deadline."""
    settings = _settings(option)
    state = {} if settings.kafka_bootstrap_servers else running_state(folder, "kafka")
    access = settings.kafka_of(state)
    assert access is not None, "running_state has Kafka"
    return access, settings.portal_deadline_seconds


def _bounded(work: Coroutine[Any, Any, T], seconds: float, what: str, log: Path | None = None) -> T:
    async def run() -> T:
        async with within(seconds, what, log):
            return await work

    return asyncio.run(run())
