"""Folds one batch of records into projected rows: one query to load, one statement to write."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from billing_contracts.envelope import Envelope
from chassis.decoding import Decoded, Erased, Ignored, Received, Undecodable
from chassis.postgres.connection import Connection
from chassis.projections import early_events, row_store
from chassis.projections.projection import ProjectedRow, Projection
from chassis.projections.row_store import RowKey


class Projector:
    def __init__(self, projections: Sequence[Projection]) -> None:
        self._projections = projections
        self._rows: dict[RowKey, ProjectedRow] = {}
        self._affected: list[list[ProjectedRow]] = []
        """The rows that each loaded record may change, by the record's index."""
        self._matches: dict[tuple[str, str], list[Projection]] = {}
        """Projections by event type and kind of aggregate."""
        self._erased: set[tuple[UUID, UUID]] = set()

    async def load(self, connection: Connection, records: Iterable[Decoded]) -> None:
        """Read the rows that the records may change, without locks."""
        if not self._projections:
            return
        self._affected = [self._rows_for(record) for record in records]
        if self._rows:
            await row_store.load(connection, self._rows)

    def fold(self, index: int, record: Decoded) -> None:
        """Fold the loaded record at `index` into its rows.

        Raises Diverged and the errors of a projection's fold; the caller must then not save this attempt.
        """
        if not self._projections:
            return
        rows = self._affected[index]
        match record:
            case Received(envelope=Envelope() as envelope) | Ignored(envelope=Envelope() as envelope):
                for row in rows:
                    row.apply(envelope)
            case Erased():
                for row in rows:
                    if row.stored or not row.empty:
                        self._erased.add((record.merchant_id, record.id))
                        row.erase()
            case Undecodable():
                for row in rows:
                    if not row.empty and (record.sequence or row.sequence + 1) > row.sequence:
                        row.mark_stale()

    def skip(self, index: int, record: Decoded) -> None:
        """Continue without the discarded event at `index`."""
        sequence = record.sequence if isinstance(record, Undecodable) else None
        if isinstance(record, Received | Ignored) and record.envelope:
            sequence = record.envelope.sequence
        for row in self._affected[index] if self._projections else ():
            row.skip(sequence)

    async def save(self, connection: Connection) -> set[tuple[UUID, UUID]]:
        """Write the changed rows; return their owners as (merchant, customer). Raises Overtaken."""
        changed = [row for row in self._rows.values() if row.changed]
        await row_store.save(connection, changed)
        await early_events.save(connection, list(self._rows.values()))
        return self._erased | {(row.merchant_id, row.customer_id) for row in changed if row.customer_id is not None}

    def _rows_for(self, record: Decoded) -> list[ProjectedRow]:
        rows = []
        for projection, merchant_id, aggregate in self._targets(record):
            key = merchant_id, projection.name, aggregate
            if (row := self._rows.get(key)) is None:
                row = self._rows[key] = ProjectedRow(projection, merchant_id, aggregate)
            rows.append(row)
        return rows

    def _targets(self, record: Decoded) -> list[tuple[Projection, UUID, str]]:
        """The projections of the record's aggregate, each with merchant and aggregate."""
        match record:
            case Received(envelope=Envelope() as envelope) | Ignored(envelope=Envelope() as envelope):
                merchant_id, aggregate = envelope.merchantid, envelope.subject
                projections = self._projections_for(envelope.type, aggregate)
            case Erased(merchant_id, aggregate, topic):
                projections = [each for each in self._projections if each.erased_by(topic)]
            case Undecodable(_, UUID() as merchant_id, str() as aggregate):
                projections = [each for each in self._projections if each.projects(aggregate)]
            case _:
                return []
        return [(each, merchant_id, aggregate) for each in projections]

    def _projections_for(self, event_type: str, aggregate: str) -> list[Projection]:
        key = event_type, aggregate.partition("-")[0]
        if (matches := self._matches.get(key)) is None:
            matches = [each for each in self._projections if event_type in each.types or each.projects(aggregate)]
            self._matches[key] = matches
        return matches
