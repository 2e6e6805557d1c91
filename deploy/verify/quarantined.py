"""Records that consumers put aside: what an operator discarded is no loss; what still lies there says why something lacks."""

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from verify.consumers import READERS
from verify.recorded_state import RecordedState
from verify.rows import Name

_GIVEN_UP = ("discard", "discarded")


class Quarantined:
    def __init__(self, world: RecordedState) -> None:
        self._events: dict[str, dict[UUID, str]] = defaultdict(dict)
        self._aggregates: dict[str, set[Name]] = defaultdict(set)
        places = {(record.topic, record.partition, record.offset): envelope for record, envelope in world.readable}
        for reader in READERS:
            for row in world.rows(reader.database, "quarantine"):
                group, place = row["consumer_group"], (row["topic"], row["partition"], row["record_offset"])
                if (envelope := places.get(place)) is None:
                    continue
                self._events[group][envelope.id] = row["state"]
                if row["state"] in _GIVEN_UP:
                    self._aggregates[group].add((envelope.merchantid, envelope.subject))

    def discarded(self, group: str) -> set[UUID]:
        """The events that the group shall do without."""
        return {id for id, state in self._events[group].items() if state in _GIVEN_UP}

    def quarantined(self, group: str) -> Mapping[UUID, str]:
        """Every event that ever was put aside, with what became of it."""
        return self._events[group]

    def incomplete(self, group: str) -> set[Name]:
        """The aggregates that the group knows without some event."""
        return self._aggregates[group]
