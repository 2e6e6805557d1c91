"""What each consumer group has handled, once and for all. It is written with the events that came of it."""

from collections.abc import Sequence
from uuid import UUID

from chassis.postgres.connection import Connection


async def handled(connection: Connection, group: str, event_ids: Sequence[UUID]) -> set[UUID]:
    """Which of the events the group has handled before."""
    if not event_ids:
        return set()
    rows = await connection.fetch(
        "SELECT event_id FROM inbox WHERE consumer_group = $1 AND event_id = ANY ($2::uuid[])", group, event_ids
    )
    return {row["event_id"] for row in rows}
