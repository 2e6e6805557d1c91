"""Quarantined records. A discarded record is no loss, and an unsettled one explains a missing effect."""

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from verify.consumers import SERVICE_CONSUMERS
from verify.recorded_state import RecordedState
from verify.rows import Name

_DISCARDED = ("discard", "discarded")


class Quarantined:
    def __init__(self, recorded: RecordedState) -> None:
        self._events: dict[str, dict[UUID, str]] = defaultdict(dict)
        self._aggregates: dict[str, set[Name]] = defaultdict(set)
        places = {(record.topic, record.partition, record.offset): envelope for record, envelope in recorded.readable}
        for service in SERVICE_CONSUMERS:
            for row in recorded.rows(service.database, "quarantine"):
                group, place = row["consumer_group"], (row["topic"], row["partition"], row["record_offset"])
                if (envelope := places.get(place)) is None:
                    continue
                self._events[group][envelope.id] = row["state"]
                if row["state"] in _DISCARDED:
                    self._aggregates[group].add((envelope.merchantid, envelope.subject))

    def discarded(self, group: str) -> set[UUID]:
        """The events that an operator discarded for the group."""
        return {id for id, state in self._events[group].items() if state in _DISCARDED}

    def quarantined(self, group: str) -> Mapping[UUID, str]:
        """Every event that the group ever quarantined, with the state of its row."""
        return self._events[group]

    def incomplete(self, group: str) -> set[Name]:
        """The aggregates with a discarded event in the group."""
        return self._aggregates[group]
