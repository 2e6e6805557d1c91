"""Who reads what, in which database: each service's own consumer, asked only what it reacts to and how it folds."""

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
class Reader:
    database: str
    consumer: Consumer


_NO_KEY = bytes(32)  # nothing is sealed here

READERS = (
    Reader("subscriptions", of_subscriptions(SUBSCRIPTION)),
    Reader("payments", of_payments(WALLET, PAYMENT, payment_rows)),
    Reader("invoicing", of_invoicing(INVOICE, PostgresInvoiceIssuer(INVOICE, KeyedBillToEncryption(_NO_KEY)), movement)),
    Reader("portal_gateway", of_gateway(recompose, lambda _: None)),
)
