"""A merchant as requests describe it."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StringConstraints
from pydantic_core import PydanticCustomError

from chassis.http.bodies import StrictBody
from subscriptions.adapters.http.bodies import (
    Address,
    Colour,
    Email,
    Instant,
    Locale,
    MediaId,
    Name,
    Origin,
    TaxBody,
    TaxId,
    TimeZone,
    Url,
)
from subscriptions.domain.dunning import CancelMode, OpenInvoices, Policies, WhenRetriesEnd
from subscriptions.domain.merchant import Branding, LegalIdentity, Profile


def _rising(days: tuple[int, ...]) -> tuple[int, ...]:
    if list(days) != sorted(set(days)):
        raise PydanticCustomError("days_must_rise", "each day must come after the one before")
    return days


ReturnOrigins = Annotated[tuple[Origin, ...], Field(max_length=20)]
RetryDays = Annotated[tuple[Annotated[StrictInt, Field(ge=1, le=90)], ...], Field(max_length=12), AfterValidator(_rising)]


class LegalBody(StrictBody):
    name: Name
    address: Address
    tax_id: TaxId | None = None

    def shape(self) -> LegalIdentity:
        return LegalIdentity(self.name, self.address, self.tax_id)


class BrandingBody(StrictBody):
    logo_media_id: MediaId | None = None
    colour: Colour | None = None
    terms_url: Url | None = None
    privacy_url: Url | None = None
    contact_email: Email | None = None

    def shape(self) -> Branding:
        return Branding(**self.model_dump())


class PoliciesBody(StrictBody):
    cancel_mode: CancelMode = "at_period_end"
    unpaid_renewal_on_cancel: OpenInvoices = "void"
    retry_days: RetryDays = (1, 3, 5, 7)
    when_retries_end: WhenRetriesEnd = WhenRetriesEnd.CANCEL

    def shape(self) -> Policies:
        return Policies(**self.model_dump())


class NewMerchant(StrictBody):
    name: Name
    legal: LegalBody
    locale: Locale
    time_zone: TimeZone
    branding: BrandingBody = BrandingBody()
    policies: PoliciesBody = PoliciesBody()
    tax: TaxBody | None = None
    return_origins: ReturnOrigins = ()
    invoice_series: Annotated[str, StringConstraints(strict=True, pattern="^[A-Z0-9]{1,10}$")] | None = None
    """The initials of the name, when absent."""
    sandbox: StrictBool | None = None
    """When absent: yes, but for production."""
    clock_starts_at: Instant | None = None

    def profile(self) -> Profile:
        return Profile(
            self.name,
            self.legal.shape(),
            self.locale,
            self.time_zone,
            self.branding.shape(),
            self.policies.shape(),
            self.tax.shape() if self.tax else None,
            self.return_origins,
        )


class ChangedMerchant(StrictBody):
    """What is absent stays as it is; branding and policies are merged field by field."""

    name: Name | None = None
    legal: LegalBody | None = None
    locale: Locale | None = None
    time_zone: TimeZone | None = None
    branding: BrandingBody | None = None
    policies: PoliciesBody | None = None
    tax: TaxBody | None = None
    return_origins: ReturnOrigins | None = None

    def applied_to(self, profile: Profile) -> Profile:
        changes: dict[str, Any] = {
            field: getattr(self, field)
            for field in ("name", "locale", "time_zone", "return_origins")
            if getattr(self, field) is not None
        }
        if self.legal:
            changes["legal"] = self.legal.shape()
        if self.branding:
            changes["branding"] = replace(profile.branding, **self.branding.model_dump(exclude_unset=True))
        if self.policies:
            changes["policies"] = replace(profile.policies, **self.policies.model_dump(exclude_unset=True))
        if "tax" in self.model_fields_set:
            changes["tax"] = self.tax.shape() if self.tax else None
        return replace(profile, **changes)
