"""The current profile of each customer, on the compacted topic `billing.customers`: the only topic with personal data.

A record without a value (a tombstone) means that the customer was erased.
"""

from typing import Annotated

from pydantic import Field

from billing_contracts.envelope import EventData


class CustomerProfile(EventData):
    """The customer's whole profile, sent each time it changes. The envelope's `sequence` is its revision."""

    TYPE = "billing.customers.CustomerProfile.v1"

    name: str
    """Full name of the person or company, as invoices name the buyer. Personal data."""
    email: str
    """E-mail address. Personal data."""
    locale: str | None = None
    """BCP 47 language tag in which the customer is addressed. The merchant's locale applies when absent."""
    country: str | None = None
    """ISO 3166-1 alpha-2 code of the customer's country."""
    tax_id: str | None = None
    """Tax number, as invoices print it: an RFC in Mexico, a VAT number in Europe. Personal data."""
    address: str | None = None
    """Postal address, as invoices print it. It may contain line breaks. Personal data."""
    purchase_order: Annotated[str | None, Field(examples=["OC-2023-0117"])] = None
    """The buyer's purchase order or other reference, as invoices print it."""
