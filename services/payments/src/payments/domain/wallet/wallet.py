"""The rules of a customer's payment methods: those on file, the default that is charged, and the backup."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from payments.domain.confirmation import Confirmation, Period
from payments.domain.shapes import Method
from payments.domain.wallet.backup import Backup
from payments.domain.wallet.commands import (
    AddMethod,
    ChooseBackup,
    Command,
    ConfirmOneTimePayment,
    ConfirmPayment,
    MakeDefault,
    RefreshMethod,
    RemoveMethod,
    ReplaceMethod,
    UseMethod,
)
from payments.domain.wallet.events import (
    BackupChosen,
    DefaultChanged,
    Event,
    MethodAdded,
    MethodRefreshed,
    MethodRemoved,
    OneTimePaymentConfirmed,
    PaymentConfirmed,
)
from payments.domain.wallet.refusals import (
    DefaultAsBackup,
    LastMethodInUse,
    NoSuchPaymentMethod,
    SuccessorChanged,
    TooManyMethods,
)

METHODS_MAX = 10
"""Cards of one customer."""


@dataclass(frozen=True, slots=True)
class Wallet:
    customer_id: UUID
    methods: tuple[Method, ...] = ()
    """In the order in which they were added."""
    confirmations: tuple[Confirmation, ...] = ()
    """Oldest first."""
    default_id: UUID | None = None
    backup: Backup | None = None
    """Never the default."""

    @property
    def default(self) -> Method | None:
        return self._with_id(self.default_id)

    def method(self, id: UUID | None) -> Method | None:
        """The card with this id, or the default for None. None if there is no such card."""
        return self._with_id(self.default_id if id is None else id)

    def twin(self, method: Method) -> Method | None:
        """Another entry of the same card."""
        same = (it for it in self.methods if it.id != method.id and it.fingerprint == method.fingerprint)
        return next(same, None) if method.fingerprint else None

    def successor(self, removed: UUID, expired: frozenset[UUID] = frozenset()) -> Method | None:
        """The default after this card is removed: the same as before, else the backup, else the newest that has not expired."""
        if removed != self.default_id:
            return self.default
        if self.backup and self.backup.method_id != removed:
            return self._with_id(self.backup.method_id)
        left = [it for it in self.methods if it.id != removed]
        return next((it for it in reversed(left) if it.id not in expired), left[-1] if left else None)

    def may_have_led_to(self, subscription_id: UUID, period: Period) -> list[tuple[Confirmation, UUID]]:
        """The confirmations because of which a period may be entered, newest first, each with the invoice paid for it."""
        return [
            (confirmation, invoice_id)
            for confirmation in reversed(self.confirmations)
            for invoice_id in confirmation.leads_to(subscription_id, period)
        ]

    def _with_id(self, id: UUID | None) -> Method | None:
        return next((method for method in self.methods if method.id == id), None)


def decide(command: Command, it: Wallet | None) -> list[Event]:
    match command:
        case UseMethod():
            return use_method(command, it or Wallet(command.customer_id))
        case AddMethod():
            return add_method(command, it or Wallet(command.customer_id))
        case ConfirmPayment():
            return confirm_payment(command, it)
        case ConfirmOneTimePayment():
            return confirm_one_time_payment(command)
        case MakeDefault():
            return make_default(command, existing(it))
        case RemoveMethod():
            return remove_method(command, existing(it))
        case ChooseBackup():
            return choose_backup(command, existing(it))
        case ReplaceMethod():
            return replace_method(command, existing(it))
        case RefreshMethod():
            return refresh_method(command, existing(it))


def use_method(command: UseMethod, it: Wallet) -> list[Event]:
    """A full wallet has room for the new card: the card that it replaces is removed."""
    default, method = it.default, command.method
    if default == method and not command.charge_invoices:
        return []  # a repetition: the first decision holds
    replaced = default.id if default and default.id != method.id else None
    agreed = command.charge_invoices, command.at, command.confirmation
    changed = DefaultChanged(command.customer_id, method, replaced, *agreed)
    surplus = it.twin(method)
    if surplus is None and it.method(method.id) is None and len(it.methods) >= METHODS_MAX:
        surplus = default
    return [changed, MethodRemoved(surplus.id, command.at)] if surplus else [changed]


def add_method(command: AddMethod, it: Wallet) -> list[Event]:
    method, at = command.method, command.at
    if it.method(method.id):
        return []
    if not it.methods:
        return [DefaultChanged(command.customer_id, method, None, (), at)]
    if twin := it.twin(method):
        return in_place_of(it, twin, method, at)
    if len(it.methods) >= METHODS_MAX:
        raise TooManyMethods
    return [MethodAdded(command.customer_id, method, at)]


def replace_method(command: ReplaceMethod, it: Wallet) -> list[Event]:
    method, at = command.method, command.at
    old = it.method(command.replaced)
    if old is None and it.method(method.id):
        return []  # a repetition
    old = known(it, command.replaced)
    if old.id == method.id:
        return []
    events = in_place_of(it, old, method, at)
    for event in events:
        it = evolve(it, event)
    twin = it.twin(method)
    return events + (in_place_of(it, twin, method, at) if twin else [])


def in_place_of(it: Wallet, old: Method, method: Method, at: datetime) -> list[Event]:
    """The card takes over the roles of another entry of the same card, which is removed."""
    events: list[Event] = [] if it.method(method.id) else [MethodAdded(it.customer_id, method, at)]
    if old.id == it.default_id:
        events.append(DefaultChanged(it.customer_id, method, old.id, (), at))
    elif it.backup and it.backup.method_id == old.id and method.id != it.default_id:
        events.append(BackupChosen(method, it.backup.consent, at))  # the same card, so the consent holds
    return [*events, MethodRemoved(old.id, at)]


def make_default(command: MakeDefault, it: Wallet) -> list[Event]:
    method = known(it, command.method_id)
    if method.id == it.default_id:
        return []
    return [DefaultChanged(it.customer_id, method, it.default_id, (), command.at)]


def confirm_payment(command: ConfirmPayment, it: Wallet | None) -> list[Event]:
    method = known(existing(it), command.method_id)
    return [PaymentConfirmed(command.invoice_id, method, command.confirmation, command.at)]


def confirm_one_time_payment(command: ConfirmOneTimePayment) -> list[Event]:
    confirmed = command.invoice_id, command.method, command.confirmation, command.at
    return [OneTimePaymentConfirmed(command.customer_id, *confirmed)]


def remove_method(command: RemoveMethod, it: Wallet) -> list[Event]:
    known(it, command.method_id)
    if is_needed(it, command) and not command.detached:
        raise LastMethodInUse
    successor = it.successor(command.method_id, command.expired)
    if command.successor is not None and (successor is None or successor.id != command.successor):
        raise SuccessorChanged
    removed = MethodRemoved(command.method_id, command.at, command.detached)
    if successor is None or successor.id == it.default_id:
        return [removed]
    return [removed, DefaultChanged(it.customer_id, successor, None, (), command.at)]


def is_needed(it: Wallet, command: RemoveMethod) -> bool:
    """Whether something is to be paid with the only card."""
    return len(it.methods) == 1 and (command.subscription_active or command.owed)


def choose_backup(command: ChooseBackup, it: Wallet) -> list[Event]:
    if command.backup is None:
        return [BackupChosen(None, None, command.at)] if it.backup else []
    method = known(it, command.backup.method_id)
    if method.id == it.default_id:
        raise DefaultAsBackup
    if it.backup and (it.backup.method_id, it.backup.consent.text) == (method.id, command.backup.consent.text):
        return []  # a repetition: the first consent holds
    return [BackupChosen(method, command.backup.consent, command.at)]


def refresh_method(command: RefreshMethod, it: Wallet) -> list[Event]:
    old = known(it, command.method.id)
    new = replace(command.method, fingerprint=command.method.fingerprint or old.fingerprint)
    return [] if (new, new.fingerprint) == (old, old.fingerprint) else [MethodRefreshed(new, command.at)]


def known(it: Wallet, method_id: UUID) -> Method:
    """Raises NoSuchPaymentMethod."""
    method = it.method(method_id)
    if method is None:
        raise NoSuchPaymentMethod
    return method


def existing(it: Wallet | None) -> Wallet:
    if it is None:
        raise NoSuchPaymentMethod
    return it


def evolve(it: Wallet | None, event: Event) -> Wallet:
    match event:
        case DefaultChanged():
            it = _with(it or Wallet(event.customer_id), event.method)
            confirmed = (*it.confirmations, event.confirmation) if event.confirmation else it.confirmations
            backup = None if it.backup and it.backup.method_id == event.method.id else it.backup
            return replace(it, default_id=event.method.id, confirmations=confirmed, backup=backup)
        case MethodAdded():
            return _with(it or Wallet(event.customer_id), event.method)
        case OneTimePaymentConfirmed():
            it = it or Wallet(event.customer_id)
            return replace(it, confirmations=(*it.confirmations, event.confirmation))
    assert it is not None, "a wallet begins with a card or a payment"
    match event:
        case PaymentConfirmed():
            return replace(it, confirmations=(*it.confirmations, event.confirmation))
        case MethodRemoved():
            return _without(it, event.method_id)
        case BackupChosen(method=method, consent=consent):
            return replace(it, backup=Backup(method.id, consent) if method and consent else None)
        case MethodRefreshed():
            return _with(it, event.method)
        case _:
            assert_never(event)


def _with(it: Wallet, method: Method) -> Wallet:
    """The wallet with this card: new at the end, or with these details in its place."""
    if it.method(method.id) is None:
        return replace(it, methods=(*it.methods, method))
    return replace(it, methods=tuple(method if each.id == method.id else each for each in it.methods))


def _without(it: Wallet, method_id: UUID) -> Wallet:
    return replace(
        it,
        methods=tuple(each for each in it.methods if each.id != method_id),
        default_id=None if it.default_id == method_id else it.default_id,
        backup=None if it.backup and it.backup.method_id == method_id else it.backup,
    )
