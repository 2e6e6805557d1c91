"""The command line of a service: read the settings, then migrate or serve."""

import argparse
import asyncio
import gc
import os
import signal
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog

from chassis.postgres.connect import connect
from chassis.postgres.migrate import CHASSIS, MigrationBlocked, MigrationChanged, migrate
from chassis.runtime import logging
from chassis.runtime.signals import RELOAD_SIGNAL, restore_stop_signals
from chassis.service.settings import ServiceSettings, SettingsError, exit_with, read_settings

log = structlog.get_logger()

_CONNECT_SECONDS = 60.0


def run(name: str, settings_class: type[ServiceSettings], composition: str, migrations: Path) -> None:
    """Run `python -m <service> [serve] [--role all|http|worker]` or `python -m <service> migrate`.

    `composition` is the module with the service's `compose`. Only `serve` imports it, which halves the CPU time of `migrate`.
    """
    parser = argparse.ArgumentParser(prog=name)
    subcommands = parser.add_subparsers(dest="command")
    serve = subcommands.add_parser("serve", help="run the service (the default)")
    serve.add_argument("--role", choices=["all", "http", "worker"], default="all")
    subcommands.add_parser("migrate", help="apply pending migrations as the owner of the tables")
    arguments = parser.parse_args()
    restore_stop_signals()
    migrating = arguments.command == "migrate"
    role = getattr(arguments, "role", "all")
    if not migrating:
        # Until the handler is installed. The settings are being read anyway.
        signal.signal(RELOAD_SIGNAL, signal.SIG_IGN)
    read = partial(read_settings, settings_class, *required_settings(migrating=migrating, role=role))
    try:
        settings = read()
    except SettingsError as error:
        exit_with(name, error)
    logging.configure(name, settings.log_level, settings.log_format)
    components = {"chassis": CHASSIS, name: migrations}
    if migrating:
        asyncio.run(_migrate(settings, components))  # also where the libraries of a running service are not installed
    else:
        _serve(name, settings, read, composition, components, role)


def required_settings(*, migrating: bool, role: str) -> list[str]:
    """The fields that need a value although they have a default. Workers with the same INSTANCE would take each other's
    partitions."""
    if migrating:
        return ["database_owner_url"]
    return ["instance"] if role != "http" and os.environ.get("ENVIRONMENT") != "local" else []


def _serve(
    name: str,
    settings: ServiceSettings,
    read: Callable[[], ServiceSettings],
    composition: str,
    components: dict[str, Path],
    role: str,
) -> None:
    gc.disable()  # until `tune_garbage_collection`: imports create nothing that is garbage
    import uvloop

    from chassis.runtime import telemetry
    from chassis.service.live_settings import LiveSettings
    from chassis.service.restoration import NotReconciled
    from chassis.service.service import serve_until_stopped

    compose = import_module(composition).compose
    telemetry.configure(name, settings.otlp_endpoint)
    try:
        uvloop.run(serve_until_stopped(name, LiveSettings(settings, read), compose, components, role))
    except NotReconciled as error:
        log.error("service.not_reconciled", database=str(error), reason=(type(error).__doc__ or "").strip())
        raise SystemExit(1) from error


async def _migrate(settings: ServiceSettings, components: dict[str, Path]) -> None:
    owner = settings.database_owner_url
    assert owner is not None, "read_settings required it"
    connection = await connect(owner.get_secret_value(), timeout=_CONNECT_SECONDS)
    try:
        applied = await migrate(connection, components, role_of(settings.database_url.get_secret_value()))
        log.info("service.migrated", applied=applied)
    except (MigrationBlocked, MigrationChanged) as error:
        log.error("service.not_migrated", file=str(error), reason=(type(error).__doc__ or "").strip())
        raise SystemExit(1) from error
    finally:
        await connection.close()


def role_of(dsn: str) -> str:
    """The role in a PostgreSQL URL."""
    return unquote(urlsplit(dsn).username or "")
