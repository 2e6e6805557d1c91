"""Every column with free text, and the treatment of a card number in it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from verify.sources import DATABASES

TEXTS: Final = frozenset(
    {
        *("name", "description", "address", "tax_id", "purchase_order", "email", "contact_email", "plan_name", "comment"),
        *("brand", "error", "invoice_note", "note"),
    }
)
"""Fields of documents and events with typed text, at any depth."""


class Treatment(StrEnum):
    REWRITTEN = "rewritten in place"
    REVISED = "redacted by a new revision, which is published"
    """A profile of a customer or merchant. Data that others derive from it is updated."""
    DERIVED = "updated with the revision that it is derived from"
    UNCHANGED = "not rewritten: it is part of an event or of an issued document"


@dataclass(frozen=True)
class Location:
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


def _chassis_locations(database: str) -> tuple[Location, ...]:
    """The tables of the chassis."""
    aggregate = ("merchant_id", "name", "aggregate")
    owned = f"NOT ({_PROFILES} AND name = 'merchant')" if database == "subscriptions" else "true"
    return (
        Location(database, "events", ("merchant_id", "stream", "version"), ("body",), Treatment.UNCHANGED),
        Location(database, "projection", aggregate, ("doc",), Treatment.DERIVED, f"{_PROFILES} AND {owned}"),
        Location(database, "projection", aggregate, ("doc",), Treatment.UNCHANGED, f"NOT {_PROFILES}"),
        Location(database, "waiting", (*aggregate, "sequence"), ("envelope",), Treatment.DERIVED),
        Location(database, "outbox", ("position",), ("value",), Treatment.DERIVED),
        Location(database, "idempotency", ("merchant_id", "subject", "route", "key"), ("answer",), Treatment.REWRITTEN),
        Location(database, "quarantine", ("id",), ("value", "error"), Treatment.REWRITTEN),
        Location(database, "blocked_streams", ("merchant_id", "stream"), ("reason",), Treatment.REWRITTEN),
        Location(database, "restoration", ("one_row",), ("note",), Treatment.REWRITTEN),
    )


LOCATIONS: Final = (
    Location("subscriptions", "cancellation_comments", ("merchant_id", "subscription_id"), ("comment",), Treatment.REWRITTEN),
    Location("subscriptions", "customers", _ID, ("name", "email", "tax_id", "address", "purchase_order"), Treatment.REVISED),
    Location("subscriptions", "projection", ("merchant_id",), ("doc",), Treatment.REVISED, "name = 'merchant'"),
    Location("subscriptions", "plans", _ID, ("doc",), Treatment.UNCHANGED),
    Location("invoicing", "invoices", _ID, ("issued",), Treatment.UNCHANGED),
    Location("invoicing", "credit_notes", _ID, ("issued",), Treatment.UNCHANGED),
    Location("invoicing", "parked_issues", ("merchant_id", "invoice_id"), ("envelope",), Treatment.UNCHANGED),
    Location("portal_gateway", "customer_view", ("merchant_id", "customer_id"), ("doc",), Treatment.DERIVED),
    *(location for database in DATABASES for location in _chassis_locations(database)),
)
