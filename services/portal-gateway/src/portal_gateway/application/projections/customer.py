"""The document of a customer's profile."""

from billing_contracts import customers
from billing_contracts.envelope import Envelope
from chassis.projections.projection import Document

TYPES = frozenset({customers.CustomerProfile.TYPE})


def fold(document: Document | None, envelope: Envelope) -> Document:
    """name, email, locale, country: the page needs nothing else of the profile"""
    return {field: envelope.data.get(field) for field in ("name", "email", "locale", "country")}
