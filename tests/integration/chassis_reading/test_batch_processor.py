"""Batches of records on PostgreSQL, without Kafka."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from billing_contracts.envelope import Envelope
from chassis.consumers import quarantine
from chassis.consumers.batch_processor import BatchProcessor
from chassis.consumers.consumer import Consumer
from chassis.consumers.offsets import Fenced
from chassis.consumers.quarantine import Quarantined, ValueNotStored
from chassis.consumers.unit_of_work import StaleRead, UnitOfWork
from chassis.decoding import Erased, RawRecord, Received, Record
from chassis.event_store.write_sets import read_streams
from chassis.eventsourcing.event_store import Statement
from chassis.postgres.connection import Connection
from chassis.projections.row_store import document, documents
from support.consumer_events import LAMPS, MERCHANT, PAINTS, Lit, data_of, lit, painted, record, tombstone
from support.lamps import LAMP, NOON, Count, SwitchOff

GROUP = "tests.decoded"


async def commit_offsets(_: Connection, __: Sequence[RawRecord]) -> None:
    """These tests check only the effects."""


async def count(received: Received[Any], unit: UnitOfWork) -> None:
    """Switch our own lamp with the same id."""
    await unit.decide(LAMP, UUID(received.envelope.subject.removeprefix("lamp-")), Count(NOON), cause=received)


def processor(pool: asyncpg.Pool, **consumer: Any) -> BatchProcessor:
    fields: dict[str, Any] = {"group": GROUP, "topics": ("billing.lamps", "billing.paints"), "decode": data_of} | consumer
    return BatchProcessor(Consumer(**fields), pool, asyncio.Event())


async def versions(pool: asyncpg.Pool, *lamps: UUID) -> list[int]:
    async with pool.acquire() as connection:
        streams = [LAMP.stream(MERCHANT, lamp) for lamp in lamps]
        events = await read_streams(connection, streams)
    return [len(events[stream]) for stream in streams]


async def quarantined(pool: asyncpg.Pool) -> list[Quarantined]:
    async with pool.acquire() as connection:
        return await quarantine.pending(connection, GROUP)


def records(*envelopes: Envelope) -> list[Record]:
    return [record(envelope, offset=offset) for offset, envelope in enumerate(envelopes)]


async def test_reactions_of_a_batch_see_what_earlier_ones_decided(pool: asyncpg.Pool) -> None:
    one, other = uuid4(), uuid4()
    await processor(pool, reactions={Lit.TYPE: count}).handle(
        records(lit(one, 1), lit(other, 1), lit(one, 2), lit(one, 3)), commit_offsets
    )
    assert await versions(pool, one, other) == [3, 1]


async def test_an_event_is_handled_only_once(pool: asyncpg.Pool) -> None:
    lamp = uuid4()
    event = lit(lamp, 1)
    consumer = processor(pool, reactions={Lit.TYPE: count})
    await consumer.handle(records(event, event), commit_offsets)
    await consumer.handle(records(event), commit_offsets)
    await processor(pool, reactions={Lit.TYPE: count}).handle(records(event), commit_offsets)
    assert await versions(pool, lamp) == [1]


async def test_caused_events_name_their_cause(pool: asyncpg.Pool) -> None:
    event = lit(uuid4(), 1)
    await processor(pool, reactions={Lit.TYPE: count}).handle(records(event), commit_offsets)
    published = Envelope.model_validate_json(await pool.fetchval("SELECT value FROM events"))
    assert (published.causationid, published.correlationid) == (event.id, event.correlationid)


async def test_a_refusal_is_an_outcome(pool: asyncpg.Pool) -> None:
    outcomes: list[object] = []

    async def switch_off(received: Received[Any], unit: UnitOfWork) -> None:
        outcomes.append(await unit.decide(LAMP, uuid4(), SwitchOff(NOON), cause=received))

    await processor(pool, reactions={Lit.TYPE: switch_off}).handle(records(lit(uuid4(), 1)), commit_offsets)
    assert outcomes == [None]
    assert await pool.fetchval("SELECT count(*) FROM inbox") == 1
    assert await quarantined(pool) == []


async def test_one_undecodable_record_of_five_hundred_is_quarantined_alone(pool: asyncpg.Pool) -> None:
    lamp = uuid4()
    batch = records(*(lit(lamp if n == 0 else uuid4(), 1) for n in range(500)))
    batch[250] = replace(batch[250], value=b"{")
    await processor(pool, reactions={Lit.TYPE: count}, projections=(LAMPS,)).handle(batch, commit_offsets)
    assert await pool.fetchval("SELECT count(*) FROM events") == 499
    assert await pool.fetchval("SELECT count(*) FROM projection") == 499
    [bad] = await quarantined(pool)
    assert (bad.record, bad.error.split(":")[0]) == (batch[250], "value")


async def test_one_failing_record_of_five_hundred_is_quarantined_alone(pool: asyncpg.Pool) -> None:
    batch = records(*(lit(uuid4(), 1, watts=0 if n == 250 else 40) for n in range(500)))
    tries = 0

    async def stumble(received: Received[Any], unit: UnitOfWork) -> None:
        nonlocal tries
        if received.data.watts == 0:
            tries += 1
            raise ZeroDivisionError("no watts")
        await count(received, unit)

    await processor(pool, reactions={Lit.TYPE: stumble}).handle(batch, commit_offsets)
    assert await pool.fetchval("SELECT count(*) FROM events") == 499
    [bad] = await quarantined(pool)
    assert (bad.record.offset, bad.error, tries) == (250, "ZeroDivisionError: no watts", 4)


async def test_a_refused_statement_quarantines_only_its_record(pool: asyncpg.Pool) -> None:
    async def write(received: Received[Any], unit: UnitOfWork) -> None:
        await count(received, unit)
        unit.write(Statement("SELECT 1 / $1::int", (received.data.watts,)))

    batch = records(*(lit(uuid4(), 1, watts=0 if n == 3 else 40) for n in range(8)))
    await processor(pool, reactions={Lit.TYPE: write}).handle(batch, commit_offsets)
    assert await pool.fetchval("SELECT count(*) FROM events") == 7
    assert [bad.record.offset for bad in await quarantined(pool)] == [3]


async def test_a_batch_is_halved_until_the_failing_record_is_found(pool: asyncpg.Pool) -> None:
    unlucky = uuid4()

    async def after(_: asyncpg.Connection, changed: Any) -> None:
        if (MERCHANT, unlucky) in changed:
            raise RuntimeError("cannot be composed")

    batch = records(*(lit(uuid4(), 1, customer=unlucky if n == 5 else uuid4()) for n in range(16)))
    await processor(pool, projections=(LAMPS,), before_commit=after).handle(batch, commit_offsets)
    assert await pool.fetchval("SELECT count(*) FROM projection") == 15
    assert [bad.record.offset for bad in await quarantined(pool)] == [5]


async def test_a_version_conflict_repeats_the_decision(pool: asyncpg.Pool) -> None:
    lamp, other = uuid4(), uuid4()
    meddled = 0

    async def meddle(received: Received[Any], unit: UnitOfWork) -> None:
        nonlocal meddled
        await count(received, unit)
        if meddled < 3:
            meddled += 1
            await processor(pool, group="tests.meddler", reactions={Lit.TYPE: count}).handle(
                records(lit(lamp, meddled)), commit_offsets
            )

    await processor(pool, reactions={Lit.TYPE: meddle}).handle(records(lit(lamp, 1), lit(other, 1), lit(lamp, 2)), commit_offsets)
    assert await versions(pool, lamp, other) == [2 + 3, 1]
    assert await quarantined(pool) == []


async def test_no_transaction_id_is_taken_before_the_streams_are_read(pool: asyncpg.Pool) -> None:
    lamp = uuid4()
    seen: list[object] = []

    async def look(received: Received[Any], unit: UnitOfWork) -> None:
        await count(received, unit)
        seen.append(await unit.connection.fetchval("SELECT pg_current_xact_id_if_assigned()"))

        async def number(connection: asyncpg.Connection) -> None:
            seen.append(await connection.fetchval("SELECT pg_current_xact_id_if_assigned()"))
            await unit.decide(LAMP, lamp, Count(NOON), cause=received)

        unit.at_commit(number)

    await processor(pool, reactions={Lit.TYPE: look}, projections=(LAMPS,)).handle(records(lit(lamp, 1)), commit_offsets)
    assert seen == [None, None]
    assert await versions(pool, lamp) == [2]


async def test_a_stream_used_in_a_commit_hook_must_be_loaded_before(pool: asyncpg.Pool) -> None:
    async def late(received: Received[Any], unit: UnitOfWork) -> None:
        async def ask(_: asyncpg.Connection) -> None:
            await count(received, unit)

        unit.at_commit(ask)

    await processor(pool, reactions={Lit.TYPE: late}).handle(records(lit(uuid4(), 1)), commit_offsets)
    assert [bad.error.split(":")[0] for bad in await quarantined(pool)] == ["RuntimeError"]
    lamp = uuid4()
    streams = {Lit.TYPE: lambda _: [LAMP.stream(MERCHANT, lamp)]}
    await processor(pool, reactions={Lit.TYPE: late}, streams_to_load=streams).handle(records(lit(lamp, 1)), commit_offsets)
    assert await versions(pool, lamp) == [1]


async def test_a_batch_with_a_stale_read_is_tried_again(pool: asyncpg.Pool) -> None:
    lamp, other = uuid4(), uuid4()
    attempts = 0

    async def check_at_commit(received: Received[Any], unit: UnitOfWork) -> None:
        await count(received, unit)

        async def check(_: asyncpg.Connection) -> None:
            nonlocal attempts
            attempts += 1
            if attempts < 4:
                raise StaleRead

        unit.at_commit(check)

    await processor(pool, reactions={Lit.TYPE: check_at_commit}).handle(records(lit(lamp, 1), lit(other, 1)), commit_offsets)
    assert await versions(pool, lamp, other) == [1, 1]
    assert await quarantined(pool) == []


async def test_the_records_of_an_attempt_share_a_group(pool: asyncpg.Pool) -> None:
    sizes: list[int] = []

    async def gather(received: Received[Any], unit: UnitOfWork) -> None:
        group = unit.group("tests", list[Received[Any]])
        group.append(received)
        sizes.append(len(group))

    for offset in (1, 3):
        await processor(pool, reactions={Lit.TYPE: gather}).handle(
            records(lit(uuid4(), offset), lit(uuid4(), offset)), commit_offsets
        )
    assert sizes == [1, 2, 1, 2]


async def test_duplicates_gaps_and_disorder_across_batches_end_in_the_same_document(pool: asyncpg.Pool) -> None:
    lamp, customer = uuid4(), uuid4()
    events = [lit(lamp, n, customer=customer) for n in range(1, 8)]
    for order in ([2], [4, 0], [4, 2, 0], [3, 6], [1], [5, 1]):
        await processor(pool, projections=(LAMPS,)).handle(records(*(events[n] for n in order)), commit_offsets)
    async with pool.acquire() as connection:
        projected = await document(connection, "lamp", MERCHANT, f"lamp-{lamp}")
        assert projected is not None
        assert (projected.sequence, projected.doc, projected.customer_id) == (7, {"watts": 280, "times": 7}, customer)
        assert not projected.stale()
        assert await connection.fetchval("SELECT count(*) FROM waiting") == 0


async def test_a_document_with_a_missing_event_becomes_stale(pool: asyncpg.Pool) -> None:
    lamp = uuid4()
    await processor(pool, projections=(LAMPS,)).handle(records(lit(lamp, 1), lit(lamp, 3)), commit_offsets)
    async with pool.acquire() as connection:
        projected = await document(connection, "lamp", MERCHANT, f"lamp-{lamp}")
    assert projected is not None
    assert (projected.sequence, projected.stale(), projected.stale(datetime.now(UTC) + timedelta(seconds=6))) == (1, False, True)


async def test_a_diverged_event_is_quarantined_without_reaction(pool: asyncpg.Pool) -> None:
    lamp = uuid4()
    consumer = processor(pool, projections=(LAMPS,), reactions={Lit.TYPE: count})
    await consumer.handle(records(lit(lamp, 1)), commit_offsets)
    await consumer.handle(records(lit(lamp, 1), lit(lamp, 2)), commit_offsets)
    assert [bad.error.split(":")[0] for bad in await quarantined(pool)] == ["Diverged"]
    assert await versions(pool, lamp) == [2]


async def test_after_is_called_in_the_transaction_with_the_changed_customers(pool: asyncpg.Pool) -> None:
    ana, luis = uuid4(), uuid4()
    calls: list[Any] = []

    async def after(connection: asyncpg.Connection, changed: Any) -> None:
        calls.append((changed, len(await documents(connection, "lamp", MERCHANT, ana))))

    lamp = uuid4()
    consumer = processor(pool, projections=(LAMPS,), before_commit=after)
    changed = await consumer.handle(records(lit(lamp, 1, customer=ana), lit(uuid4(), 1, customer=luis)), commit_offsets)
    assert await consumer.handle(records(lit(uuid4(), 1)), commit_offsets) == set()
    assert changed == {(MERCHANT, ana), (MERCHANT, luis)}
    assert calls == [(changed, 1)]


async def test_an_erased_customer_leaves_nothing(pool: asyncpg.Pool) -> None:
    customer = uuid4()
    erased: list[Erased] = []

    async def forget(who: Erased, _: UnitOfWork) -> None:
        erased.append(who)

    consumer = processor(pool, projections=(PAINTS,), on_erased=forget)
    await consumer.handle([record(painted(customer, 3, "red"), "billing.paints")], commit_offsets)
    assert await consumer.handle([tombstone(customer)], commit_offsets) == {(MERCHANT, customer)}
    assert await pool.fetchval("SELECT count(*) FROM projection") == 0
    assert [each.id for each in erased] == [customer]
    await consumer.handle([record(painted(customer, 1, "blue"), "billing.paints")], commit_offsets)
    assert await pool.fetchval("SELECT doc ->> 'colour' FROM projection") == "blue"


async def test_an_unknown_type_is_skipped_and_later_events_are_folded(pool: asyncpg.Pool) -> None:
    lamp = uuid4()
    dusted = lit(lamp, 2, type="billing.lamps.Dusted.v1")
    await processor(pool, projections=(LAMPS,)).handle(records(lit(lamp, 1), dusted, lit(lamp, 3)), commit_offsets)
    async with pool.acquire() as connection:
        projected = await document(connection, "lamp", MERCHANT, f"lamp-{lamp}")
    assert projected is not None
    assert (projected.sequence, projected.doc["times"]) == (3, 2)


async def test_a_personal_value_is_never_quarantined(pool: asyncpg.Pool) -> None:
    personal = frozenset({"billing.paints"})
    secret = record(painted(uuid4(), 1, "ana@example.test"), "billing.paints")
    unreadable = replace(secret, value=(secret.value or b"") + b"}", headers=[*secret.headers, ("email", b"ana@example.test")])

    async def stumble(_: Received[Any], __: UnitOfWork) -> None:
        raise RuntimeError("ana@example.test")

    consumer = processor(pool, reactions={"billing.paints.Painted.v1": stumble}, personal_topics=personal)
    await consumer.handle([unreadable, replace(secret, offset=1)], commit_offsets)
    entries = await quarantined(pool)
    assert [(bad.record.value, bad.complete) for bad in entries] == [(None, False), (None, False)]
    assert entries[0].value_length == len(unreadable.value or b"")
    rows = await pool.fetch("SELECT quarantine::text AS row FROM quarantine")
    assert not [row for row in rows if "ana@" in row["row"] or b"ana@".hex() in row["row"]]
    async with pool.acquire() as connection:
        with pytest.raises(ValueNotStored):
            await quarantine.retry(connection, entries[0].id)


async def test_a_fenced_batch_is_rolled_back(pool: asyncpg.Pool) -> None:
    async def fenced(_: Connection, __: Sequence[RawRecord]) -> None:
        raise Fenced

    with pytest.raises(Fenced):
        await processor(pool, projections=(LAMPS,), reactions={Lit.TYPE: count}).handle(records(lit(uuid4(), 1)), fenced)
    for table in ("events", "inbox", "projection", "timers", "quarantine"):
        assert await pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_a_row_changed_by_another_writer_is_folded_again(pool: asyncpg.Pool) -> None:
    lamp = uuid4()
    one, two = lit(lamp, 1), lit(lamp, 2)
    raced = False

    async def race(_: Received[Any], __: UnitOfWork) -> None:
        nonlocal raced
        if not raced:
            raced = True
            await processor(pool, group="tests.racer", projections=(LAMPS,)).handle(records(one, two), commit_offsets)

    consumer = processor(pool, projections=(LAMPS,), reactions={Lit.TYPE: race})
    await consumer.handle(records(one, two), commit_offsets)
    assert await pool.fetchval("SELECT (doc -> 'times')::int FROM projection") == 2


async def test_commands_and_reactions_on_one_stream_keep_the_order_of_the_log(pool: asyncpg.Pool) -> None:
    """In the order of the relay's cursor, an event never precedes one that it follows."""
    lamp = uuid4()
    stream = LAMP.stream(MERCHANT, lamp)

    async def react(first: int) -> None:
        for n in range(first, first + 10):
            await processor(pool, group=f"tests.{first}", reactions={Lit.TYPE: count}, projections=(LAMPS,)).handle(
                records(lit(lamp, n), lit(uuid4(), 1)), commit_offsets
            )

    await asyncio.gather(*(react(1 + 10 * n) for n in range(4)))
    rows = await pool.fetch("SELECT version FROM events WHERE stream = $1 ORDER BY epoch, xid, position", stream.name)
    assert [row["version"] for row in rows] == list(range(1, 41))
