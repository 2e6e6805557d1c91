"""In every cancellable state, button, dialog, result and pane show the same access date, which the rules decide; no text
promises access until a date that has passed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import product
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import pytest
from unit.subscriptions.examples import ANA, INVOICE, PREMIUM, RULES, ZONE, day

from billing_contracts.envelope import Envelope
from billing_contracts.subscriptions import Status
from portal_gateway.application.customer_view import Source, Sources, compose
from portal_gateway.application.presentation.cancellation import facts, result
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.details import badge, details
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.presentation.notice import notice
from portal_gateway.application.projections import FOLDS
from portal_gateway.application.results import CancellationPreview
from portal_gateway.application.view import View
from portal_gateway.domain.instants import rfc3339
from portal_gateway.domain.view import InvoiceRow
from presentation.languages import Language
from subscriptions.application.publication import announce_subscription
from subscriptions.domain.dunning import CancelMode, OpenInvoices, Policies, WhenRetriesEnd
from subscriptions.domain.plan.terms import Money
from subscriptions.domain.preview import preview
from subscriptions.domain.subscription.commands import (
    Cancel,
    Command,
    GiveUp,
    ReachBoundary,
    RecordFailure,
    RecordPaid,
    Retry,
    Start,
)
from subscriptions.domain.subscription.events import Event
from subscriptions.domain.subscription.subscription import Subscription as Rules
from subscriptions.domain.subscription.subscription import timers
from support.portal_page import scenes

SUBSCRIPTION = UUID(scenes.PREMIUM)
PRICE = Money(2999, "USD")
STARTED_AT = day(5)
OPEN_INVOICES: tuple[OpenInvoices, ...] = ("void", "keep")
AUCKLAND = "Pacific/Auckland"
"""The merchant's current zone; the subscription started in Mexico City."""


@dataclass
class Life:
    """A subscription by the rules, and the page's facts about it."""

    policies: Policies
    events: tuple[Event, ...] = ()

    def give(self, command: Command) -> list[Event]:
        events = RULES.decide(command, RULES.fold(self.events))
        self.events = (*self.events, *events)
        return events

    @property
    def state(self) -> Rules:
        state = RULES.fold(self.events)
        assert state is not None
        return state

    def begin(self) -> "Life":
        self.give(Start(ANA, 1, PREMIUM, 1, ZONE, STARTED_AT, STARTED_AT))
        return self

    def pay(self, at: datetime) -> "Life":
        self.give(RecordPaid(self.state.period, INVOICE, at))
        return self

    def fail(self, at: datetime, *, retryable: bool = True) -> "Life":
        attempt = self.state.debt.failed_attempts + 1 if self.state.debt else 1
        period = self.state.period
        self.give(RecordFailure(period, INVOICE, PRICE, "card_declined", retryable, attempt, self.policies, at))
        return self

    def enter(self) -> "Life":
        self.give(ReachBoundary(1, self.state.period.end))
        return self

    def retries_fail(self) -> "Life":
        """Retry until the last attempt."""
        for _ in range(20):
            due = timers(self.state)
            if "retry" in due:
                self.give(Retry(due["retry"]))
                self.fail(due["retry"])
            elif "give_up" in due:
                self.give(GiveUp(due["give_up"]))
            else:
                break
        return self

    def cancel(self, mode: CancelMode, at: datetime) -> list[Event]:
        return self.give(self.command(mode, at))

    def command(self, mode: CancelMode, at: datetime) -> Cancel:
        return Cancel(mode, "customer", self.policies.unpaid_renewal_on_cancel, at)

    def preview(self, mode: CancelMode, at: datetime) -> CancellationPreview:
        shown = preview(self.command(mode, at), self.state, PRICE)
        amount: Any = {"amount_minor": shown.open_amount.amount_minor, "currency": "USD"} if shown.open_amount else None
        return {
            "mode": shown.mode,
            "effective_at": rfc3339(shown.effective_at),
            "access_until": rfc3339(shown.access_until),
            "open_amount": amount,
            "open_invoices": shown.open_invoices,
            "paid_until": rfc3339(shown.paid_until) if shown.paid_until else None,
        }

    def view(self, now: datetime) -> View:
        """The facts, folded from the public events."""
        state: Rules | None = None
        doc: dict[str, Any] | None = None
        types, fold = FOLDS["subscription"]
        for sequence, event in enumerate(self.events, 1):
            state = RULES.evolve(state, event)
            announced = announce_subscription(event, state)
            envelope = Envelope(
                id=uuid5(SUBSCRIPTION, str(sequence)),
                source="/billing/subscriptions",
                type=announced.data.TYPE,
                subject=f"subscription-{SUBSCRIPTION}",
                time=announced.time,
                recordedtime=announced.time,
                sequence=sequence,
                merchantid=scenes.MERCHANT,
                customerid=scenes.CUSTOMER,
                correlationid=SUBSCRIPTION,
                data=announced.data.model_dump(mode="json"),
            )
            assert envelope.type in types
            doc = fold(doc, envelope)
        assert doc is not None
        composed = compose(
            scenes.CUSTOMER, Sources(subscriptions=[Source(f"subscription-{SUBSCRIPTION}", len(self.events), doc)])
        )
        return scenes.view(
            *composed["subscriptions"], merchant=scenes.merchant(time_zone=AUCKLAND), now=now, invoices=[self.invoice()]
        )

    def invoice(self) -> InvoiceRow:
        state = self.state
        status: Any = "paid" if state.paid else "failed" if state.debt and not state.debt.trying else "processing"
        if state.ended and not state.paid and state.ended.open_invoices == "void":
            status = "void"
        period: Any = {"start": rfc3339(state.period.start), "end": rfc3339(state.period.end)}
        return scenes.invoice(14, status, subscription_id=str(SUBSCRIPTION), period=period)


