"""The projected rows that one batch of records changes: loaded in one query, folded in memory, written in one statement."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from chassis.postgres import projections, waiting
from chassis.postgres.projections import Key
from chassis.postgres.write_sets import Connection
from chassis.projection import Projection, Row
from chassis.records import Erased, Malformed, Passed, Reading, Received


class Folding:
    def __init__(self, definitions: Sequence[Projection]) -> None:
        self._definitions = definitions
        self._rows: dict[Key, Row] = {}
        self._owners: set[tuple[UUID, UUID]] = set()

    async def load(self, connection: Connection, readings: Iterable[Reading]) -> None:
        """Reads, without locking, what the readings may change."""
        concerned = {shown for reading in readings for shown in self._concerned(reading)}
        rows = (Row(*shown) for shown in concerned)
        self._rows = {row.key: row for row in rows}
        if self._rows:
            await projections.load(connection, self._rows)
            await waiting.load(connection, self._rows)

    def fold(self, reading: Reading) -> None:
        """Raises Diverged, and whatever a projection's fold raises: then nothing of this attempt may be saved."""
        match reading:
            case Received(envelope=envelope) | Passed(envelope=envelope):
                for row in self._of(reading):
                    row.take(envelope)
            case Erased():
                for row in self._of(reading):
                    if row.stored or not row.gone:
                        self._owners.add((reading.merchant_id, reading.id))
                        row.erase()
            case Malformed():
                for row in self._of(reading):
                    if not row.gone and (reading.sequence or row.sequence + 1) > row.sequence:
                        row.mark_stale()

    def skip(self, reading: Reading) -> None:
        """Goes on without the event that was given up."""
        place = reading.sequence if isinstance(reading, Malformed) else None
        if isinstance(reading, Received | Passed):
            place = reading.envelope.sequence
        for row in self._of(reading):
            row.skip(place)

    async def save(self, connection: Connection) -> set[tuple[UUID, UUID]]:
        """Writes what changed; returns whose it is, as (merchant, customer). Raises Overtaken."""
        rows = [row for row in self._rows.values() if row.touched]
        await projections.save(connection, rows)
        await waiting.save(connection, list(self._rows.values()))
        return self._owners | {(row.merchant_id, row.customer_id) for row in rows if row.customer_id is not None}

    def _of(self, reading: Reading) -> list[Row]:
        shown = self._concerned(reading)
        return [self._rows[merchant_id, projection.name, aggregate] for projection, merchant_id, aggregate in shown]

    def _concerned(self, reading: Reading) -> list[tuple[Projection, UUID, str]]:
        """The projections that show what the reading is about, each with its merchant and aggregate."""
        if not self._definitions:
            return []
        match reading:
            case Received(envelope=envelope) | Passed(envelope=envelope):
                merchant_id, aggregate = envelope.merchantid, envelope.subject
                concerned = [each for each in self._definitions if envelope.type in each.types or each.shows(aggregate)]
            case Erased(merchant_id, aggregate, topic):
                concerned = [each for each in self._definitions if each.erased_by(topic)]
            case Malformed(_, UUID() as merchant_id, str() as aggregate):
                concerned = [each for each in self._definitions if each.shows(aggregate)]
            case _:
                return []
        return [(each, merchant_id, aggregate) for each in concerned]
