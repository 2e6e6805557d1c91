"""The report of a reconciliation, as JSON and for people."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from portalctl.recovery.classification import Comparison, Kind, Name, TopicEvent

_SHOWN_MAX = 50


@dataclass(frozen=True)
class LostWrite:
    """A public event that the restored store lost."""

    service: str
    event: TopicEvent
    adopted: bool = False
    """Whether the store took it over from the topic."""

    def document(self) -> dict[str, Any]:
        envelope = self.event.envelope
        amount = amount_of(envelope.data)
        return {
            "service": self.service,
            "merchant_id": str(envelope.merchantid),
            "stream": envelope.subject,
            "sequence": envelope.sequence,
            "event_id": str(envelope.id),
            "type": envelope.type,
            "customer_id": str(envelope.customerid) if envelope.customerid else None,
            "time": envelope.time.isoformat(),
            "recorded_at": envelope.recordedtime.isoformat(),
            "amount_minor": amount[0] if amount else None,
            "currency": amount[1] if amount else None,
            "record": self.event.place,
            "adopted": self.adopted,
        }


@dataclass
class RecoveryReport:
    streams: dict[str, Counter[Kind]] = field(default_factory=lambda: defaultdict(Counter))
    """By service."""
    lost: list[LostWrite] = field(default_factory=list)
    forks: list[tuple[str, Name, Comparison, bool]] = field(default_factory=list)
    """(service, stream, comparison, whether an operator accepted it)"""
    blocked: list[tuple[str, Name, Comparison]] = field(default_factory=list)
    series: list[tuple[str, str, int]] = field(default_factory=list)
    """(merchant, series, last number on the topic)"""
    profiles: int = 0
    erased: list[tuple[str, str]] = field(default_factory=list)
    """(merchant, customer)"""
    vanished: list[tuple[str, str]] = field(default_factory=list)
    charges_to_check: int = 0
    applied: bool = False
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def open_forks(self) -> int:
        return sum(not accepted for *_, accepted in self.forks)

    @property
    def clean(self) -> bool:
        return not self.open_forks and not self.vanished

    def document(self) -> dict[str, Any]:
        return {
            "made_at": self.made_at.isoformat(),
            "clean": self.clean,
            "applied": self.applied,
            "streams": {name: {kind.value: kinds[kind] for kind in Kind} for name, kinds in self.streams.items()},
            "lost_writes": [each.document() for each in self.lost],
            "lost_amounts": lost_amounts(self.lost),
            "blocked_streams": [
                {
                    "service": service,
                    "merchant_id": str(name[0]),
                    "stream": name[1],
                    "kind": comparison.kind.value,
                    "store_version": comparison.store_version,
                    "topic_version": comparison.topic_version,
                }
                for service, name, comparison in self.blocked
            ],
            "forks": [
                {
                    "service": service,
                    "merchant_id": str(name[0]),
                    "stream": name[1],
                    "accepted": accepted,
                    "events": [
                        {
                            "sequence": fork.sequence,
                            "stored_event_id": str(fork.stored),
                            "published_event_id": str(fork.published.envelope.id),
                            "published_type": fork.published.envelope.type,
                        }
                        for fork in comparison.forks
                    ],
                }
                for service, name, comparison, accepted in self.forks
            ],
            "invoice_series": [{"merchant_id": m, "series": s, "last_on_topic": last} for m, s, last in self.series],
            "profiles_taken_over": self.profiles,
            "erased_again": [{"merchant_id": m, "customer_id": c} for m, c in self.erased],
            "customers_without_record": [{"merchant_id": m, "customer_id": c} for m, c in self.vanished],
            "charges_to_check_with_the_provider": self.charges_to_check,
        }

    def lines(self, most: int = _SHOWN_MAX) -> Iterator[str]:
        for service, kinds in self.streams.items():
            yield f"{service}: " + ", ".join(f"{kinds[kind]} {kind.value}" for kind in Kind)
        for each in self.lost[:most]:
            it = each.document()
            amount = f"  {it['amount_minor']} {it['currency']} (minor units)" if it["currency"] else ""
            suffix = "  adopted" if each.adopted else ""
            yield f"lost: {it['stream']} {it['sequence']}  {it['type'].split('.')[2]}  {it['time']}{amount}{suffix}"
        if len(self.lost) > most:
            yield f"… and {len(self.lost) - most} more lost writes; the report file lists all"
        for kind, amounts in lost_amounts(self.lost).items():
            yield f"lost {kind}: " + ", ".join(f"{minor} {currency}" for currency, minor in amounts.items()) + " (minor units)"
        for service, (merchant, stream), comparison in self.blocked[:most]:
            yield f"blocked: {service} {stream} of merchant {merchant} ({comparison.kind.value})"
        for service, (merchant, stream), _, accepted in self.forks:
            state = (
                "accepted" if accepted else f"accept it with: portalctl blocked release {service} {stream} --merchant {merchant}"
            )
            yield f"fork: {stream}: {state}"
        for owner, series, number in self.series:
            yield f"invoice series {series} of merchant {owner} continues after {number}"
        yield f"{self.profiles} customers' profiles taken over from the topic, {len(self.erased)} erasures applied again"
        for owner, customer in self.vanished[:most]:
            yield f"customer {customer} of merchant {owner} has no record on the topic: erased? see --erase-vanished"
        if self.charges_to_check:
            yield f"{self.charges_to_check} open charges: their outcome is requested from the provider before any new attempt"


def amount_of(data: dict[str, Any]) -> tuple[int, str] | None:
    """The amount of a public event's data."""
    for name in ("total", "amount"):
        match data.get(name):
            case {"amount_minor": int(minor), "currency": str(currency)}:
                return minor, currency
    return None


def lost_amounts(lost: list[LostWrite]) -> dict[str, dict[str, int]]:
    """Event name -> currency -> sum of the lost amounts in minor units, without adopted events."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for each in lost:
        if not each.adopted and (amount := amount_of(each.event.envelope.data)):
            sums[each.event.envelope.type.split(".")[2]][amount[1]] += amount[0]
    return {name: dict(amounts) for name, amounts in sums.items()}
