"""The table `waiting`: events that arrived before one of their predecessors, until it arrives."""

from collections.abc import Sequence

from chassis.postgres.connection import Connection
from chassis.projections.projection import ProjectedRow


async def save(connection: Connection, rows: Sequence[ProjectedRow]) -> None:
    """Delete the released events, insert the newly buffered ones."""
    if released := [(*row.key, sequence) for row in rows for sequence in row.released]:
        await connection.execute(
            """
            DELETE FROM waiting
            USING unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) AS released (merchant_id, name, aggregate, sequence)
            WHERE (waiting.merchant_id, waiting.name, waiting.aggregate, waiting.sequence)
                = (released.merchant_id, released.name, released.aggregate, released.sequence)
            """,
            *zip(*released, strict=True),
        )
    buffered = [
        (*row.key, sequence, row.early[sequence].id, row.early[sequence].value().decode())
        for row in rows
        for sequence in row.buffered
    ]
    if buffered:
        await connection.execute(
            """
            INSERT INTO waiting (merchant_id, name, aggregate, sequence, event_id, envelope)
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::uuid[], $6::text[])
            ON CONFLICT DO NOTHING
            """,
            *zip(*buffered, strict=True),
        )
