"""The seller and the buyer, as printed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seller:
    """The merchant's legal identity."""

    name: str
    address: str
    tax_id: str | None = None
    country: str | None = None
    """ISO 3166-1 alpha-2. None on older invoices."""


@dataclass(frozen=True, slots=True)
class BillTo:
    """The buyer's details. No event contains them, only the hash of their ciphertext."""

    name: str
    email: str
    address: str | None = None
    tax_id: str | None = None
    country: str | None = None
    """ISO 3166-1 alpha-2. None on older invoices."""
    purchase_order: str | None = None


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Appearance and language of the document, fixed when it is issued, so that it never changes."""

    brand: str
    """The merchant's trade name."""
    locale: str
    """`es-MX`"""
    time_zone: str
    """IANA"""
    colour: str | None = None
    """`#rrggbb`"""
    contact_email: str | None = None
    logo: str | None = None
    """The SHA-256 of the picture, in hex."""
    paper: str = "a4"
    """`a4` or `us-letter`"""
    layout: int = 1
    """Number of the template. A later template never changes older documents."""
    decimals: int | None = None
    """Decimals of the amounts. None on older invoices."""
    note: str | None = None
    """The merchant's note on every invoice."""
