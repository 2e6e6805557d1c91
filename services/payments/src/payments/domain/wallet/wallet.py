"""The rules of a customer's payment methods: those on file, and the default that is charged."""

from dataclasses import dataclass, replace
from typing import assert_never
from uuid import UUID

from payments.domain.confirmation import Confirmation, Period
from payments.domain.shapes import Method
from payments.domain.wallet.commands import Command, ConfirmPayment, RemoveMethod, UseMethod
from payments.domain.wallet.events import DefaultChanged, Event, MethodRemoved, PaymentConfirmed
from payments.domain.wallet.refusals import LastMethodInUse, NoSuchPaymentMethod


@dataclass(frozen=True, slots=True)
class Wallet:
    customer_id: UUID
    methods: tuple[Method, ...]
    """In the order in which they were last made the default; the last one is the default."""
    confirmations: tuple[Confirmation, ...] = ()
    """Oldest first."""

    @property
    def default(self) -> Method | None:
        return self.methods[-1] if self.methods else None

    def method(self, id: UUID | None) -> Method | None:
        """The card with this id, or the default for None. None if there is no such card."""
        return self.default if id is None else next((method for method in self.methods if method.id == id), None)

    def may_have_led_to(self, subscription_id: UUID, period: Period) -> list[tuple[Confirmation, UUID]]:
        """The confirmations because of which a period may be entered, newest first, each with the invoice paid for it."""
        return [
            (confirmation, invoice_id)
            for confirmation in reversed(self.confirmations)
            for invoice_id in confirmation.leads_to(subscription_id, period)
        ]


def decide(command: Command, it: Wallet | None) -> list[Event]:
    match command:
        case UseMethod():
            return use_method(command, it)
        case ConfirmPayment():
            return confirm_payment(command, it)
        case RemoveMethod():
            return remove_method(command, it)


def use_method(command: UseMethod, it: Wallet | None) -> list[Event]:
    default = it.default if it else None
    if default == command.method and not command.charge_invoices:
        return []  # a repetition: the first decision holds
    replaced = default.id if default and default.id != command.method.id else None
    agreed = command.charge_invoices, command.at, command.confirmation
    return [DefaultChanged(command.customer_id, command.method, replaced, *agreed)]


def confirm_payment(command: ConfirmPayment, it: Wallet | None) -> list[Event]:
    method = it.method(command.method_id) if it else None
    if method is None:
        raise NoSuchPaymentMethod
    return [PaymentConfirmed(command.invoice_id, method, command.confirmation, command.at)]


def remove_method(command: RemoveMethod, it: Wallet | None) -> list[Event]:
    if it is None or all(method.id != command.method_id for method in it.methods):
        raise NoSuchPaymentMethod
    if len(it.methods) == 1 and command.subscription_active:
        raise LastMethodInUse
    removed = MethodRemoved(command.method_id, command.at)
    left = evolve(it, removed).default
    if left is None or left == it.default:
        return [removed]
    return [removed, DefaultChanged(it.customer_id, left, None, (), command.at)]


def evolve(it: Wallet | None, event: Event) -> Wallet:
    match event:
        case DefaultChanged():
            others = tuple(m for m in it.methods if m.id != event.method.id) if it else ()
            known = it.confirmations if it else ()
            confirmed = (*known, event.confirmation) if event.confirmation else known
            return Wallet(event.customer_id, (*others, event.method), confirmed)
        case PaymentConfirmed():
            assert it is not None, "a wallet begins with a card"
            return replace(it, confirmations=(*it.confirmations, event.confirmation))
        case MethodRemoved():
            assert it is not None, "a wallet begins with a card"
            return replace(it, methods=tuple(m for m in it.methods if m.id != event.method_id))
        case _:
            assert_never(event)
