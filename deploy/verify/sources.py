"""The databases and topics to verify."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portalctl.local.errors import StackError
from portalctl.local.folder import Folder
from portalctl.local.lifecycle import running_state
from portalctl.local.state import read_state

DATABASES = ("subscriptions", "payments", "invoicing", "portal_gateway")


@dataclass(frozen=True)
class Sources:
    databases: Mapping[str, str]
    """URL by name, with a role that may read every table."""
    bootstrap_servers: str
    logs: Path | None = None
    """The folder of log files, or None."""
    own: bool = False
    """Whether the databases are on the local stack's server."""


def known_to(folder: Folder, kafka: str | None) -> dict[str, Any]:
    """state.json, or an empty mapping. Raises StackError if needed servers do not run for this folder."""
    needed = [] if all(os.environ.get(variable_of(name)) for name in DATABASES) else ["postgres"]
    needed += [] if kafka or os.environ.get("KAFKA_BOOTSTRAP_SERVERS") else ["kafka"]
    if not read_state(folder):
        return {}
    for part in needed:
        running_state(folder, part)
    return read_state(folder)


def sources_of(state: Mapping[str, Any], logs: Path, variables: Mapping[str, str] = os.environ) -> Sources:
    """The sources in state.json. `SUBSCRIPTIONS_DATABASE_URL` … and `KAFKA_BOOTSTRAP_SERVERS` take precedence.

    Raises StackError if one is missing in both.
    """
    urls = _urls(state, variables)
    kafka = variables.get("KAFKA_BOOTSTRAP_SERVERS") or state.get("kafka", {}).get("bootstrap_servers")
    _require({**{variable_of(name): url for name, url in urls.items()}, "KAFKA_BOOTSTRAP_SERVERS": kafka})
    own = "postgres" in state.get("logs", {}) and urls == state.get("postgres", {})
    return Sources({name: str(url) for name, url in urls.items()}, str(kafka), logs if logs.is_dir() else None, own)


def databases_of(state: Mapping[str, Any]) -> dict[str, str]:
    """The databases alone. Raises StackError if one is missing."""
    urls = _urls(state, os.environ)
    _require({variable_of(name): url for name, url in urls.items()})
    return {name: str(url) for name, url in urls.items()}


def _urls(state: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, str | None]:
    known = state.get("postgres", {})
    return {name: variables.get(variable_of(name)) or known.get(name) for name in DATABASES}


def _require(settings: Mapping[str, str | None]) -> None:
    if missing := [name for name, value in settings.items() if not value]:
        raise StackError(f"no stack was started here: run portalctl up first, or set {', '.join(missing)}")


def variable_of(database: str) -> str:
    return f"{database.upper()}_DATABASE_URL"
