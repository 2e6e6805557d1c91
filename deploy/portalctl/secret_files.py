"""`portalctl secrets`: the secrets of a deployment as files, one folder for each reader.

A service reads them with `<NAME>_FILE` settings; PostgreSQL's image reads POSTGRES_PASSWORD_FILE.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from portalctl.local.databases import url_of
from portalctl.local.folder import Folder
from portalctl.local.layout import ExternalServers, Layout, layout_as_started

_SECRET = (
    "DATABASE_URL",
    "SERVICE_PRIVATE_KEY",
    "SERVICE_PUBLIC_KEYS",
    "OPERATOR_KEY_SHA256",
    "CURSOR_KEY",
    "KEY_ENCRYPTION_KEY",
    "LINK_PEPPER",
)


def write_secrets(folder: Folder, to: Path, postgres: str) -> Iterator[str]:
    """Create missing secrets in the folder's secrets.json, and write all of them below `to`. Yields each folder written.

    `postgres`: host and port of the server, with the administrator `postgres`. Raises OSError.
    """
    folder.make()
    for reader, values in _of_readers(folder, postgres).items():
        place = to / reader
        place.mkdir(parents=True, exist_ok=True)
        for name, value in values.items():
            _write(place / name, value)
        yield reader


def _of_readers(folder: Folder, postgres: str) -> dict[str, dict[str, str]]:
    started = layout_as_started(folder)
    password = started.keys.passwords["postgres"]
    admin_url = f"postgresql://postgres:{password}@{postgres}/postgres"
    layout = replace(started, external=ExternalServers(postgres=admin_url))
    of_services = {
        service.name: {name: service.environment[name] for name in _SECRET if name in service.environment}
        for service in layout.services
    }
    return {"postgres": {"POSTGRES_PASSWORD": password}, "portalctl": _of_operator(layout, admin_url), **of_services}


def _of_operator(layout: Layout, admin_url: str) -> dict[str, str]:
    owners = {f"{each.name.upper()}_DATABASE_URL": url_of(admin_url, each.name, each.owner) for each in layout.databases}
    return {"PORTAL_POSTGRES_URL": admin_url, "OPERATOR_KEY": layout.keys.operator_key, **owners}


def _write(path: Path, value: str) -> None:
    """Replace the file at once, so that a reader never sees a part of it. Only its owner can read it."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w") as file:
        file.write(value)
    fresh.replace(path)
