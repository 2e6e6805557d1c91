"""`portalctl secrets`: the secrets of a deployment as files, one folder for each reader.

A service reads them with `<NAME>_FILE` settings; PostgreSQL's image reads POSTGRES_PASSWORD_FILE.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from portalctl.local.databases import url_of
from portalctl.local.errors import StackError
from portalctl.local.folder import Folder, write_settings
from portalctl.local.keys import Keys
from portalctl.local.layout import ExternalServers, Layout, layout_as_started
from portalctl.local.services import key_settings

_OPERATOR = "portalctl"


def write_secrets(folder: Folder, to: Path, postgres: str, options: str = "") -> Iterator[str]:
    """Create missing secrets in the folder's secrets.json, and write all of them below `to`. Yields each folder written.

    `postgres`: host and port of the server, with the administrator `postgres`. `options`: the part of its URLs after `?`.
    Raises OSError.
    """
    folder.make()
    for reader, values in _of_readers(folder, postgres, options).items():
        write_settings(to / reader, values)
        yield reader
    files = {"to": str(to.absolute()), "postgres": postgres}
    if (keys := Keys.stored_in(folder)).files != files:
        replace(keys, files=files).store(folder)


def places_of_keys(folder: Folder, keys: Keys) -> dict[Path, str]:
    """Each folder with files of this deployment, and its reader. Raises StackError if one cannot be written."""
    below = [Path(keys.files["to"])] if keys.files else []
    readers = {to / reader: reader for to in below for reader in (*keys.services, _OPERATOR)}
    if folder.secret_files.exists():
        readers |= {folder.secret_files / service: service for service in keys.services}
    for place in readers:
        if not (place.is_dir() and os.access(place, os.W_OK)):
            raise StackError(f"{place} cannot be written: call `portalctl secrets` with the folder from where services read keys")
    return readers


def write_keys(folder: Folder, keys: Keys) -> bool:
    """Write the files with other keys again, wherever this deployment has files. Returns whether one was written.

    Raises StackError, OSError.
    """
    written = False
    for place, reader in places_of_keys(folder, keys).items():
        values = {"OPERATOR_KEY": keys.operator_key} if reader == _OPERATOR else key_settings(reader, keys)
        other = {name: value for name, value in values.items() if _content(place / name) != value}
        write_settings(place, other)
        written = written or bool(other)
    return written


def _content(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _of_readers(folder: Folder, postgres: str, options: str) -> dict[str, dict[str, str]]:
    started = layout_as_started(folder)
    password = started.keys.passwords["postgres"]
    admin_url = f"postgresql://postgres:{password}@{postgres}/postgres{f'?{options}' if options else ''}"
    layout = replace(started, external=ExternalServers(postgres=admin_url))
    of_services = {service.name: service.secrets for service in layout.services}
    return {"postgres": {"POSTGRES_PASSWORD": password}, _OPERATOR: _of_operator(layout, admin_url), **of_services}


def _of_operator(layout: Layout, admin_url: str) -> dict[str, str]:
    owners = {f"{each.name.upper()}_DATABASE_URL": url_of(admin_url, each.name, each.owner) for each in layout.databases}
    return {"PORTAL_POSTGRES_URL": admin_url, "OPERATOR_KEY": layout.keys.operator_key, **owners}
