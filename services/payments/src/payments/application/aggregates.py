"""The two aggregates as the chassis wants to know them: rules, stored names, announcements."""

from chassis.eventsourcing.aggregate import Aggregate
from chassis.eventsourcing.codec import Codec
from chassis.eventsourcing.decider import Decider
from payments.application.publication import announce_payment, announce_wallet
from payments.application.rows import payment_rows, wallet_rows
from payments.domain.payment import commands as payment_commands
from payments.domain.payment import events as payment_events
from payments.domain.payment import payment
from payments.domain.refusals import Refusal
from payments.domain.wallet import commands as wallet_commands
from payments.domain.wallet import events as wallet_events
from payments.domain.wallet import wallet

WALLET: Aggregate[wallet_commands.Command, wallet_events.Event, wallet.Wallet] = Aggregate(
    kind="wallet",
    decider=Decider(wallet.decide, wallet.evolve),
    refusal=Refusal,
    codec=Codec(
        {
            "DefaultChanged": wallet_events.DefaultChanged,
            "PaymentConfirmed": wallet_events.PaymentConfirmed,
            "MethodRemoved": wallet_events.MethodRemoved,
        }
    ),
    announce=announce_wallet,
    rows=wallet_rows,
)
"""`wallet-<customer id>`"""

PAYMENT: Aggregate[payment_commands.Command, payment_events.Event, payment.Payment] = Aggregate(
    kind="payment",
    decider=Decider(payment.decide, payment.evolve),
    refusal=Refusal,
    codec=Codec(
        {
            "AttemptStarted": payment_events.AttemptStarted,
            "AttemptSucceeded": payment_events.AttemptSucceeded,
            "AttemptFailed": payment_events.AttemptFailed,
            "OutcomeUnknown": payment_events.OutcomeUnknown,
            "Refunded": payment_events.Refunded,
        }
    ),
    announce=announce_payment,
    rows=payment_rows,
)
"""`payment-<invoice id>`"""
