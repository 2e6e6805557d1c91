"""Every column in which free text is stored, and what can be done about a card number in it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from verify.sources import DATABASES

TEXTS: Final = frozenset(
    {"name", "description", "address", "tax_id", "email", "contact_email", "plan_name", "comment", "brand", "error"}
)
"""The fields of documents and events that people type, at any depth."""


class Treatment(StrEnum):
    REWRITTEN = "rewritten in place"
    REVISED = "redacted by a new revision, which is announced"
    """A customer's profile, or a merchant's: all that others keep of it follows."""
    FOLLOWS = "follows the revision that it was made of"
    KEPT = "not rewritten: it is part of an event or of an issued document"


@dataclass(frozen=True)
class Place:
    database: str
    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    """Plain text, JSON, or bytes that may be JSON."""
    treatment: Treatment
    where: str = "true"

    @property
    def query(self) -> str:
        keys = ", ".join(f"{name}::text AS key_{name}" for name in self.key)
        return f"SELECT {keys}, {', '.join(self.columns)} FROM {self.table} WHERE {self.where}"


_ID: Final = ("merchant_id", "id")
_PROFILES: Final = "name IN ('customer', 'merchant')"


def _everywhere(database: str) -> tuple[Place, ...]:
    """The chassis's tables."""
    aggregate = ("merchant_id", "name", "aggregate")
    owned = f"NOT ({_PROFILES} AND name = 'merchant')" if database == "subscriptions" else "true"
    return (
        Place(database, "events", ("merchant_id", "stream", "version"), ("body",), Treatment.KEPT),
        Place(database, "projection", aggregate, ("doc",), Treatment.FOLLOWS, f"{_PROFILES} AND {owned}"),
        Place(database, "projection", aggregate, ("doc",), Treatment.KEPT, f"NOT {_PROFILES}"),
        Place(database, "waiting", (*aggregate, "sequence"), ("envelope",), Treatment.FOLLOWS),
        Place(database, "outbox", ("position",), ("value",), Treatment.FOLLOWS),
        Place(database, "idempotency", ("merchant_id", "subject", "route", "key"), ("answer",), Treatment.REWRITTEN),
        Place(database, "quarantine", ("id",), ("value", "error"), Treatment.REWRITTEN),
    )


PLACES: Final = (
    Place("subscriptions", "cancellation_comments", ("merchant_id", "subscription_id"), ("comment",), Treatment.REWRITTEN),
    Place("subscriptions", "customers", _ID, ("name", "email", "tax_id", "address"), Treatment.REVISED),
    Place("subscriptions", "projection", ("merchant_id",), ("doc",), Treatment.REVISED, "name = 'merchant'"),
    Place("subscriptions", "plans", _ID, ("doc",), Treatment.KEPT),
    Place("invoicing", "invoices", _ID, ("issued",), Treatment.KEPT),
    Place("invoicing", "parked_issues", ("merchant_id", "invoice_id"), ("envelope",), Treatment.KEPT),
    Place("portal_gateway", "customer_view", ("merchant_id", "customer_id"), ("doc",), Treatment.FOLLOWS),
    *(place for database in DATABASES for place in _everywhere(database)),
)
