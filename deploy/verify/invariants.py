"""The invariants and their checks."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field
from functools import partial

from billing_contracts.customers import CustomerProfile
from portalctl.cards.search import holds_card
from verify.checks import (
    amounts,
    answers,
    cancellations,
    charges,
    confirmations,
    delivery,
    disputes,
    invoices,
    liveness,
    read_models,
    refunds,
    restores,
    streams,
)
from verify.recorded_state import RecordedState

Check = Callable[[RecordedState], Iterator[str]]
_DIFFERENCES_MAX = 10_000
"""Differences of one invariant that are kept; the others are only counted."""


@dataclass(frozen=True)
class Invariant:
    id: str
    sentence: str
    check: Check
    """Relates data of one part only."""


def card_numbers_nowhere(recorded: RecordedState) -> Iterator[str]:
    """No test card number in rows, records or logs; no card number in stored free text or in the latest profiles."""
    for database, snapshot in recorded.snapshots.items():
        yield from (f"{database}: {place}" for place in snapshot.leaks)
    yield from recorded.leaks
    latest = {record.key: record for record in recorded.records if record.topic == CustomerProfile.topic()}
    yield from (f"record {record.place}" for record in latest.values() if holds_card(record.value))


def charged_and_refunded_once(recorded: RecordedState) -> Iterator[str]:
    yield from charges.charged_once(recorded)
    yield from refunds.refunds_agree(recorded)
    yield from disputes.disputes_agree(recorded)


def nothing(_: RecordedState) -> Iterator[str]:
    yield from ()


NUMBERED = Invariant("I4", "invoice numbers per series are exactly 1..n, dates monotone", nothing)
"""Relates invoices of all customers: the parts yield the entries of their series, which are checked at the end."""
UNDER_REVIEW = Invariant("I18", "no stream is under review after a restore", restores.nothing_under_review)

INVARIANTS = (
    Invariant("I1", "every committed event reaches every consumer's effect exactly once", delivery.delivered),
    Invariant("I2", "at most one successful charge per invoice; the provider's ledger is ours", charged_and_refunded_once),
    NUMBERED,
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
    more: int = 0
    """Further differences, beyond the limit."""

    @property
    def holds(self) -> bool:
        return not self.differences


@dataclass
class Judgement:
    """The differences of the parts of a system so far."""

    _differences: dict[str, dict[str, None]] = field(default_factory=lambda: {each.id: {} for each in INVARIANTS})
    _more: dict[str, int] = field(default_factory=lambda: dict.fromkeys((each.id for each in INVARIANTS), 0))

    def __post_init__(self) -> None:
        self._series = sqlite3.connect("", isolation_level=None)
        """Entries of all parts, in a temporary file when they are many."""
        self._series.executescript(
            """
            PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
            CREATE TABLE entry (merchant_id, series, is_invoice, ordinal, issued_on, number);
            BEGIN;
            """
        )

    def add(self, part: RecordedState) -> None:
        lost = restores.ids_with_a_loss(part)
        for invariant in INVARIANTS:
            explained = frozenset() if invariant is UNDER_REVIEW else lost
            self._note(invariant.id, partial(invariant.check, part), explained)
        self._note(NUMBERED.id, partial(self._store, part))

    def verdicts(self) -> list[Verdict]:
        """In the order of their numbers. An invariant that cannot be judged does not hold."""
        self._note(NUMBERED.id, lambda: invoices.numbered(self._entries()))
        judged = [Verdict(each, list(self._differences[each.id]), more=self._more[each.id]) for each in INVARIANTS]
        others = [Verdict(invariant, [], why) for invariant, why in NOT_CHECKED.items()]
        self._series.close()
        return sorted([*judged, *others], key=lambda verdict: int(verdict.invariant.id.removeprefix("I")))

    def _note(self, id: str, check: Callable[[], Iterable[str]], explained: frozenset[str] = frozenset()) -> None:
        """`explained`: ids of aggregates, the differences of which I18 reports."""
        differences = self._differences[id]
        try:
            for difference in restores.unexplained(check(), explained):
                if len(differences) < _DIFFERENCES_MAX:
                    differences[difference] = None
                else:
                    self._more[id] += difference not in differences
        except Exception as error:
            differences[f"cannot be judged: {type(error).__name__}: {error}"] = None

    def _store(self, part: RecordedState) -> Iterable[str]:
        rows = [astuple(entry) for entry in invoices.series_entries(part)]
        self._series.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?)", rows)
        return ()

    def _entries(self) -> Iterator[invoices.SeriesEntry]:
        for row in self._series.execute("SELECT * FROM entry ORDER BY 1, 2, 3, 4, 5, 6"):
            yield invoices.SeriesEntry(*row)


def judge(recorded: RecordedState) -> list[Verdict]:
    """The verdicts on a whole system in memory."""
    judgement = Judgement()
    judgement.add(recorded)
    return judgement.verdicts()
