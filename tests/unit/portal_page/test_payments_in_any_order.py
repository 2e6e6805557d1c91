"""In every reachable state of a subscription, the stated effect of a payment is its real effect."""

from hypothesis import settings
from hypothesis.stateful import invariant
from unit.portal_page.payment_states import State
from unit.portal_page.test_payment_table import agrees
from unit.subscriptions.test_subscription_machine import Life

from support.property_tests import examples


class Stated(Life):
    @invariant()
    def a_payment_does_what_is_stated(self) -> None:
        if self.state and not self.state.paid:
            agrees(State(tuple(self.events), self.state), self.now)


Stated.TestCase.settings = settings(max_examples=examples(60), stateful_step_count=25, deadline=None)
TestStated = Stated.TestCase
