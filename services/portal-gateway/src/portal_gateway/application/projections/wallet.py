"""The document of a customer's wallet."""

from billing_contracts import payments
from billing_contracts.envelope import Envelope
from chassis.projections.projection import Document
from portal_gateway.application.projections.document import Step
from portal_gateway.domain.instants import rfc3339

CHANGES_MAX = 20
"""The changes that a document holds."""


def fold(document: Document | None, envelope: Envelope) -> Document:
    """payment_method: the default card, or null · methods: all cards in the order of addition · backup: id, or null ·
    changes: the last ones, oldest first

    detached: the card that its provider does not have any more, until the cards are changed: brand, last4, at, was_default
    """
    before = _complete(document or {"payment_method": None})
    after = _STEPS[envelope.type](before, envelope.data, envelope)
    change = _change(before, envelope.type, envelope.data)
    new = [{"at": rfc3339(envelope.time), **change}] if change else []
    return after | {"changes": [*before["changes"], *new][-CHANGES_MAX:]}


def _complete(document: Document) -> Document:
    """Documents of an earlier version hold the default only. A rebuild adds the other cards and the changes."""
    default = document["payment_method"]
    return {"methods": [default] if default else [], "backup": None, "changes": [], **document}


def _change(before: Document, type: str, data: Document) -> Document | None:
    """kind, card, and where they apply: before (the former default, or former details of the card), consent"""
    cards, default = {card["id"]: card for card in before["methods"]}, before["payment_method"]
    match type:
        case payments.PaymentMethodUpdated.TYPE:
            return _of("default", data["payment_method"], default)
        case payments.PaymentMethodAdded.TYPE:
            return _of("added", data["payment_method"])
        case payments.PaymentMethodRefreshed.TYPE:
            return _of("refreshed", data["payment_method"], cards.get(data["payment_method"]["id"]))
        case payments.PaymentMethodRemoved.TYPE if removed := cards.get(data["payment_method_id"]):
            return _of("removed", removed)
        case payments.PaymentMethodBackupChosen.TYPE if chosen := data.get("payment_method"):
            return _of("backup", chosen) | {"consent": data["consent"]}
        case payments.PaymentMethodBackupChosen.TYPE if former := cards.get(before["backup"]):
            return _of("no_backup", former)
    return None


def _of(kind: str, card: Document, before: Document | None = None) -> Document:
    former = {"before": _face(before)} if before else {}
    return {"kind": kind, "card": _face(card)} | former


def _face(card: Document) -> Document:
    return {name: card[name] for name in ("id", "brand", "last4", "exp_month", "exp_year")}


def _updated(document: Document, data: Document, __: Envelope) -> Document:
    card = data["payment_method"]
    backup = None if document["backup"] == card["id"] else document["backup"]
    after = {"payment_method": card, "methods": _with(document["methods"], card), "backup": backup}
    follows = document["payment_method"] is None and any(each["id"] == card["id"] for each in document["methods"])
    return after | {"detached": document["detached"]} if follows and "detached" in document else after


def _added(document: Document, data: Document, _: Envelope) -> Document:
    return _changed(document) | {"methods": _with(document["methods"], data["payment_method"])}


def _refreshed(document: Document, data: Document, _: Envelope) -> Document:
    card, default = data["payment_method"], document["payment_method"]
    changed = card if default and default["id"] == card["id"] else default
    return document | {"payment_method": changed, "methods": _with(document["methods"], card)}


def _backup_chosen(document: Document, data: Document, _: Envelope) -> Document:
    card = data.get("payment_method")
    return _changed(document) | {"backup": card and card["id"]}


def _confirmed(document: Document, _: Document, __: Envelope) -> Document:
    return document  # the outcome arrives with the events of the charge


def _removed(document: Document, data: Document, envelope: Envelope) -> Document:
    removed, default = data["payment_method_id"], document["payment_method"]
    card = next((each for each in document["methods"] if each["id"] == removed), None)
    detached = {}
    if card and data.get("reason") == "detached":
        face = {"brand": card["brand"], "last4": card["last4"], "at": envelope.time.isoformat()}
        detached = {"detached": face | {"was_default": default is not None and default["id"] == removed}}
    return detached | {
        "payment_method": None if default and default["id"] == removed else default,
        "methods": [card for card in document["methods"] if card["id"] != removed],
        "backup": None if document["backup"] == removed else document["backup"],
    }


def _changed(document: Document) -> Document:
    """Without the detached card: who changes the cards has seen that it is gone."""
    return {name: value for name, value in document.items() if name != "detached"}


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
