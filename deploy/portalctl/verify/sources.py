"""Where the data to be verified is."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portalctl.local.failures import StackError

DATABASES = ("subscriptions", "payments", "invoicing", "portal_gateway")


@dataclass(frozen=True)
class Sources:
    databases: Mapping[str, str]
    """URL by name; the role may read every table."""
    bootstrap_servers: str
    logs: Path | None = None
    """The folder of log files, where there is one."""


def sources_of(state: Mapping[str, Any], logs: Path, variables: Mapping[str, str] = os.environ) -> Sources:
    """As state.json says; `SUBSCRIPTIONS_DATABASE_URL` … and `KAFKA_BOOTSTRAP_SERVERS` say otherwise.

    Raises StackError when something is named nowhere.
    """
    urls = _urls(state, variables)
    kafka = variables.get("KAFKA_BOOTSTRAP_SERVERS") or state.get("kafka", {}).get("bootstrap_servers")
    _must_be_named({**{variable_of(name): url for name, url in urls.items()}, "KAFKA_BOOTSTRAP_SERVERS": kafka})
    return Sources({name: str(url) for name, url in urls.items()}, str(kafka), logs if logs.is_dir() else None)


def databases_of(state: Mapping[str, Any], variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The databases alone. Raises StackError when one is named nowhere."""
    urls = _urls(state, variables)
    _must_be_named({variable_of(name): url for name, url in urls.items()})
    return {name: str(url) for name, url in urls.items()}


def _urls(state: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, str | None]:
    known = state.get("postgres", {})
    return {name: variables.get(variable_of(name)) or known.get(name) for name in DATABASES}


def _must_be_named(found: Mapping[str, str | None]) -> None:
    if missing := [name for name, value in found.items() if not value]:
        raise StackError(f"no stack was started here: run portalctl up first, or set {', '.join(missing)}")


def variable_of(database: str) -> str:
    return f"{database.upper()}_DATABASE_URL"
