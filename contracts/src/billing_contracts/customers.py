"""The current profile of each customer, on the compacted topic `billing.customers`: the only topic with personal data.

A record without a value (a tombstone) says that the customer was erased.
"""

from billing_contracts.envelope import EventData


class CustomerProfile(EventData):
    """The whole profile, each time it changes; the envelope's `sequence` is its revision."""

    TYPE = "billing.customers.CustomerProfile.v1"

    name: str
    email: str
    locale: str | None = None
    country: str | None = None
    """ISO 3166 alpha-2"""
    tax_id: str | None = None
    address: str | None = None
