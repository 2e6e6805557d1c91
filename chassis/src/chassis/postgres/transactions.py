"""Transactions whose commit need not wait for the disk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from chassis.postgres.connection import Connection


@asynccontextmanager
async def transaction(connection: Connection, *, lasting: bool) -> AsyncIterator[None]:
    """A transaction, rolled back by an exception. One that is not `lasting` may be undone by a crash of the server within the
    next moments, whole, and never without those that were committed after it.
    """
    if lasting:
        async with connection.transaction():
            yield
        return
    await connection.execute("BEGIN; SET LOCAL synchronous_commit = off")
    try:
        yield
    except BaseException:
        with suppress(Exception):
            await connection.execute("ROLLBACK")
        raise
    await connection.execute("COMMIT")
