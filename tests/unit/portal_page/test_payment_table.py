"""Table in both languages: the effect of a payment stated before it, the effect by the rules, and the one stated after it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from unit.portal_page.payment_states import Paid, State, facts_of, invoice_of, pay, status_of
from unit.subscriptions.examples import ACTIVE, ENTERED_JUNE, FAILED, INVOICE, JULY, JUNE, MAY, MAY_DUE, POLICIES, STARTED, day

from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.presentation.settlement import after, before
from portal_gateway.domain.settlement import settling
from subscriptions.domain.dunning import Policies, WhenRetriesEnd
from subscriptions.domain.period import Interval
from subscriptions.domain.plan.terms import Money
from subscriptions.domain.settlement import preview_settlement
from subscriptions.domain.subscription.commands import Cancel, GiveUp, RecordFailure, Retry
from support.portal_page import scenes

LENIENT = Policies(retry_days=(1,), when_retries_end=WhenRetriesEnd.UNPAID)
LONG = Policies(retry_days=(1, 20, 45))
KEEPING = Policies(retry_days=(1,), unpaid_renewal_on_cancel="keep")


def entered() -> State:
    """June has begun and is being charged."""
    return State(ENTERED_JUNE)


def past_due(policies: Policies = POLICIES) -> State:
    return entered().after(replace(FAILED, policies=policies))


def unpaid() -> State:
    """The retries ended on 15 June; the subscription stays unpaid."""
    return past_due(LENIENT).after(Retry(day(6, 15)), replace(FAILED, attempt=2, at=day(6, 15), policies=LENIENT))


def incomplete(policies: Policies = POLICIES) -> State:
    """The first period, May, could not be charged."""
    failed = RecordFailure(MAY, INVOICE, Money(2999, "USD"), "no_payment_method", False, 1, policies, day(5))
    return State((STARTED, MAY_DUE)).after(failed)


def never_paid_and_given_up() -> State:
    return incomplete(LENIENT).after(GiveUp(day(5, 15)))


def ending() -> State:
    """Cancelled for 14 July while June was being charged."""
    return entered().after(Cancel("at_period_end", "customer", "void", day(6, 20)))


def ended_owing() -> State:
    """Cancelled on 20 June while past due; the merchant keeps what is unpaid."""
    return past_due(KEEPING).after(Cancel("immediately", "customer", "keep", day(6, 20)))


def given_up_owing() -> State:
    """The retries ended on 15 June; the merchant ends it and keeps what is unpaid."""
    return past_due(KEEPING).after(Retry(day(6, 15)), replace(FAILED, attempt=2, at=day(6, 15), policies=KEEPING))


def daily() -> State:
    """A plan of one day: 14 June could not be charged."""
    started = replace(STARTED, plan=replace(STARTED.plan, interval=Interval("day")), period=replace(JUNE, end=day(6, 15)))
    due = replace(MAY_DUE, period=started.period, at=day(6))
    return State((started, due)).after(replace(FAILED, period=started.period))


@dataclass(frozen=True)
class Row:
    state: State
    at: datetime
    status: str
    english: str
    spanish: str
    english_after: str
    spanish_after: str


JUNE_ES, JUNE_EN = "14 de junio – 13 de julio", "June 14 – July 13"
MAY_ES, MAY_EN = "14 de mayo – 13 de junio", "May 14 – June 13"
DEBT_EN, DEBT_ES = (
    f"This payment covers the amount due for {JUNE_EN}.",
    f"Este pago cubre el importe pendiente del período {JUNE_ES}.",
)
OF_JUNE_EN, OF_JUNE_ES = f"This payment is for {JUNE_EN}.", f"Este pago corresponde al período {JUNE_ES}."
DONE_EN, DONE_ES = (
    f"This payment covered the amount due for {JUNE_EN}.",
    f"Este pago cubrió el importe pendiente del período {JUNE_ES}.",
)
MAY_DONE_EN = f"This payment covered the amount due for {MAY_EN}."
MAY_DONE_ES = f"Este pago cubrió el importe pendiente del período {MAY_ES}."
SINCE_EN = f"This payment covers the amount due for {JUNE_EN} and for the periods that have started since."
SINCE_ES = f"Este pago cubre el importe pendiente del período {JUNE_ES} y de los que empezaron después."
MAY_DEBT_EN = f"This payment covers the amount due for {MAY_EN}."
MAY_DEBT_ES = f"Este pago cubre el importe pendiente del período {MAY_ES}."
ACTIVE_TO_JULY = "Your subscription is active and renews on July 14.", "Tu suscripción está activa y se renueva el 14 de julio."
ACTIVE_TO_AUGUST = (
    "Your subscription is active and renews on August 14.",
    "Tu suscripción está activa y se renueva el 14 de agosto.",
)

ROWS = {
    "incomplete, within its period": Row(
        incomplete(),
        day(5, 20),
        "incomplete",
        f"{MAY_DEBT_EN} Your subscription becomes active and renews on June 14.",
        f"{MAY_DEBT_ES} Tu suscripción queda activa y se renueva el 14 de junio.",
        f"{MAY_DONE_EN} Your subscription is active and renews on June 14.",
        f"{MAY_DONE_ES} Tu suscripción está activa y se renueva el 14 de junio.",
    ),
    "incomplete, after its period": Row(
        incomplete(Policies(retry_days=(60,))),
        day(6, 20),
        "incomplete",
        f"This payment covers the amount due for {MAY_EN} and for the periods that have started since. "
        "Your subscription becomes active.",
        f"Este pago cubre el importe pendiente del período {MAY_ES} y de los que empezaron después. Tu suscripción queda activa.",
        f"{MAY_DONE_EN} {ACTIVE_TO_JULY[0]}",
        f"{MAY_DONE_ES} {ACTIVE_TO_JULY[1]}",
    ),
    "never paid and given up, within its period": Row(
        never_paid_and_given_up(),
        day(5, 20),
        "unpaid",
        f"{MAY_DEBT_EN} You get your access back and your subscription renews on June 14.",
        f"{MAY_DEBT_ES} Recuperas el acceso y tu suscripción se renueva el 14 de junio.",
        f"{MAY_DONE_EN} Your subscription is active and renews on June 14.",
        f"{MAY_DONE_ES} Tu suscripción está activa y se renueva el 14 de junio.",
    ),
    "never paid and given up, after its period": Row(
        never_paid_and_given_up(),
        day(6, 20),
        "unpaid",
        f"{MAY_DEBT_EN} Your access ended on May 15; paying doesn't restart the subscription.",
        f"{MAY_DEBT_ES} Tu acceso terminó el 15 de mayo; pagar no reactiva la suscripción.",
        f"{MAY_DONE_EN} Your access ended on May 15; the subscription wasn't restarted.",
        f"{MAY_DONE_ES} Tu acceso terminó el 15 de mayo; la suscripción no se reactivó.",
    ),
    "active, its invoice still open": Row(
        entered(),
        day(6, 20),
        "active",
        f"{OF_JUNE_EN} Your subscription continues and renews on July 14.",
        f"{OF_JUNE_ES} Tu suscripción continúa y se renueva el 14 de julio.",
        f"{DONE_EN} {ACTIVE_TO_JULY[0]}",
        f"{DONE_ES} {ACTIVE_TO_JULY[1]}",
    ),
    "active, its invoice still open after the period": Row(
        entered(),
        day(7, 20),
        "active",
        f"{SINCE_EN} Your subscription continues.",
        f"{SINCE_ES} Tu suscripción continúa.",
        f"{DONE_EN} {ACTIVE_TO_AUGUST[0]}",
        f"{DONE_ES} {ACTIVE_TO_AUGUST[1]}",
    ),
    "past due, before access ends": Row(
        past_due(),
        day(6, 16),
        "past_due",
        f"{DEBT_EN} Your subscription continues and renews on July 14.",
        f"{DEBT_ES} Tu suscripción continúa y se renueva el 14 de julio.",
        f"{DONE_EN} {ACTIVE_TO_JULY[0]}",
        f"{DONE_ES} {ACTIVE_TO_JULY[1]}",
    ),
    "past due, while the last retry runs after access ended": Row(
        past_due(LENIENT).after(Retry(day(6, 15))),
        day(6, 16),
        "past_due",
        f"{DEBT_EN} You get your access back and your subscription renews on July 14.",
        f"{DEBT_ES} Recuperas el acceso y tu suscripción se renueva el 14 de julio.",
        f"{DONE_EN} {ACTIVE_TO_JULY[0]}",
        f"{DONE_ES} {ACTIVE_TO_JULY[1]}",
    ),
    "past due, while the last retry runs after the period": Row(
        past_due(LENIENT).after(Retry(day(6, 15))),
        day(7, 20),
        "past_due",
        f"{SINCE_EN} You get your access back and your subscription continues.",
        f"{SINCE_ES} Recuperas el acceso y tu suscripción continúa.",
        f"{DONE_EN} {ACTIVE_TO_AUGUST[0]}",
        f"{DONE_ES} {ACTIVE_TO_AUGUST[1]}",
    ),
    "past due, after the period and before access ends": Row(
        past_due(LONG),
        day(7, 20),
        "past_due",
        f"{SINCE_EN} Your subscription continues.",
        f"{SINCE_ES} Tu suscripción continúa.",
        f"{DONE_EN} {ACTIVE_TO_AUGUST[0]}",
        f"{DONE_ES} {ACTIVE_TO_AUGUST[1]}",
    ),
    "past due, at the instant its period ends": Row(
        past_due(LONG),
        JUNE.end,
        "past_due",
        f"{SINCE_EN} Your subscription continues.",
        f"{SINCE_ES} Tu suscripción continúa.",
        f"{DONE_EN} {ACTIVE_TO_AUGUST[0]}",
        f"{DONE_ES} {ACTIVE_TO_AUGUST[1]}",
    ),
    "unpaid, within its period": Row(
        unpaid(),
        day(6, 20),
        "unpaid",
        f"{DEBT_EN} You get your access back and your subscription renews on July 14.",
        f"{DEBT_ES} Recuperas el acceso y tu suscripción se renueva el 14 de julio.",
        f"{DONE_EN} {ACTIVE_TO_JULY[0]}",
        f"{DONE_ES} {ACTIVE_TO_JULY[1]}",
    ),
    "unpaid, an instant before its period ends": Row(
        unpaid(),
        JUNE.end - timedelta(microseconds=1),
        "unpaid",
        f"{DEBT_EN} You get your access back and your subscription renews on July 14.",
        f"{DEBT_ES} Recuperas el acceso y tu suscripción se renueva el 14 de julio.",
        f"{DONE_EN} {ACTIVE_TO_JULY[0]}",
        f"{DONE_ES} {ACTIVE_TO_JULY[1]}",
    ),
    "unpaid, after its period": Row(
        unpaid(),
        day(7, 20),
        "unpaid",
        f"{DEBT_EN} Your access ended on June 15; paying doesn't restart the subscription.",
        f"{DEBT_ES} Tu acceso terminó el 15 de junio; pagar no reactiva la suscripción.",
        f"{DONE_EN} Your access ended on June 15; the subscription wasn't restarted.",
        f"{DONE_ES} Tu acceso terminó el 15 de junio; la suscripción no se reactivó.",
    ),
    "a cancellation scheduled, within the period": Row(
        ending(),
        day(6, 25),
        "active",
        f"{OF_JUNE_EN} Your subscription still ends on July 14.",
        f"{OF_JUNE_ES} Tu suscripción termina de todos modos el 14 de julio.",
        f"{DONE_EN} Your subscription still ends on July 14.",
        f"{DONE_ES} Tu suscripción termina de todos modos el 14 de julio.",
    ),
    "a cancellation scheduled, after the period": Row(
        ending(),
        day(7, 20),
        "active",
        f"{OF_JUNE_EN} Your subscription ended on July 14; paying doesn't restart it.",
        f"{OF_JUNE_ES} Tu suscripción terminó el 14 de julio; pagar no la reactiva.",
        f"{DONE_EN} Your subscription ended on July 14 and wasn't restarted.",
        f"{DONE_ES} Tu suscripción terminó el 14 de julio y no se reactivó.",
    ),
    "ended by the customer, its debt kept": Row(
        ended_owing(),
        day(6, 25),
        "canceled",
        f"{DEBT_EN} Your access ended on June 15; paying doesn't restart the subscription.",
        f"{DEBT_ES} Tu acceso terminó el 15 de junio; pagar no reactiva la suscripción.",
        f"{DONE_EN} Your access ended on June 15; the subscription wasn't restarted.",
        f"{DONE_ES} Tu acceso terminó el 15 de junio; la suscripción no se reactivó.",
    ),
    "ended by the customer, its debt kept, after the period": Row(
        ended_owing(),
        day(7, 20),
        "canceled",
        f"{DEBT_EN} Your access ended on June 15; paying doesn't restart the subscription.",
        f"{DEBT_ES} Tu acceso terminó el 15 de junio; pagar no reactiva la suscripción.",
        f"{DONE_EN} Your access ended on June 15; the subscription wasn't restarted.",
        f"{DONE_ES} Tu acceso terminó el 15 de junio; la suscripción no se reactivó.",
    ),
    "ended when the retries did, its debt kept": Row(
        given_up_owing(),
        day(7, 20),
        "canceled",
        f"{DEBT_EN} Your subscription ended on June 15; paying doesn't restart it.",
        f"{DEBT_ES} Tu suscripción terminó el 15 de junio; pagar no la reactiva.",
        f"{DONE_EN} Your subscription ended on June 15 and wasn't restarted.",
        f"{DONE_ES} Tu suscripción terminó el 15 de junio y no se reactivó.",
    ),
    "a plan of one day, five days later": Row(
        daily(),
        day(6, 19, 12),
        "incomplete",
        "This payment covers the amount due for June 14 and for the periods that have started since. Your "
        "subscription becomes active.",
        "Este pago cubre el importe pendiente del período 14 de junio y de los que empezaron después. Tu "
        "suscripción queda activa.",
        "This payment covered the amount due for June 14. Your subscription is active and renews on June 20.",
        "Este pago cubrió el importe pendiente del período 14 de junio. Tu suscripción está activa y se renueva el 20 de junio.",
    ),
}


def reader(at: datetime, code: str) -> Reader:
    return Reader.of(scenes.view(now=at), catalogues().language(code))


@pytest.mark.parametrize("name", ROWS)
def test_the_effect_of_a_payment_is_stated_before_it(name: str) -> None:
    row = ROWS[name]
    stated = settling(row.state.seen(), facts_of(row.state.it.period), row.at)
    assert status_of(row.state) == row.status
    assert (before(reader(row.at, "en"), stated), before(reader(row.at, "es"), stated)) == (row.english, row.spanish)


@pytest.mark.parametrize("name", ROWS)
def test_the_effect_of_a_payment_is_stated_after_it(name: str) -> None:
    row = ROWS[name]
    paid = pay(row.state, row.at).state if not row.state.it.ended else row.state
    facts: Any = paid.seen()
    if row.state.it.ended:
        facts = facts | {"debt": None}  # only the invoice shows the payment: an ended subscription shows no debt
    invoice = {"id": str(invoice_of(row.state)), "status": "paid", "period": facts_of(row.state.it.period)}
    sentences = after(reader(row.at, "en"), invoice, facts), after(reader(row.at, "es"), invoice, facts)
    assert sentences == (row.english_after, row.spanish_after)


@pytest.mark.parametrize("name", ROWS)
def test_the_stated_effect_is_the_rules_effect(name: str) -> None:
    row = ROWS[name]
    agrees(row.state, row.at)


def agrees(state: State, at: datetime) -> None:
    """The outlook of subscriptions and the portal's statement both match the decider's result when the payment arrives."""
    stated = settling(state.seen(), facts_of(state.it.period), at)
    if state.it.ended:
        assert stated.effect == "settles"
        assert preview_settlement(state.it, at, most=100) is None
        return
    does = pay(state, at)
    foreseen = preview_settlement(state.it, at, most=100)
    assert foreseen is not None
    assert foreseen.begun == does.entered[:100]
    assert stated.effect == foreseen.effect == effect(state, does)
    assert stated.begun == bool(does.entered)
    ended = does.state.it.ended
    if foreseen.more:
        return
    if stated.effect == "settles":
        assert foreseen.until is None
    elif ended:
        assert foreseen.until == ended.effective_at
        assert stated.until is not None
        assert datetime.fromisoformat(stated.until) == ended.effective_at
    elif state.it.ending:
        assert foreseen.until == state.it.ending.effective_at
    else:
        assert foreseen.until == does.state.it.period.end
        assert stated.until is None or datetime.fromisoformat(stated.until) == does.state.it.period.end


def effect(before: State, does: Paid) -> str:
    """The effect, derived from the events only."""
    if before.it.ending:
        return "ends"
    if does.state.it.ended:
        return "settles"
    assert status_of(does.state) == "active"
    return "starts" if status_of(before) == "incomplete" else "continues"


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if not row.state.it.ended])
def test_a_slow_payment_has_the_effect_stated_at_its_confirmation(name: str) -> None:
    row = ROWS[name]
    at_once, late = pay(row.state, row.at), pay(row.state, row.at + timedelta(days=9), agreed_at=row.at)
    if row.state.it.ending is None:
        assert bool(at_once.state.it.ended) == bool(late.state.it.ended)
        assert late.entered[: len(at_once.entered)] == at_once.entered


def test_a_debt_given_up_during_its_payment_is_recovered_as_stated() -> None:
    confirmed = day(7, 14, 5)  # an hour before the period ends: past due, paying keeps it
    state = past_due(Policies(retry_days=(30,), when_retries_end=WhenRetriesEnd.UNPAID))
    given_up = state.after(Retry(day(7, 14)), replace(FAILED, attempt=2, at=day(7, 15)))
    assert status_of(given_up) == "unpaid"
    paid = pay(given_up, day(7, 16), agreed_at=confirmed)
    assert paid.state.it.ended is None
    assert paid.entered == (JULY,)


def test_a_subscription_without_debt_has_no_outlook() -> None:
    assert preview_settlement(State(ACTIVE).it, day(5, 20), most=100) is None


def test_the_number_of_listed_begun_periods_is_bounded() -> None:
    it = daily().it
    listed = preview_settlement(it, day(6, 19, 12), most=3)
    assert listed is not None
    assert (len(listed.begun), listed.more) == (3, True)
    whole = preview_settlement(it, day(6, 19, 12), most=5)
    assert whole is not None
    assert (len(whole.begun), whole.more) == (5, False)
