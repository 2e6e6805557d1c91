"""The projections with documents in the form of an earlier release. Migrations name them in the gateway's `due_rebuild`."""

import asyncpg

from portalctl.local.databases import connect
from portalctl.local.errors import StackError

DATABASE = "portal_gateway"
COMMAND = "portalctl rebuild --due"
_CONNECT_SECONDS = 30
_PREFIX = "portal-gateway."


async def due_rebuilds(url: str, *, own: bool) -> list[str]:
    """Names for `portalctl rebuild`, the composed views last: rebuilt documents compose most of them. Raises StackError."""
    return await _execute(url, own, "SELECT projection FROM due_rebuild ORDER BY projection = 'view', projection")


async def remove_due(url: str, name: str, *, own: bool) -> None:
    """The documents of this projection have the form of this release. Raises StackError."""
    if name.startswith(_PREFIX):
        delete = "DELETE FROM due_rebuild WHERE projection = $1 RETURNING projection"
        await _execute(url, own, delete, name.removeprefix(_PREFIX))


async def _execute(url: str, own: bool, statement: str, *parameters: str) -> list[str]:
    try:
        connection = await connect(url, own=own, timeout=_CONNECT_SECONDS)
        try:
            rows = await connection.fetch(statement, *parameters)
        except asyncpg.UndefinedTableError:
            return []  # the migrations of this release are not applied
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise StackError(f"the database {DATABASE} cannot be used: {error or type(error).__name__}") from error
    return [_PREFIX + row["projection"] for row in rows]
