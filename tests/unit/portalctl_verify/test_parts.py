"""The data is judged in parts: one customer's data stays together, and other customers' data is in other parts."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from unit.portalctl_verify.recording import ANA, STAYING, Recording, consistent_recording, id_of

from verify.recorded_state import RecordedState
from verify.rows import Cut, Event
from verify.spool import Spool

CUSTOMERS = 40


def customers(events: int) -> list[list[Event]]:
    """Streams of one invoice per customer with so many events, copied from Ana's."""
    model = consistent_recording().events["invoicing"][0]

    def event(customer: int, version: int) -> Event:
        id, owner = id_of(f"event {version} of {customer}"), id_of(f"customer {customer}")
        value = model.value.replace(str(ANA).encode(), str(owner).encode()).replace(
            str(model.event_id).encode(), str(id).encode()
        )
        return replace(model, stream=f"invoice-{id_of(f'invoice of {customer}')}", version=version, event_id=id, value=value)

    return [[event(customer, 1 + at) for at in range(events)] for customer in range(CUSTOMERS)]


def parts_of(spool: Spool) -> list[RecordedState]:
    spool.taken_at["invoicing"] = datetime(2026, 1, 1, tzinfo=UTC)
    return list(spool.parts(Cut({}, {})))


def test_no_part_is_larger_than_its_limit_and_a_stream_is_in_one_part() -> None:
    with closing(Spool(part_size=20)) as spool:
        for stream in customers(5):
            for event in stream:
                spool.add_event("invoicing", event)
        parts = [part.snapshots["invoicing"].events for part in parts_of(spool)]
    assert sum(map(len, parts)) == CUSTOMERS * 5
    assert max(map(len, parts)) <= 20
    streams = [{event.stream for event in events} for events in parts]
    assert sum(map(len, streams)) == len(set().union(*streams)) == CUSTOMERS


def test_an_undamaged_system_joins_no_customers() -> None:
    recording: Recording = consistent_recording()
    with closing(Spool()) as spool:
        for name, events in recording.events.items():
            for event in events:
                spool.add_event(name, event)
        for (name, table), rows in recording.tables.items():
            for row in rows:
                spool.add_row(name, table, row)
        for record in recording.records:
            spool.add_record(record)
        assert len(parts_of(spool)) == 1
        assert spool.joined == 0


@pytest.mark.parametrize("table", ["attempt", "collection"])
def test_a_row_with_another_customer_than_its_invoice_joins_both(table: str) -> None:
    with closing(Spool(part_size=1)) as spool:
        [stream, other] = customers(1)[:2]
        for event in (*stream, *other):
            spool.add_event("invoicing", event)
        row = {"merchant_id": stream[0].merchant_id, "invoice_id": id_in(stream[0]), "customer_id": id_of_customer(other[0])}
        spool.add_row("payments", table, row | {"subscription_id": STAYING})
        spool.taken_at["payments"] = datetime(2026, 1, 1, tzinfo=UTC)
        [part] = [part for part in parts_of(spool) if part.rows("payments", table)]
    assert {event.stream for event in part.snapshots["invoicing"].events} >= {stream[0].stream, other[0].stream}


def id_in(event: Event) -> UUID:
    return UUID(event.stream.partition("-")[2])


def id_of_customer(event: Event) -> str:
    return event.value.decode().partition('"customerid":"')[2][:36]


def test_a_part_without_any_data_has_the_leaks() -> None:
    with closing(Spool()) as spool:
        spool.undecodable.append("billing.payments/3@17 cannot be decoded: checksum")
        [part] = parts_of(spool)
    assert part.undecodable == ["billing.payments/3@17 cannot be decoded: checksum"]
