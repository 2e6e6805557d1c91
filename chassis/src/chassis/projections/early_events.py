"""Events that came before one that they follow: kept until it comes."""

from collections.abc import Sequence

from chassis.postgres.connection import Connection
from chassis.projections.projection import ProjectedRow


async def save(connection: Connection, rows: Sequence[ProjectedRow]) -> None:
    """Keeps what came early, and drops what waits no longer."""
    if went := [(*row.key, place) for row in rows for place in row.went]:
        await connection.execute(
            """
            DELETE FROM waiting
            USING unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[]) AS went (merchant_id, name, aggregate, sequence)
            WHERE (waiting.merchant_id, waiting.name, waiting.aggregate, waiting.sequence)
                = (went.merchant_id, went.name, went.aggregate, went.sequence)
            """,
            *zip(*went, strict=True),
        )
    came = [(*row.key, place, row.waiting[place].id, row.waiting[place].value().decode()) for row in rows for place in row.came]
    if came:
        await connection.execute(
            """
            INSERT INTO waiting (merchant_id, name, aggregate, sequence, event_id, envelope)
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::uuid[], $6::text[])
            ON CONFLICT DO NOTHING
            """,
            *zip(*came, strict=True),
        )
