"""The rules of charging, for any commands in any order, checked against a model of the provider."""

from uuid import UUID

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from payments.domain.confirmation import Consent
from payments.domain.payment.commands import (
    Collect,
    Command,
    PayNow,
    RecordAuthenticationNeeded,
    RecordFailure,
    RecordNoAnswer,
    RecordRefund,
    RecordSuccess,
    RequestRefund,
    TryAgain,
)
from payments.domain.payment.events import (
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    AuthenticationNeeded,
    Charge,
    Event,
    OutcomeUnknown,
    Refunded,
)
from payments.domain.payment.payment import Payment
from payments.domain.payment.refusals import Refusal
from payments.domain.shapes import FailureCode, Method, RefundReason
from support.payments.examples import ANA, INVOICE, OTHER, PAYMENTS, PRICE, SUBSCRIPTION, VISA, card, day
from support.property_tests import examples

METHODS = st.sampled_from([VISA, OTHER, card("5555")])
MAYBE_METHODS = st.none() | METHODS
CODES = st.sampled_from([code for code in FailureCode if code is not FailureCode.NO_PAYMENT_METHOD])


class Charging(RuleBasedStateMachine):
    """The provider's answers arrive late, twice, or for charges that ended long ago."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.settled: dict[UUID, bool] = {}
        """What the provider decided, once and for ever: whether it took the money."""

    @property
    def state(self) -> Payment | None:
        return PAYMENTS.fold(self.events)

    def ask(self, command: Command) -> list[Event]:
        try:
            decided = PAYMENTS.decide(command, self.state)
        except Refusal:
            return []
        self.events.extend(decided)
        return decided

    def charges(self) -> list[Charge]:
        return [event.charge for event in self.events if isinstance(event, AttemptStarted)]

    def ended(self) -> set[UUID]:
        return {event.charge.id for event in self.events if isinstance(event, AttemptSucceeded | AttemptFailed)}

    @rule(method=MAYBE_METHODS)
    def the_invoice_is_issued(self, method: Method | None) -> None:
        self.ask(Collect(INVOICE, SUBSCRIPTION, ANA, PRICE, method, day(14)))

    @rule(method=MAYBE_METHODS)
    def a_retry_is_due_or_a_customer_agrees_to_pay(self, method: Method | None) -> None:
        before = self.state
        decided = self.ask(TryAgain(method, day(15)))
        if before and (before.open or before.paid):
            assert not decided, "an open or paid invoice is not charged again"

    @rule(method=METHODS, present=st.booleans())
    def a_payment_is_requested(self, method: Method, present: bool) -> None:
        before = self.state
        decided = self.ask(PayNow(method, Consent(INVOICE, day(15)), day(15), present))
        if before and (before.open or before.paid):
            assert not decided, "an open or paid invoice is not charged again"

    @rule(data=st.data())
    def the_provider_waits_for_the_customer(self, data: st.DataObject) -> None:
        if charges := self.charges():
            charge = data.draw(st.sampled_from(charges))
            decided = self.ask(RecordAuthenticationNeeded(charge.id, day(17), day(16)))
            assert charge.on_session or not decided, "without the customer a charge does not wait"

    @rule(data=st.data(), takes=st.booleans(), code=CODES, agreed=MAYBE_METHODS, final=st.booleans())
    def the_provider_answers(
        self, data: st.DataObject, takes: bool, code: FailureCode, agreed: Method | None, final: bool
    ) -> None:
        if not (charges := self.charges()):
            return
        charge = data.draw(st.sampled_from(charges))
        if self.settled.setdefault(charge.id, takes):
            self.ask(RecordSuccess(charge.id, f"ch_{charge.number}", day(16)))
            return
        was_open = charge.id not in self.ended()
        decided = self.ask(RecordFailure(charge.id, code, day(16), None, agreed, final))
        if was_open and agreed and agreed != charge.method and not final:
            assert isinstance(decided[-1], AttemptStarted)
            assert decided[-1].charge.method == agreed

    @rule(data=st.data())
    def the_provider_does_not_answer(self, data: st.DataObject) -> None:
        if charges := self.charges():
            self.ask(RecordNoAnswer(data.draw(st.sampled_from(charges)).id, day(17), day(16)))

    @rule(data=st.data())
    def a_refund_is_recorded(self, data: st.DataObject) -> None:
        if charges := self.charges():
            refund_id = data.draw(st.sampled_from(charges)).id
            self.ask(RequestRefund(refund_id, None, RefundReason.INVOICE_VOIDED, day(18)))
            self.ask(RecordRefund(refund_id, "re", day(18)))

    @invariant()
    def it_is_paid_at_most_once_and_as_the_provider_says(self) -> None:
        paid = [event.charge.id for event in self.events if isinstance(event, AttemptSucceeded)]
        assert len(paid) <= 1
        assert all(self.settled[charge] for charge in paid)
        assert len([event for event in self.events if isinstance(event, Refunded)]) <= len(paid)

    @invariant()
    def one_attempt_is_open_at_a_time(self) -> None:
        open_now = [charge for charge in self.charges() if charge.id not in self.ended()]
        assert len(open_now) <= 1
        assert (self.state.open if self.state else None) == (open_now[0] if open_now else None)

    @invariant()
    def only_an_open_charge_waits_and_it_is_recorded_once(self) -> None:
        waited = [event.charge.id for event in self.events if isinstance(event, AuthenticationNeeded) and event.until]
        assert len(set(waited)) == len(waited)
        it = self.state
        assert it is None or it.authenticate_until is None or (it.open and it.open.id == waited[-1] and not it.unknown)

    @invariant()
    def attempts_are_numbered_without_gaps_and_never_share_a_charge(self) -> None:
        first_seen = {event.charge.id: event.charge.number for event in self.events}
        assert list(first_seen.values()) == list(range(1, len(first_seen) + 1))

    @invariant()
    def an_unknown_charge_is_never_forgotten(self) -> None:
        unknown = {event.charge.id for event in self.events if isinstance(event, OutcomeUnknown)}
        still_open = {self.state.open.id} if self.state and self.state.open else set()
        assert unknown <= self.ended() | still_open


TestCharging = Charging.TestCase
TestCharging.settings = settings(max_examples=examples(150), stateful_step_count=30)
