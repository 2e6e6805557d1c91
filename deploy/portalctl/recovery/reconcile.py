"""Compares restored databases with the topics, and prepares them for a start of the services.

The steps are in docs/recovery.md. The result is computed before anything is changed. The marks that keep the
services from starting are removed last, so that an interrupted run is repeated as a whole.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from billing_contracts.invoicing import CreditNoteIssued, InvoiceIssued
from billing_contracts.registry import data_of
from chassis.event_store.blocked_streams import BlockedStream, LostEvent, block, blocked_streams
from chassis.eventsourcing.lost_events import LOST, UNDER_REVIEW
from chassis.outbox.producer import Publisher
from portalctl.recovery import profiles
from portalctl.recovery.adoption import adopt
from portalctl.recovery.charges import prepare_charges
from portalctl.recovery.classification import Comparison, Kind, Name, TopicEvent, compare
from portalctl.recovery.profiles import Differences
from portalctl.recovery.report import LostWrite, RecoveryReport
from portalctl.recovery.servers import Servers
from portalctl.recovery.stores import OWNERS, Store, Unsent, open_stores, service_of, topic_of
from portalctl.recovery.topic_log import TopicLog, event_of, open_log

_BATCH = 2000


@dataclass
class ServiceState:
    """What a service's store and topic have, of the streams that have records beyond the restored cursor."""

    comparisons: dict[Name, Comparison] = field(default_factory=dict)
    unsent: list[Unsent] = field(default_factory=list)
    published: set[UUID] = field(default_factory=set)
    """Ids of the events beyond the restored cursor."""
    numbers: dict[tuple[str, str], tuple[int, date]] = field(default_factory=dict)
    """(merchant, series) -> the highest number of an invoice or credit note on the topic, and the latest date."""
    accepted: set[Name] = field(default_factory=set)
    """Forks that an operator has released."""

    def to_block(self) -> dict[Name, Comparison]:
        kinds = (Kind.TOPIC_AHEAD, Kind.FORK)
        return {name: each for name, each in self.comparisons.items() if each.kind in kinds and name not in self.accepted}


class Reconciliation:
    def __init__(self, servers: Servers, stores: Mapping[str, Store], log: TopicLog) -> None:
        self._servers, self._stores, self._log = servers, stores, log
        self._states: dict[str, ServiceState] = {}
        self._profiles = Differences((), (), ())
        self._erased: set[profiles.CustomerKey] = set()

    async def examine(self) -> RecoveryReport:
        """Compare everything. Of a marked database, the result of an earlier run is undone first: nothing has used it."""
        report = RecoveryReport()
        for name in OWNERS:
            store = self._stores[name]
            if await store.is_marked():
                await _forget_earlier_run(store)
            service_state = self._states[name] = await self._compare(store)
            self._describe(report, service_of(name), service_state, await store.stream_count())
        states = await profiles.read_states(self._log)
        self._profiles = await profiles.differences(self._stores["subscriptions"].connection, states)
        self._erased = set(self._profiles.erased)
        for name in ("invoicing", "portal_gateway"):
            self._erased |= await profiles.still_known(self._stores[name].connection, states.erased)
        report.profiles = len(self._profiles.newer)
        report.erased = [(str(merchant), str(customer)) for merchant, customer in sorted(self._erased)]
        report.vanished = [(str(merchant), str(customer)) for merchant, customer in self._profiles.vanished]
        open_charges = "SELECT count(*) FROM attempt WHERE status IN ('open', 'unknown')"
        report.charges_to_check = await self._stores["payments"].connection.fetchval(open_charges)
        return report

    async def apply(self, report: RecoveryReport, *, adopting: bool, erase_vanished: bool) -> RecoveryReport:
        """Change the databases as the report describes. The marks are removed if the result is clean."""
        if erase_vanished:
            self._erased |= set(self._profiles.vanished)
            report.erased = [(str(merchant), str(customer)) for merchant, customer in sorted(self._erased)]
            report.vanished = []
        await profiles.erase_again(self._servers.databases, sorted(self._erased))
        async with self._stores["subscriptions"].connection.transaction():
            await profiles.adopt_profiles(self._stores["subscriptions"].connection, self._profiles.newer)
        report.lost.clear()
        report.blocked.clear()
        for name in OWNERS:
            await self._apply(report, name, adopting)
        if report.clean:
            for store in self._stores.values():
                await store.connection.execute("DELETE FROM restoration")
        report.applied = True
        return report

    async def _compare(self, store: Store) -> ServiceState:
        topic = topic_of(store.database)
        events: dict[Name, list[TopicEvent]] = defaultdict(list)
        service_state = ServiceState(unsent=await store.unsent())
        async for record in self._log.records(topic, store.sent_to(topic)):
            if event := event_of(record):
                events[event.of].append(event)
                service_state.published.add(event.envelope.id)
                _note_number(service_state, event)
        unsent: dict[Name, set[int]] = defaultdict(set)
        for each in service_state.unsent:
            unsent[each.merchant_id, each.stream].add(each.version)
        names = list(events.keys() | unsent.keys())
        for start in range(0, len(names), _BATCH):
            for name, versions in (await store.versions(names[start : start + _BATCH])).items():
                service_state.comparisons[name] = compare(versions, events[name], unsent[name])
        for row in await blocked_streams(store.connection):
            name = row.merchant_id, row.stream
            comparison = service_state.comparisons.get(name)
            if row.released_at and comparison and comparison.topic_version <= max(row.topic_version, row.store_version):
                service_state.accepted.add(name)
        return service_state

    def _describe(self, report: RecoveryReport, service: str, service_state: ServiceState, streams: int) -> None:
        kinds = report.streams[service]
        for name, comparison in service_state.comparisons.items():
            kinds[comparison.kind] += 1
            report.lost += [LostWrite(service, event) for event in _lost_of(comparison)]
            if comparison.kind is Kind.FORK:
                report.forks.append((service, name, comparison, name in service_state.accepted))
        report.blocked += [(service, name, comparison) for name, comparison in service_state.to_block().items()]
        missing = sum(comparison.store_version == 0 for comparison in service_state.comparisons.values())
        kinds[Kind.EQUAL] += streams + missing - len(service_state.comparisons)
        report.series += [(merchant, series, last) for (merchant, series), (last, _) in service_state.numbers.items()]

    async def _apply(self, report: RecoveryReport, name: str, adopting: bool) -> None:
        store, service_state, service = self._stores[name], self._states[name], service_of(name)
        connection = store.connection
        blocked, lost = [], []
        async with connection.transaction():
            for stream, comparison in service_state.to_block().items():
                left = comparison.lost
                if adopting and left and comparison.kind is Kind.TOPIC_AHEAD:
                    adopted = await adopt(connection, left)
                    report.lost += [LostWrite(service, event, adopted=True) for event in left[:adopted]]
                    left = left[adopted:]
                report.lost += [LostWrite(service, event) for event in left]
                report.lost += [LostWrite(service, fork.published) for fork in comparison.forks]
                if left or comparison.kind is Kind.FORK:
                    kind, store_version = comparison.kind.value, comparison.store_version
                    blocked.append(BlockedStream(*stream, kind, store_version, comparison.topic_version))
                    report.blocked.append((service, stream, comparison))
                    lost += [_lost_event(event) for event in left]
            await block(connection, blocked, lost)
            if name == "payments":
                await prepare_charges(connection)
            for (merchant, series), (last, latest) in service_state.numbers.items():
                await connection.execute(_RAISE_SERIES, merchant, series, last, latest)
        await self._send_around_forks(store, service_state)

    async def _send_around_forks(self, store: Store, service_state: ServiceState) -> None:
        """Send what the relay would send, without the events of which the topic knows the sequence under another id."""
        forked = {(name, fork.sequence) for name, each in service_state.comparisons.items() for fork in each.forks}
        withheld = [each for each in service_state.unsent if ((each.merchant_id, each.stream), each.version) in forked]
        if not any(each.event_id not in service_state.published for each in withheld):
            return
        ids = {each.event_id for each in withheld}
        others = [each for each in service_state.unsent if each.event_id not in ids]
        async with Publisher(self._servers.kafka) as publisher:
            await store.send(publisher, others, service_state.unsent[-1].position)


