"""The invariants and their checks."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from billing_contracts.customers import CustomerProfile
from portalctl.cards.search import holds_card
from verify.checks import (
    amounts,
    answers,
    cancellations,
    charges,
    confirmations,
    delivery,
    invoices,
    liveness,
    read_models,
    restores,
    streams,
)
from verify.recorded_state import RecordedState

Check = Callable[[RecordedState], Iterator[str]]


@dataclass(frozen=True)
class Invariant:
    id: str
    sentence: str
    check: Check


def card_numbers_nowhere(recorded: RecordedState) -> Iterator[str]:
    """No test card number in rows, records or logs; no card number in stored free text or in the latest profiles."""
    for database, snapshot in recorded.snapshots.items():
        yield from (f"{database}: {place}" for place in snapshot.leaks)
    yield from recorded.leaks
    latest = {record.key: record for record in recorded.records if record.topic == CustomerProfile.topic()}
    yield from (f"record {record.place}" for record in latest.values() if holds_card(record.value))


UNDER_REVIEW = Invariant("I18", "no stream is under review after a restore", restores.nothing_under_review)

INVARIANTS = (
    Invariant("I1", "every committed event reaches every consumer's effect exactly once", delivery.delivered),
    Invariant("I2", "at most one successful charge per invoice; the provider's ledger is ours", charges.charged_once),
    Invariant("I4", "invoice numbers per series are exactly 1..n, dates monotone", invoices.numbered),
    Invariant("I5", "an issued invoice never changes", invoices.unchanged),
    Invariant("I6", "total = sum of lines; paid - refunded <= total", amounts.add_up),
    Invariant("I7", "one invoice per subscription and period; periods contiguous", invoices.one_for_each_period),
    Invariant("I8", "nothing charged for a period after a cancellation took effect", cancellations.nothing_charged_afterwards),
    Invariant("I9", "an accepted cancellation holds", cancellations.accepted_cancellations_hold),
    Invariant("I10", "read model = fold of the events", read_models.projections_match),
    Invariant("I11", "stream versions gapless", streams.gapless),
    Invariant("I12", "card numbers nowhere", card_numbers_nowhere),
    Invariant("I15", "same idempotency key, same answer, one effect", answers.answered_once),
    Invariant("I16", "every saga is finished or waits for something", liveness.sagas_wait),
    Invariant("I17", "charges caused by a confirmation <= the total confirmed", confirmations.within_the_confirmed_total),
    UNDER_REVIEW,
)


def nothing(_: RecordedState) -> Iterator[str]:
    yield from ()


NOT_CHECKED: Mapping[Invariant, str] = {
    Invariant("I3", "no charge stays unknown without a timer", nothing): "I16 includes it",
    Invariant("I13", "no row crosses merchants", nothing): "a rule for the statements in the code, which tests of them enforce",
    Invariant("I14", "a revoked or expired link or session yields nothing", nothing): "about answers to requests, not about data",
}
"""Invariants that tables and topics cannot show, or that another check includes -> the reason."""


@dataclass(frozen=True)
class Verdict:
    invariant: Invariant
    differences: list[str]
    not_checked: str = ""
    """The reason if it was not checked."""

    @property
    def holds(self) -> bool:
        return not self.differences


def judge(recorded: RecordedState) -> list[Verdict]:
    """The verdicts in the order of their numbers. An invariant that cannot be judged does not hold."""
    judged = [Verdict(invariant, _differences(invariant, recorded)) for invariant in INVARIANTS]
    others = [Verdict(invariant, [], why) for invariant, why in NOT_CHECKED.items()]
    return sorted([*judged, *others], key=lambda verdict: int(verdict.invariant.id.removeprefix("I")))


def _differences(invariant: Invariant, recorded: RecordedState) -> list[str]:
    differences: list[str] = []
    try:
        lines = invariant.check(recorded)
        differences.extend(lines if invariant is UNDER_REVIEW else restores.unexplained(recorded, lines))
    except Exception as error:
        differences.append(f"cannot be judged: {type(error).__name__}: {error}")
    return differences
