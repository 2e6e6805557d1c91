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
        self._rows = {row.key: row for reading in readings for row in self._concerned(reading)}
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
        return [self._rows[row.key] for row in self._concerned(reading)]

    def _concerned(self, reading: Reading) -> list[Row]:
        match reading:
            case Received(envelope=envelope) | Passed(envelope=envelope):
                concerned = (each for each in self._definitions if envelope.type in each.types or each.shows(envelope.subject))
                return [Row(each, envelope.merchantid, envelope.subject) for each in concerned]
            case Erased(merchant_id, aggregate, topic):
                return [Row(each, merchant_id, aggregate) for each in self._definitions if each.erased_by(topic)]
            case Malformed(_, UUID() as merchant_id, str() as aggregate):
                return [Row(each, merchant_id, aggregate) for each in self._definitions if each.shows(aggregate)]
        return []
