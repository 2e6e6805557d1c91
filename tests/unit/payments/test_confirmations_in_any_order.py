"""For any interleaving of events, timers, charges and confirmations, a confirmation causes only charges that it lists."""

from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from unit.payments.payments_world import World

from payments.application.card_change import DueChanged
from payments.application.pay_now import AmountChanged, Shown
from payments.domain.dues import totals
from payments.domain.payment.payment import Payment
from payments.domain.payment.refusals import Refusal
from payments.domain.wallet.refusals import Refusal as WalletRefusal
from subscriptions.domain.dunning import Policies, WhenRetriesEnd
from subscriptions.domain.subscription.subscription import timers
from support.property_tests import examples

POLICIES = st.builds(
    Policies, retry_days=st.sampled_from([(1, 3, 5, 7), (1, 20), (40,)]), when_retries_end=st.sampled_from(WhenRetriesEnd)
)
WAITS = st.sampled_from([timedelta(minutes=1), timedelta(hours=11), timedelta(days=1), timedelta(days=4)])


class Confirming(RuleBasedStateMachine):
    world: World

    @initialize(policies=POLICIES, most=st.sampled_from([1, 3, 100]))
    def begin(self, policies: Policies, most: int) -> None:
        self.world = World(policies, most=most)
        self.world.begin()

    @rule(wait=WAITS)
    def time_passes(self, wait: timedelta) -> None:
        self.world.now += wait

    @rule()
    def timers_fire(self) -> None:
        self.world.let_timers_fire()

    @precondition(lambda self: self.world.queues)
    @rule(data=st.data())
    def something_arrives(self, data: Any) -> None:
        self.world.deliver(data.draw(st.sampled_from(sorted(self.world.queues))))

    @precondition(lambda self: self.world.charging)
    @rule(data=st.data(), success=st.booleans())
    def the_provider_answers(self, data: Any, success: bool) -> None:
        self.world.answer(data.draw(st.sampled_from(self.world.charging)), success)

    @rule(success=st.booleans())
    def all_that_is_on_its_way_arrives(self, success: bool) -> None:
        for _ in range(30):
            for queue in sorted(self.world.queues):
                self.world.deliver(queue)
            for invoice in self.world.charging:
                self.world.answer(invoice, success)
            self.world.retry_agreed()
            self.world.let_timers_fire()

    @rule(days=st.integers(2, 6), rises=st.booleans(), pays_on_file=st.booleans())
    def a_debt_is_paid_days_later(self, days: int, rises: bool, pays_on_file: bool) -> None:
        """The stretch in which most can go wrong, to be reached often; what follows it comes in any order again."""
        self.all_that_is_on_its_way_arrives(success=False)
        self.world.now += timedelta(days=days)
        self.the_dialog_is_opened()
        debt = self.world.subscription.debt if self.world.subscription else None
        if pays_on_file and debt and not self.world.charging:
            self.world.pay_now(debt.invoice_id, Shown(None))
        else:
            self.a_new_card_is_confirmed(all_of_it=True)
        self.world.price += 21 if rises else 0

    @rule()
    def agreements_are_honoured(self) -> None:
        self.world.retry_agreed()

    @rule(price=st.sampled_from([100, 121, 80]))
    def the_price_changes(self, price: int) -> None:
        self.world.price = price

    @rule()
    def the_dialog_is_opened(self) -> None:
        self.world.show()

    @precondition(lambda self: self.world.setup is not None)
    @rule(all_of_it=st.booleans())
    def a_new_card_is_confirmed(self, all_of_it: bool) -> None:
        before = len(self.world.store.messages)
        try:
            self.world.change_card(all_of_it)
        except DueChanged as changed:
            assert len(self.world.store.messages) == before, "nothing is done"
            assert self.world.setup
            self.world.setup = replace(self.world.setup, due=changed.listed.due)

    @rule(shows_it=st.booleans(), data=st.data())
    def the_card_on_file_pays(self, shows_it: bool, data: Any) -> None:
        if not self.world.invoices:
            return
        invoice = data.draw(st.sampled_from(list(self.world.invoices)))
        listed = self.world.listed().of(invoice)
        total = totals(listed.due)[0] if listed.due and shows_it else None
        before = len(self.world.store.messages)
        try:
            self.world.pay_now(invoice, Shown(total))
        except (Refusal, WalletRefusal, AmountChanged):
            assert len(self.world.store.messages) == before, "nothing is done"

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.runner.close()

    @invariant()
    def no_invoice_is_paid_twice(self) -> None:
        paid = [message for message in self.world.store.messages if b"PaymentSucceeded" in (message.value or b"")]
        assert len({message.key for message in paid}) == len(paid)

    @invariant()
    def no_more_is_taken_than_was_confirmed(self) -> None:
        confirmations = {it.id: it for it in self.world.wallet.confirmations}
        payments: dict[Any, Payment] = {id: self.world.payment(id) for id in self.world.invoices}
        ends = {self.world.invoices[id].period.end: id for id in payments}
        taken: dict[Any, int] = defaultdict(int)
        for id, it in payments.items():
            if it is None or it.paid is None:
                continue
            behind = it.paid.consent
            before = payments.get(ends.get(self.world.invoices[id].period.start))
            if behind is None and it.paid.number == 1 and before and before.paid and before.paid.consent:
                at = before.paid.consent.at
                behind = before.paid.consent if self.world.invoices[id].period.start <= at else None
            if behind:
                assert confirmations[behind.id].allows(id, it.bill.amount)
                taken[behind.id] += it.bill.amount.amount_minor
        for confirmed, total in taken.items():
            assert total <= sum(line.amount.amount_minor for line in confirmations[confirmed].charges)

    @invariant()
    def what_waits_for_a_payment_is_worked_on(self) -> None:
        it = self.world.subscription
        assert it is not None
        waits = it.ended is None and not it.paid and (it.debt is None or it.debt.trying)
        assert not waits or self.world.queues or self.world.charging or self.world.agreed_to or timers(it)


Confirming.TestCase.settings = settings(max_examples=examples(40), stateful_step_count=30, deadline=None)
TestConfirming = Confirming.TestCase
