"""For any interleaving of the provider's answers, the customer's and the clock, a charge that waits for the bank ends once."""

from asyncio import Runner
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any
from uuid import uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from unit.payments.collector_bench import BLUE, Bench

from payments.application.charges import ChargeOrder, Refused, Taken
from payments.application.queue_ports import Attempt
from payments.domain.confirmation import Consent
from payments.domain.payment.commands import PayNow, TryAgain
from payments.domain.payment.payment import Payment
from payments.domain.payment.refusals import Refusal
from payments.domain.shapes import FailureCode
from support.payments.examples import ANA, COLLECT, INVOICE, MERCHANT, OTHER, PRICE, VISA, card, day
from support.property_tests import examples

ASKS = card("3184")
CARDS = st.sampled_from([VISA, OTHER, ASKS])
MODES = st.sampled_from(["normal", "normal", "hang", "lose", "busy"])
OUTCOMES = st.sampled_from([Taken("ch"), Refused(FailureCode.AUTHENTICATION_FAILED), Refused(FailureCode.INSUFFICIENT_FUNDS)])


class Confirming(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.runner, self.bench = Runner(), Bench()
        self.bench.collector = replace(self.bench.collector, timeout_seconds=0.001)
        self.bench.provider.methods[ASKS.id] = (MERCHANT, ANA, ASKS)
        self.calls: dict[Any, int] = {}
        self.run(self.bench.payments.handle(BLUE, INVOICE, replace(COLLECT, method=ASKS)))

    def run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(doing)

    @property
    def state(self) -> Payment:
        state: Payment = self.run(self.bench.state())
        return state

    def claimed(self, *, left: bool) -> Attempt:
        charge = self.state.open
        assert charge
        assert charge.method
        self.calls[charge.id] = self.calls.get(charge.id, 0) + 1
        order = ChargeOrder(MERCHANT, ANA, charge.id, charge.method.id, PRICE, day(14), "UTC", charge.on_session)
        waits = self.state.authenticate_until is not None
        return Attempt(order, INVOICE, self.calls[charge.id], False, BLUE.correlation_id, uuid4(), waits and left)

    @precondition(lambda self: self.state.open)
    @rule(mode=MODES, left=st.booleans())
    def the_provider_is_asked(self, mode: str, left: bool) -> None:
        self.bench.provider.mode = mode  # type: ignore[assignment]
        self.run(self.bench.collector.settle(self.claimed(left=left)))

    @rule(data=st.data(), outcome=OUTCOMES)
    def the_customer_answers(self, data: Any, outcome: Taken | Refused) -> None:
        if charges := sorted(self.bench.provider.charges):
            self.bench.provider.customer_answers(data.draw(st.sampled_from(charges)), outcome)

    @rule(method=CARDS, present=st.booleans())
    def a_payment_is_requested(self, method: Any, present: bool) -> None:
        pay = PayNow(method, Consent(uuid4(), day(15)), day(15), present)
        try:
            self.run(self.bench.payments.handle(BLUE, INVOICE, pay))
        except Refusal:
            assert self.state.open or self.state.paid

    @rule(method=CARDS)
    def a_retry_is_due(self, method: Any) -> None:
        self.run(self.bench.payments.handle(BLUE, INVOICE, TryAgain(method, day(15))))

    @rule(method=st.none() | CARDS)
    def another_card_is_confirmed(self, method: Any) -> None:
        self.bench.claimed.agreed_method, self.bench.claimed.consent = method, Consent(uuid4(), day(15)) if method else None

    @invariant()
    def the_provider_took_the_money_at_most_once_and_as_recorded(self) -> None:
        taken = [id for id, outcome in self.bench.provider.charges.items() if isinstance(outcome, Taken)]
        it = self.state
        assert len(taken) <= 1
        assert it.paid is None or [it.paid.id] == taken
        assert not it.failed & set(taken)

    @invariant()
    def only_a_charge_with_the_customer_waits(self) -> None:
        it = self.state
        assert it.authenticate_until is None or (it.open and it.open.on_session)

    def teardown(self) -> None:
        """Left alone, every charge ends."""
        self.bench.provider.mode = "normal"
        self.bench.claimed.agreed_method = None
        for _ in range(3):
            if self.state.open:
                self.run(self.bench.collector.settle(self.claimed(left=True)))
        ended = self.state.open is None
        self.runner.close()
        assert ended


Confirming.TestCase.settings = settings(max_examples=examples(60), stateful_step_count=25, deadline=None)
TestConfirming = Confirming.TestCase
