"""The table `inbox`: the ids of handled events per group, written in the transaction of the reactions' events."""

from collections.abc import Sequence
from uuid import UUID

from chassis.postgres.connection import Connection


async def handled(connection: Connection, group: str, event_ids: Sequence[UUID]) -> set[UUID]:
    """The ids among `event_ids` that the group has handled."""
    if not event_ids:
        return set()
    rows = await connection.fetch(
        "SELECT event_id FROM inbox WHERE consumer_group = $1 AND event_id = ANY ($2::uuid[])", group, event_ids
    )
    return {row["event_id"] for row in rows}
