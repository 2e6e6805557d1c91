"""A merchant's settings, and the patch that changes some of them."""

from dataclasses import dataclass, field, fields, replace
from enum import Enum
from typing import Any, Literal, TypeAlias, TypeVar

from subscriptions.domain.dunning import CancelMode, OpenInvoices, Policies, WhenRetriesEnd
from subscriptions.domain.plan.terms import Tax


@dataclass(frozen=True, slots=True)
class LegalIdentity:
    name: str
    address: str
    tax_id: str | None = None
    country: str | None = None
    """ISO 3166-1 alpha-2"""


@dataclass(frozen=True, slots=True)
class Branding:
    logo_media_id: str | None = None
    colour: str | None = None
    """`#rrggbb`"""
    terms_url: str | None = None
    privacy_url: str | None = None
    contact_email: str | None = None


@dataclass(frozen=True, slots=True)
class MerchantProfile:
    name: str
    legal: LegalIdentity
    locale: str
    time_zone: str
    """IANA"""
    branding: Branding
    policies: Policies
    tax: Tax | None = None
    return_origins: tuple[str, ...] = ()
    """The merchant's own origins to which the portal may send customers back: `https://shop.example`."""
    invoice_note: str | None = None
    """Printed on every invoice."""


class _Unchanged(Enum):
    UNCHANGED = "unchanged"


Unchanged: TypeAlias = Literal[_Unchanged.UNCHANGED]
UNCHANGED: Unchanged = _Unchanged.UNCHANGED
"""The field keeps its value. None is a value: it removes an optional setting."""


@dataclass(frozen=True, slots=True)
class BrandingPatch:
    logo_media_id: str | Unchanged | None = UNCHANGED
    colour: str | Unchanged | None = UNCHANGED
    terms_url: str | Unchanged | None = UNCHANGED
    privacy_url: str | Unchanged | None = UNCHANGED
    contact_email: str | Unchanged | None = UNCHANGED


@dataclass(frozen=True, slots=True)
class PoliciesPatch:
    cancel_mode: CancelMode | Unchanged = UNCHANGED
    unpaid_renewal_on_cancel: OpenInvoices | Unchanged = UNCHANGED
    retry_days: tuple[int, ...] | Unchanged = UNCHANGED
    when_retries_end: WhenRetriesEnd | Unchanged = UNCHANGED


@dataclass(frozen=True, slots=True)
class ProfilePatch:
    """Branding and policies are merged field by field; the other fields are replaced as a whole."""

    name: str | Unchanged = UNCHANGED
    legal: LegalIdentity | Unchanged = UNCHANGED
    locale: str | Unchanged = UNCHANGED
    time_zone: str | Unchanged = UNCHANGED
    branding: BrandingPatch = field(default_factory=BrandingPatch)
    policies: PoliciesPatch = field(default_factory=PoliciesPatch)
    tax: Tax | Unchanged | None = UNCHANGED
    return_origins: tuple[str, ...] | Unchanged = UNCHANGED
    invoice_note: str | Unchanged | None = UNCHANGED

    def apply(self, profile: MerchantProfile) -> MerchantProfile:
        """The profile after the change. Fields that the patch does not name keep the values that `profile` has."""
        changes = _changes(self)
        changes["branding"] = replace(profile.branding, **_changes(self.branding))
        changes["policies"] = replace(profile.policies, **_changes(self.policies))
        return replace(profile, **changes)


_Patch = TypeVar("_Patch", BrandingPatch, PoliciesPatch, ProfilePatch)


def _changes(patch: _Patch) -> dict[str, Any]:
    values = {each.name: getattr(patch, each.name) for each in fields(patch)}
    return {name: value for name, value in values.items() if value is not UNCHANGED}
