"""The consumer of each service with its database, for its reactions and projections."""

from dataclasses import dataclass

from chassis.consumers import Consumer
from invoicing.adapters.bill_to_encryption import KeyedBillToEncryption
from invoicing.adapters.consumers import consumer as of_invoicing
from invoicing.adapters.issuing.invoice_issuer import PostgresInvoiceIssuer
from invoicing.adapters.rows import movement
from invoicing.application.aggregates import INVOICE
from payments.adapters import rows as payment_rows
from payments.adapters.consumers import consumer as of_payments
from payments.application.aggregates import PAYMENT, WALLET
from portal_gateway.adapters.consumers import consumer as of_gateway
from portal_gateway.adapters.storage.view_projector import recompose
from subscriptions.adapters.consumers import consumer as of_subscriptions
from subscriptions.application.aggregates import SUBSCRIPTION


@dataclass(frozen=True)
class ServiceConsumer:
    database: str
    consumer: Consumer


_NO_KEYS = [bytes(32)]  # nothing is encrypted here

SERVICE_CONSUMERS = (
    ServiceConsumer("subscriptions", of_subscriptions(SUBSCRIPTION)),
    ServiceConsumer("payments", of_payments(WALLET, PAYMENT, payment_rows)),
    ServiceConsumer(
        "invoicing", of_invoicing(INVOICE, PostgresInvoiceIssuer(INVOICE, KeyedBillToEncryption(_NO_KEYS)), movement)
    ),
    ServiceConsumer("portal_gateway", of_gateway(recompose, lambda _: None)),
)
