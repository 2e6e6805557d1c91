"""The databases and topics to verify."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from chassis.kafka_access import KafkaAccess
from portalctl.local.errors import StackError
from portalctl.local.folder import Folder
from portalctl.local.lifecycle import running_state
from portalctl.local.state import read_state
from portalctl.settings import Settings

DATABASES = ("subscriptions", "payments", "invoicing", "portal_gateway")


@dataclass(frozen=True)
class Sources:
    databases: Mapping[str, str]
    """URL by name, with a role that may read every table."""
    kafka: KafkaAccess
    logs: Path | None = None
    """The folder of log files, or None."""
    own: bool = False
    """Whether the databases are on the local stack's server."""


def known_to(folder: Folder, settings: Settings) -> dict[str, Any]:
    """state.json, or an empty mapping. Raises StackError if needed servers do not run for this folder."""
    needed = [] if all(_setting(settings, name) for name in DATABASES) else ["postgres"]
    needed += [] if settings.kafka_bootstrap_servers else ["kafka"]
    if not read_state(folder):
        return {}
    for part in needed:
        running_state(folder, part)
    return read_state(folder)


def sources_of(state: Mapping[str, Any], logs: Path, settings: Settings) -> Sources:
    """The sources in state.json. The settings take precedence. Raises StackError if one is missing in both."""
    urls = _urls(state, settings)
    kafka = settings.kafka_of(state)
    _require({**{variable_of(name): url for name, url in urls.items()}, "KAFKA_BOOTSTRAP_SERVERS": kafka})
    assert kafka is not None
    own = "postgres" in state.get("logs", {}) and urls == state.get("postgres", {})
    return Sources({name: str(url) for name, url in urls.items()}, kafka, logs if logs.is_dir() else None, own)


def databases_of(state: Mapping[str, Any], settings: Settings) -> dict[str, str]:
    """The databases alone. Raises StackError if one is missing."""
    urls = _urls(state, settings)
    _require({variable_of(name): url for name, url in urls.items()})
    return {name: str(url) for name, url in urls.items()}


def _urls(state: Mapping[str, Any], settings: Settings) -> dict[str, str | None]:
    known = state.get("postgres", {})
    return {name: _setting(settings, name) or known.get(name) for name in DATABASES}


def _setting(settings: Settings, database: str) -> str | None:
    url: SecretStr | None = getattr(settings, variable_of(database).lower())
    return url.get_secret_value() if url else None


def _require(sources: Mapping[str, object]) -> None:
    if missing := [name for name, value in sources.items() if not value]:
        raise StackError(f"no stack was started here: run portalctl up first, or set {', '.join(missing)}")


def variable_of(database: str) -> str:
    return f"{database.upper()}_DATABASE_URL"