def lives() -> Iterator[tuple[str, Life, list[datetime]]]:
    """Every cancellable state under every policy, at several instants."""
    policies = [
        Policies(unpaid_renewal_on_cancel=unpaid, retry_days=days, when_retries_end=then)
        for unpaid, days, then in product(OPEN_INVOICES, ((), (1,), (1, 20, 45)), WhenRetriesEnd)
    ]
    hour = timedelta(hours=1)
    for number, policy in enumerate(policies):

        def life(policy: Policies = policy) -> Life:
            return Life(policy).begin()

        stories = {
            "incomplete": (life(), [STARTED_AT + hour, day(6) - hour]),
            "incomplete, failed": (life().fail(STARTED_AT), [STARTED_AT + hour, day(6), day(7)]),
            "incomplete, given up": (life().fail(STARTED_AT).retries_fail(), [day(5, of=16), day(7), day(9)]),
            "active": (life().pay(STARTED_AT), [day(5, of=20), day(6) - hour, day(6)]),
            "active, its renewal is being charged": (life().pay(STARTED_AT).enter(), [day(6) + hour, day(7) - hour, day(7)]),
            "past due": (life().pay(STARTED_AT).enter().fail(day(6)), [day(6) + hour, day(6, of=16), day(9)]),
            "past due, only a new card helps": (
                life().pay(STARTED_AT).enter().fail(day(6), retryable=False),
                [day(6) + hour, day(9)],
            ),
            "unpaid": (life().pay(STARTED_AT).enter().fail(day(6)).retries_fail(), [day(6, of=16), day(7, of=20), day(9)]),
            "scheduled": (cancelled(life().pay(STARTED_AT)), [day(5, of=20), day(6) - hour, day(6), day(6, of=16)]),
            "scheduled, its charge runs": (cancelled(life()), [day(5, of=20), day(6) - hour]),
        }
        for name, (it, instants) in stories.items():
            last = max(event.at for event in it.events)
            yield f"{name} under policy {number}", it, [instant for instant in instants if instant >= last]


def cancelled(life: Life) -> Life:
    life.cancel("at_period_end", day(5, of=15))
    return life


