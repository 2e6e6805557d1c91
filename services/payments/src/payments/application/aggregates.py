"""The aggregates of this service: rules, stored event names and public events."""

from typing import TypeAlias

from chassis.eventsourcing.aggregate import Aggregate
from chassis.eventsourcing.codec import Codec
from chassis.eventsourcing.decider import Decider
from payments.application.publication import announce_payment, announce_wallet
from payments.domain.payment import commands as payment_commands
from payments.domain.payment import events as payment_events
from payments.domain.payment import payment
from payments.domain.payment import refusals as payment_refusals
from payments.domain.wallet import commands as wallet_commands
from payments.domain.wallet import events as wallet_events
from payments.domain.wallet import refusals as wallet_refusals
from payments.domain.wallet import wallet

Wallets: TypeAlias = Aggregate[wallet_commands.Command, wallet_events.Event, wallet.Wallet]
Payments: TypeAlias = Aggregate[payment_commands.Command, payment_events.Event, payment.Payment]

WALLET: Wallets = Aggregate(
    kind="wallet",
    decider=Decider(wallet.decide, wallet.evolve),
    refusal=wallet_refusals.Refusal,
    codec=Codec(
        {
            "DefaultChanged": wallet_events.DefaultChanged,
            "PaymentConfirmed": wallet_events.PaymentConfirmed,
            "OneTimePaymentConfirmed": wallet_events.OneTimePaymentConfirmed,
            "MethodRemoved": wallet_events.MethodRemoved,
            "MethodAdded": wallet_events.MethodAdded,
            "BackupChosen": wallet_events.BackupChosen,
            "MethodRefreshed": wallet_events.MethodRefreshed,
        }
    ),
    announce=announce_wallet,
)
"""`wallet-<customer id>`"""

PAYMENT: Payments = Aggregate(
    kind="payment",
    decider=Decider(payment.decide, payment.evolve),
    refusal=payment_refusals.Refusal,
    codec=Codec(
        {
            "AttemptStarted": payment_events.AttemptStarted,
            "AttemptSucceeded": payment_events.AttemptSucceeded,
            "AttemptFailed": payment_events.AttemptFailed,
            "OutcomeUnknown": payment_events.OutcomeUnknown,
            "AuthenticationNeeded": payment_events.AuthenticationNeeded,
            "Refunded": payment_events.Refunded,
            "RefundRequested": payment_events.RefundRequested,
            "RefundFailed": payment_events.RefundFailed,
            "DisputeOpened": payment_events.DisputeOpened,
            "DisputeClosed": payment_events.DisputeClosed,
        }
    ),
    announce=announce_payment,
)
"""`payment-<invoice id>`"""
