"""Transactions with a durable or an asynchronous commit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from chassis.postgres.connection import Connection


@asynccontextmanager
async def transaction(connection: Connection, *, durable: bool) -> AsyncIterator[None]:
    """Run the block in a transaction, and roll back on an exception.

    Without `durable` the commit does not wait for the disk. A server crash shortly afterwards can lose the whole transaction,
    together with all later ones.
    """
    if durable:
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