CASES = [
    pytest.param(life, now, id=f"{name}, {now:%d %B %H:%M}")
    for name, life, instants in lives()
    for now in instants
    if life.state.ended is None
]
MODES: tuple[CancelMode, ...] = ("at_period_end", "immediately")
PROMISES = {
    "es": r"(?:acceso hasta el|Acceso hasta:|el acceso hasta el|Puedes mantenerla hasta el) (\d+ de [a-z]+(?: de \d{4})?)",
    "en": r"(?:access until|Access until:|keep it until) ([A-Z][a-z]+ \d+(?:, \d{4})?)",
}


@pytest.mark.parametrize(("life", "now"), CASES)
def test_cancelling_shows_the_same_date_everywhere(life: Life, now: datetime) -> None:
    before, after = life.view(now), {}
    for mode in MODES:
        changed = Life(life.policies, life.events)
        changed.cancel(mode, now)
        after[mode] = changed, changed.view(now)
    for code in PROMISES:
        shows_the_same_date(life, before, after, now, catalogues().language(code))


def shows_the_same_date(
    life: Life, before: View, after: dict[CancelMode, tuple[Life, View]], now: datetime, language: Language
) -> None:
    it = before.facts["subscriptions"][0]
    assert it["status"] in set(Status) - {Status.CANCELED, Status.INCOMPLETE_EXPIRED}
    shown = details(Reader.of(before, language), it, before)
    promises_hold(language, now, pane(before, language))
    ending = life.state.ending
    assert bool(shown.cancel) is (ending is None)
    assert bool(shown.end_now) is (ending is not None and ending.effective_at > now)
    for mode in MODES:
        dialog = facts(Reader.of(before, language), life.preview(mode, now), it)
        changed, view = after[mode]
        assert changed.state.access_until <= life.state.access_until, "cancelling gives no access back that had ended"
        outcome(changed, view, now, language, {fact.name: fact.value for fact in dialog})


def outcome(changed: Life, view: View, now: datetime, language: Language, dialog: dict[str, str]) -> None:
    """The dialog showed the decision, and the page shows the same afterwards."""
    decided = changed.state
    reader, it = Reader.of(view, language), view.facts["subscriptions"][0]
    done, shown = result(reader, it, view, len(changed.events)), details(reader, it, view)
    assert done is not None
    texts = [f"{name}: {value}" for name, value in dialog.items()] + [done.says, done.mind or "", *pane(view, language)]
    promises_hold(language, now, texts)
    access, over = written(language, decided.access_until), decided.ended
    ends = {"es": ("Termina", "Hoy mismo", "Acceso", "Acceso hasta"), "en": ("Ends", "Immediately", "Access", "Access until")}
    ends_name, today, access_name, until_name = ends[language.code]
    if over is None and decided.access_until > now:
        assert dialog[until_name].startswith(access)
        assert ends_name not in dialog
        assert access in done.says
        assert access in shown.says
    else:
        assert until_name not in dialog
        assert written(language, over.effective_at if over else decided.access_until) in done.says
        assert (dialog.get(ends_name) == today) is (over is not None)
        if over is None or local(decided.access_until) < local(over.effective_at):
            assert dialog[access_name] == language.say("Ended on %(day)s", day=access)
            assert access in done.says
            assert access in shown.says


def promises_hold(language: Language, now: datetime, texts: list[str]) -> None:
    """A promised access date has not passed in the subscription's zone."""
    for text in texts:
        for promise in re.findall(PROMISES[language.code], text):
            assert days_of(language)[promise] >= local(now), text


@cache
def days_of(language: Language) -> dict[str, date]:
    """The days of the scenarios, with and without year."""
    days = [date(2023, 1, 1) + timedelta(days=number) for number in range(365)]
    return {written: on for on in days for written in (language.day(on), language.day_and_month(on))}


def pane(view: View, language: Language) -> list[str]:
    reader, it = Reader.of(view, language), view.facts["subscriptions"][0]
    owed = notice(reader, it, view)
    return [details(reader, it, view).says, badge(reader, it, view).text, *([owed.lead, owed.rest] if owed else [])]


def written(language: Language, instant: datetime) -> str:
    return language.day(local(instant))


def local(instant: datetime) -> date:
    """The subscription's zone."""
    return instant.astimezone(ZoneInfo(ZONE)).date()
