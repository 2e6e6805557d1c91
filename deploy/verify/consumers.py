"""The consumer of each service with its database, for its reactions and projections."""

from dataclasses import dataclass

from billing_contracts.registry import data_of
from chassis.consumers import Consumer
from invoicing.adapters.bill_to_encryption import KeyedBillToEncryption
from invoicing.adapters.consumers import consumer as of_invoicing
from invoicing.adapters.issuing.invoice_issuer import PostgresInvoiceIssuer
from invoicing.adapters.rows import movement
from invoicing.application.aggregates import INVOICE
from payments.application.reactions import PROJECTIONS, REACTIONS, STREAMS, TOPICS
from portal_gateway.adapters.consumers import consumer as of_gateway
from portal_gateway.adapters.storage.view_projector import recompose
from subscriptions.adapters.consumers import outcomes
from subscriptions.application.aggregates import SUBSCRIPTION


@dataclass(frozen=True)
class ServiceConsumer:
    database: str
    consumer: Consumer


_NO_KEY = bytes(32)  # nothing is encrypted here

SERVICE_CONSUMERS = (
    ServiceConsumer("subscriptions", outcomes(SUBSCRIPTION)),
    ServiceConsumer("payments", Consumer("payments.collection", TOPICS, data_of, REACTIONS, STREAMS, PROJECTIONS)),
    ServiceConsumer("invoicing", of_invoicing(INVOICE, PostgresInvoiceIssuer(INVOICE, KeyedBillToEncryption(_NO_KEY)), movement)),
    ServiceConsumer("portal_gateway", of_gateway(recompose, lambda _: None)),
)