@asynccontextmanager
async def reconciliation(servers: Servers) -> AsyncIterator[Reconciliation]:
    """Raises StackError while a service runs, and if a server cannot be used."""
    async with AsyncExitStack() as closing:
        stores = await open_stores(servers, closing)
        log = await closing.enter_async_context(open_log(servers.kafka))
        yield Reconciliation(servers, stores, log)


_RAISE_SERIES = """
INSERT INTO series (merchant_id, name, last, last_issued_on) VALUES ($1::text::uuid, $2, $3, $4)
ON CONFLICT (merchant_id, name) DO UPDATE
SET last = greatest(series.last, excluded.last), last_issued_on = greatest(series.last_issued_on, excluded.last_issued_on)
"""


async def _forget_earlier_run(store: Store) -> None:
    """Streams that an operator has released stay as they are."""
    async with store.connection.transaction():
        await store.connection.execute("DELETE FROM events WHERE name = $1 AND schema = $2", LOST, UNDER_REVIEW)
        await store.connection.execute("DELETE FROM blocked_streams WHERE released_at IS NULL")
        await store.connection.execute("DROP TRIGGER IF EXISTS stream_blocked ON events")


def _note_number(service_state: ServiceState, event: TopicEvent) -> None:
    envelope = event.envelope
    if envelope.type not in (InvoiceIssued.TYPE, CreditNoteIssued.TYPE):
        return
    issued = data_of(envelope)
    assert isinstance(issued, InvoiceIssued | CreditNoteIssued)
    series, _, ordinal = issued.number.rpartition("-")
    last, latest = service_state.numbers.get((str(envelope.merchantid), series), (0, issued.issued_on))
    service_state.numbers[str(envelope.merchantid), series] = max(last, int(ordinal)), max(latest, issued.issued_on)


def _lost_of(comparison: Comparison) -> list[TopicEvent]:
    return [*comparison.lost, *(fork.published for fork in comparison.forks)]


def _lost_event(event: TopicEvent) -> LostEvent:
    envelope = event.envelope
    ids = envelope.id, envelope.causationid, envelope.customerid
    return LostEvent(envelope.merchantid, envelope.subject, envelope.sequence, *ids, event.message)
