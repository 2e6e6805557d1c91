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
    known = state.get("postgres", {})
    urls = {name: variables.get(variable_of(name)) or known.get(name) for name in DATABASES}
    kafka = variables.get("KAFKA_BOOTSTRAP_SERVERS") or state.get("kafka", {}).get("bootstrap_servers")
    missing = [variable_of(name) for name, url in urls.items() if not url] + ([] if kafka else ["KAFKA_BOOTSTRAP_SERVERS"])
    if missing:
        raise StackError(f"no stack was started here: run portalctl up first, or set {', '.join(missing)}")
    return Sources({name: str(url) for name, url in urls.items()}, str(kafka), logs if logs.is_dir() else None)


def variable_of(database: str) -> str:
    return f"{database.upper()}_DATABASE_URL"
