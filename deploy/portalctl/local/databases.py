"""A service's database: one role owns it, another one uses it and owns nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import asyncpg

from chassis.postgres.connect import connect as any_host
from chassis.runtime.faults import NoConnection
from portalctl.local.errors import StackError

_NO_LIMIT_SECONDS = 86400
# An open write transaction on the server delays every relay, so transactions of services have a limit.
_SERVICE_LIMITS = {"transaction_timeout": "5s", "lock_timeout": "500ms"}
_LOGIN_PARAMETERS = ("user", "password", "passfile", "dbname", "database")


@dataclass(frozen=True)
class Role:
    name: str
    password: str


@dataclass(frozen=True)
class Database:
    """`owner` applies migrations; `service` reads and writes."""

    name: str
    owner: Role
    service: Role


def url_of(admin_url: str, database: str, role: Role | None = None) -> str:
    """The URL of a database on the same server, with the given role or the same user."""
    parts = urlsplit(admin_url)
    user, _, host = parts.netloc.rpartition("@")
    query = parts.query
    if role is not None:
        user = f"{quote(role.name, safe='')}:{quote(role.password, safe='')}"
        # The query of a URL may contain the administrator and the password too.
        pairs = parse_qsl(query, keep_blank_values=True)
        if any(name in _LOGIN_PARAMETERS for name, _ in pairs):
            query = urlencode([(name, value) for name, value in pairs if name not in _LOGIN_PARAMETERS], safe="/:,")
    return urlunsplit(parts._replace(netloc=f"{user}@{host}", path=f"/{quote(database, safe='')}", query=query))


async def connect(url: str, *, own: bool = False, **options: Any) -> asyncpg.Connection:
    """Connect. A local server has no TLS and ignores certificates in the user's home folder. The caller limits the wait.

    Raises OSError and asyncpg's exceptions.
    """
    try:
        connection: asyncpg.Connection = await any_host(
            url, **({"timeout": _NO_LIMIT_SECONDS} | options), ssl=False if own else None
        )
    except NoConnection as error:
        raise TimeoutError(str(error)) from error
    return connection


async def create(admin_url: str, database: Database, *, own: bool = False) -> None:
    """Create missing roles and databases and set the roles' passwords. `admin_url` may create both."""
    connection = await connect(admin_url, own=own)
    try:
        for step in _steps(database):
            if step.unless is None or not await connection.fetchval(step.unless):
                await connection.execute(step.statement)
    finally:
        await connection.close()


async def require_reconciled(url: str, *, own: bool = False) -> None:
    """Raise StackError for a migrated database that was restored from a backup: no service starts on it."""
    connection = await connect(url, own=own)
    try:
        marked = await connection.fetchval("SELECT to_regclass('restoration') IS NOT NULL")
        note = await connection.fetchval("SELECT note FROM restoration") if marked else None
    finally:
        await connection.close()
    if note is not None:
        raise StackError(f"the databases were restored ({note or 'marked'}): run portalctl reconcile first")


def script(database: Database) -> Iterator[str]:
    """The steps of `create` as lines for psql. They contain the roles' passwords."""
    return (step.for_psql() for step in _steps(database))


async def drop(admin_url: str, database: Database) -> None:
    """Drop the database and its roles. Open connections are closed."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {_name(database.name)} WITH (FORCE)")
        for role in (database.owner, database.service):
            await connection.execute(f"DROP ROLE IF EXISTS {_name(role.name)}")
    finally:
        await connection.close()


@dataclass(frozen=True)
class _Step:
    statement: str
    unless: str | None = None
    """A query. The statement is omitted when it returns a row."""

    def for_psql(self) -> str:
        if self.unless is None:
            return f"{self.statement};"
        return f"SELECT {_literal(self.statement)} WHERE NOT EXISTS ({self.unless}) \\gexec"


def _steps(database: Database) -> Iterator[_Step]:
    name, owner, service = (_name(each) for each in (database.name, database.owner.name, database.service.name))
    for role in (database.owner, database.service):
        role_exists = f"SELECT 1 FROM pg_roles WHERE rolname = {_literal(role.name)}"
        yield _Step(f"CREATE ROLE {_name(role.name)}", role_exists)
        # Only a superuser may run this statement, even if it changes nothing.
        yield _Step(f"ALTER ROLE {_name(role.name)} NOSUPERUSER NOBYPASSRLS", f"{role_exists} AND NOT (rolsuper OR rolbypassrls)")
        yield _Step(f"ALTER ROLE {_name(role.name)} LOGIN PASSWORD {_literal(role.password)}")
    for setting, value in _SERVICE_LIMITS.items():
        yield _Step(f"ALTER ROLE {service} SET {setting} = {_literal(value)}")
    exists = f"SELECT 1 FROM pg_database WHERE datname = {_literal(database.name)}"
    # An administrator who is not a superuser must be a member of the role to create its database.
    yield _Step(f"GRANT {owner} TO CURRENT_USER", exists)
    yield _Step(f"CREATE DATABASE {name} OWNER {owner}", exists)
    yield _Step(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    yield _Step(f"GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {service}")


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _literal(text: str) -> str:
    """A literal that is valid with standard_conforming_strings on or off."""
    quoted = text.replace("'", "''")
    return f"E'{quoted}'".replace("\\", "\\\\") if "\\" in text else f"'{quoted}'"
