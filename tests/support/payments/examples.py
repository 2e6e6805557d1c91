"""An invoice of Ana's, two cards, and given/when/then for wallet and payment."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

from chassis.eventsourcing.decider import Decider
from payments.domain.payment import commands as payment_commands
from payments.domain.payment import events as payment_events
from payments.domain.payment import payment
from payments.domain.payment.commands import Collect
from payments.domain.payment.events import AttemptStarted, Bill, Charge
from payments.domain.shapes import Brand, Method, Money
from payments.domain.wallet import commands as wallet_commands
from payments.domain.wallet import events as wallet_events
from payments.domain.wallet import wallet

NAMES = UUID("6f0f4a52-0000-4000-8000-000000000000")
PAYMENTS: Decider[payment_commands.Command, payment_events.Event, payment.Payment] = Decider(payment.decide, payment.evolve)
WALLETS: Decider[wallet_commands.Command, wallet_events.Event, wallet.Wallet] = Decider(wallet.decide, wallet.evolve)


def id_of(name: str) -> UUID:
    return uuid5(NAMES, name)


def day(of: int) -> datetime:
    return datetime(2023, 5, of, 12, tzinfo=UTC)


def card(last4: str) -> Method:
    return Method(id_of(f"card {last4}"), Brand.VISA, last4, 12, 2025)


MERCHANT, ANA, INVOICE, SUBSCRIPTION = id_of("techsolutions"), id_of("ana"), id_of("TS-000014"), id_of("premium")
VISA, OTHER = card("4242"), card("0341")
PRICE = Money(2999, "USD")
BILL = Bill(INVOICE, SUBSCRIPTION, ANA, PRICE)
COLLECT = Collect(INVOICE, SUBSCRIPTION, ANA, PRICE, VISA, day(14))


def charge(number: int, method: Method | None = VISA) -> Charge:
    return Charge(uuid5(INVOICE, f"charge-{number}"), number, method)


STARTED = AttemptStarted(BILL, charge(1), day(14))
