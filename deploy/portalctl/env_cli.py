"""`portalctl env`: the settings of a service that runs by hand, on other servers."""

import typer

from chassis.service.settings import SettingsError, read_settings
from portalctl.arguments import ServiceOrOperator, Sql
from portalctl.local import databases
from portalctl.local.folder import Folder
from portalctl.local.layout import ExternalServers, Layout, layout_as_started, layout_for_start
from portalctl.local.services import SERVICES
from portalctl.settings import Settings
from portalctl.terminal import exit_on_error, say

OPERATOR = "operator"
_NAMES = [kind.name for kind in SERVICES]


def show_settings(context: typer.Context, service: ServiceOrOperator, sql: Sql = False) -> None:
    """Print a service's settings as export NAME='value', or the operator's key.

    PORTAL_POSTGRES_URL and KAFKA_BOOTSTRAP_SERVERS name the servers. The first call creates keys and passwords and stores
    them in the folder's secrets.json, which only its owner can read. The output contains them.
    """
    # It imports the settings of all four services, which the other commands do not need.
    from portalctl import service_settings

    with exit_on_error():
        if service not in (*_NAMES, OPERATOR):
            raise SettingsError([f"the service {service!r} is unknown; expected {', '.join(_NAMES)} or {OPERATOR}"])
        if sql and service == OPERATOR:
            raise SettingsError(["the operator has no database; --sql expects a service"])
        needed = () if sql or service == OPERATOR else ("portal_postgres_url", "kafka_bootstrap_servers")
        read_settings(Settings, *needed)
        layout = _layout(context.obj)
        if service == OPERATOR:
            lines = service_settings.export("OPERATOR_KEY", layout.keys.operator_key, "The operator's API key.")
        elif sql:
            lines = databases.script(layout.databases[_NAMES.index(service)])
        else:
            lines = service_settings.exports(layout.services[_NAMES.index(service)])
        for line in lines:
            say(line)


def _layout(folder: Folder) -> Layout:
    """The first call chooses free ports. Later calls keep them, even if a service listens there."""
    folder.make()
    if folder.ports.exists():
        return layout_as_started(folder)
    return layout_for_start(folder, SERVICES, ExternalServers.of(read_settings(Settings)))
