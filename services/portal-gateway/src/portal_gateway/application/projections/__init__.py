"""Public events, folded into one document per aggregate. Each module has the types of event that it folds, and `fold`.

A document holds only what the page needs, and is fed by one topic. The consumer checks that events arrive complete and in
order. A document exists from its aggregate's first event on: when that one was discarded, the later events change nothing.
"""

from collections.abc import Callable

from billing_contracts.envelope import Envelope
from chassis.projections.projection import Document
from portal_gateway.application.projections import customer, invoice, payment, subscription, wallet

FOLDS: dict[str, tuple[frozenset[str], Callable[[Document | None, Envelope], Document | None]]] = {
    "subscription": (subscription.TYPES, subscription.fold),
    "wallet": (wallet.TYPES, wallet.fold),
    "payment": (payment.TYPES, payment.fold),
    "invoice": (invoice.TYPES, invoice.fold),
    "customer": (customer.TYPES, customer.fold),
}
"""Projection's name -> the types of event that it folds, and its fold"""
