"""The document of a customer's wallet."""

from billing_contracts import payments
from billing_contracts.envelope import Envelope
from chassis.projections.projection import Document
from portal_gateway.application.projections.document import Step


def fold(document: Document | None, envelope: Envelope) -> Document:
    """payment_method: the default card, or null · methods: all cards in the order of addition · backup: id, or null"""
    return _STEPS[envelope.type](_complete(document or {"payment_method": None}), envelope.data, envelope)


def _complete(document: Document) -> Document:
    """Documents of an earlier version hold the default only. A rebuild adds the other cards."""
    default = document["payment_method"]
    return {"methods": [default] if default else [], "backup": None, **document}


def _updated(document: Document, data: Document, __: Envelope) -> Document:
    card = data["payment_method"]
    backup = None if document["backup"] == card["id"] else document["backup"]
    return {"payment_method": card, "methods": _with(document["methods"], card), "backup": backup}


def _added(document: Document, data: Document, _: Envelope) -> Document:
    return document | {"methods": _with(document["methods"], data["payment_method"])}


def _refreshed(document: Document, data: Document, _: Envelope) -> Document:
    card, default = data["payment_method"], document["payment_method"]
    changed = card if default and default["id"] == card["id"] else default
    return document | {"payment_method": changed, "methods": _with(document["methods"], card)}


def _backup_chosen(document: Document, data: Document, _: Envelope) -> Document:
    card = data.get("payment_method")
    return document | {"backup": card and card["id"]}


def _confirmed(document: Document, _: Document, __: Envelope) -> Document:
    return document  # the outcome arrives with the events of the charge


def _removed(document: Document, data: Document, _: Envelope) -> Document:
    removed, default = data["payment_method_id"], document["payment_method"]
    return {
        "payment_method": None if default and default["id"] == removed else default,
        "methods": [card for card in document["methods"] if card["id"] != removed],
        "backup": None if document["backup"] == removed else document["backup"],
    }


def _with(methods: list[Document], card: Document) -> list[Document]:
    """The cards with this one: new at the end, or with these details in its place."""
    if all(each["id"] != card["id"] for each in methods):
        return [*methods, card]
    return [card if each["id"] == card["id"] else each for each in methods]


_STEPS: dict[str, Step] = {
    payments.PaymentMethodUpdated.TYPE: _updated,
    payments.PaymentMethodRemoved.TYPE: _removed,
    payments.PaymentMethodAdded.TYPE: _added,
    payments.PaymentMethodBackupChosen.TYPE: _backup_chosen,
    payments.PaymentMethodRefreshed.TYPE: _refreshed,
    payments.PaymentConfirmed.TYPE: _confirmed,
}
TYPES = frozenset(_STEPS)
