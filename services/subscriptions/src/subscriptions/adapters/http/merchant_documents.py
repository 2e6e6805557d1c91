"""What the routes about merchants answer with, for the description of the API: fields are only added."""

from uuid import UUID

from pydantic import BaseModel

from billing_contracts import shapes, subscriptions


class Credentials(BaseModel):
    """A new API key. It is shown once."""

    id: str
    """Id of what was created: the merchant's after a registration, else the key's."""
    api_key: str
    """The key: `sk_test_…` in a sandbox, `sk_live_…` otherwise. It is stored nowhere and cannot be read again."""


class Key(BaseModel):
    """An API key, without its secret."""

    id: str
    """Id of the key."""
    scopes: list[str]
    """What the key may do. `*` is everything that its merchant may do; no other scope exists yet."""
    revoked: bool
    """True when the key is no longer accepted."""
    current: bool
    """True for the key with which the request was made."""


class KeyPage(BaseModel):
    """The merchant's API keys."""

    items: list[Key]
    """Oldest first; at most 100 revoked ones, the latest."""
    next_cursor: str | None
    """Always null: all keys fit on one page."""


class Merchant(BaseModel):
    """A merchant's settings."""

    id: UUID
    """Id of the merchant."""
    name: str
    """Name as customers see it."""
    legal: subscriptions.LegalIdentity
    """The merchant as the seller on invoices."""
    locale: str
    """BCP 47 language tag that applies to customers without a locale of their own."""
    time_zone: str
    """IANA name. It decides the dates of invoices and of new subscriptions."""
    branding: subscriptions.Branding
    """How the portal looks for the merchant's customers."""
    policies: subscriptions.Policies
    """What happens on cancellation and on unpaid renewals."""
    tax: shapes.Tax | None
    """The tax of plans that have none of their own. Null when the merchant charges no tax."""
    return_origins: list[str]
    """Origins to which the portal may send customers back, in addition to those of the terms and privacy pages."""
    invoice_series: str
    """Prefix of the merchant's invoice numbers: `TS` in `TS-000001`."""
    api_keys: list[subscriptions.ApiKey]
    """The merchant's API keys, without their secrets."""
    sandbox: bool
    """True when the merchant is for tests: no real money moves, and its clock can be moved."""
    clock_offset_seconds: float
    """The merchant's clock minus the wall clock, in seconds. Zero, except in a sandbox with a test clock."""
    invoice_note: str | None
    """Note on every invoice. Null when there is none."""


class Picture(BaseModel):
    """A stored picture."""

    media_id: str
    """Id of the picture, for `logo_media_id` and `image_media_id`: SHA-256 of the stored WebP file, in hex."""
    width: int
    """Width in pixels, 512 at most."""
    height: int
    """Height in pixels, 512 at most."""
