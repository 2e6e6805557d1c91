"""The projected rows that one batch of records changes: loaded in one query, folded in memory, written in one statement."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from billing_contracts.envelope import Envelope
from chassis.decoding import Decoded, Erased, Ignored, Received, Undecodable
from chassis.postgres.connection import Connection
from chassis.projections import early_events, row_store
from chassis.projections.projection import ProjectedRow, Projection
from chassis.projections.row_store import Key


class Projector:
    def __init__(self, definitions: Sequence[Projection]) -> None:
        self._definitions = definitions
        self._rows: dict[Key, ProjectedRow] = {}
        self._shown: list[list[ProjectedRow]] = []
        """By the reading's index."""
        self._showing: dict[tuple[str, str], list[Projection]] = {}
        """By the event's type and its aggregate's kind."""
        self._owners: set[tuple[UUID, UUID]] = set()

    async def load(self, connection: Connection, readings: Iterable[Decoded]) -> None:
        """Reads, without locking, what the readings may change."""
        if not self._definitions:
            return
        self._shown = [self._of(reading) for reading in readings]
        if self._rows:
            await row_store.load(connection, self._rows)

    def fold(self, index: int, reading: Decoded) -> None:
        """What the reading at `index` of those loaded changes.

        Raises Diverged, and whatever a projection's fold raises: then nothing of this attempt may be saved.
        """
        if not self._definitions:
            return
        shown = self._shown[index]
        match reading:
            case Received(envelope=Envelope() as envelope) | Ignored(envelope=Envelope() as envelope):
                for row in shown:
                    row.take(envelope)
            case Erased():
                for row in shown:
                    if row.stored or not row.gone:
                        self._owners.add((reading.merchant_id, reading.id))
                        row.erase()
            case Undecodable():
                for row in shown:
                    if not row.gone and (reading.sequence or row.sequence + 1) > row.sequence:
                        row.mark_stale()

    def skip(self, index: int, reading: Decoded) -> None:
        """Goes on without the event at `index`, which was given up."""
        place = reading.sequence if isinstance(reading, Undecodable) else None
        if isinstance(reading, Received | Ignored) and reading.envelope:
            place = reading.envelope.sequence
        for row in self._shown[index] if self._definitions else ():
            row.skip(place)

    async def save(self, connection: Connection) -> set[tuple[UUID, UUID]]:
        """Writes what changed; returns whose it is, as (merchant, customer). Raises Overtaken."""
        rows = [row for row in self._rows.values() if row.touched]
        await row_store.save(connection, rows)
        await early_events.save(connection, list(self._rows.values()))
        return self._owners | {(row.merchant_id, row.customer_id) for row in rows if row.customer_id is not None}

    def _of(self, reading: Decoded) -> list[ProjectedRow]:
        """The rows that show what the reading is about; empty ones of those that are new."""
        rows = []
        for projection, merchant_id, aggregate in self._concerned(reading):
            key = merchant_id, projection.name, aggregate
            if (row := self._rows.get(key)) is None:
                row = self._rows[key] = ProjectedRow(projection, merchant_id, aggregate)
            rows.append(row)
        return rows

    def _concerned(self, reading: Decoded) -> list[tuple[Projection, UUID, str]]:
        """The projections that show what the reading is about, each with its merchant and aggregate."""
        match reading:
            case Received(envelope=Envelope() as envelope) | Ignored(envelope=Envelope() as envelope):
                merchant_id, aggregate = envelope.merchantid, envelope.subject
                concerned = self._that_show(envelope.type, aggregate)
            case Erased(merchant_id, aggregate, topic):
                concerned = [each for each in self._definitions if each.erased_by(topic)]
            case Undecodable(_, UUID() as merchant_id, str() as aggregate):
                concerned = [each for each in self._definitions if each.shows(aggregate)]
            case _:
                return []
        return [(each, merchant_id, aggregate) for each in concerned]

    def _that_show(self, event_type: str, aggregate: str) -> list[Projection]:
        told = event_type, aggregate.partition("-")[0]
        if (known := self._showing.get(told)) is None:
            known = [each for each in self._definitions if event_type in each.types or each.shows(aggregate)]
            self._showing[told] = known
        return known
