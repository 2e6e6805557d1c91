"""A merchant as requests describe it."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StringConstraints
from pydantic_core import PydanticCustomError

from chassis.http.bodies import StrictBody
from subscriptions.adapters.http.bodies import (
    Address,
    Colour,
    Country,
    Email,
    Instant,
    InvoiceNote,
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
from subscriptions.domain.merchant.profile import (
    UNCHANGED,
    Branding,
    BrandingPatch,
    LegalIdentity,
    MerchantProfile,
    PoliciesPatch,
    ProfilePatch,
    Unchanged,
)
from subscriptions.domain.plan.terms import Tax

T = TypeVar("T")


def _rising(days: tuple[int, ...]) -> tuple[int, ...]:
    if list(days) != sorted(set(days)):
        raise PydanticCustomError("days_must_rise", "each day must come after the one before")
    return days


ReturnOrigins = Annotated[tuple[Origin, ...], Field(max_length=20)]
RetryDays = Annotated[tuple[Annotated[StrictInt, Field(ge=1, le=90)], ...], Field(max_length=12), AfterValidator(_rising)]


class LegalBody(StrictBody):
    """The merchant as the seller on invoices."""

    name: Name
    """Legal name of the company."""
    address: Address
    """Postal address. It may contain line breaks."""
    tax_id: TaxId | None = None
    """Tax number of the company."""
    country: Country | None = None
    """ISO 3166-1 alpha-2 code: `MX`. It decides how invoices label the tax number. The label is a general one when absent."""

    def shape(self) -> LegalIdentity:
        return LegalIdentity(**self.model_dump())


class BrandingBody(StrictBody):
    """How the portal looks for the merchant's customers."""

    logo_media_id: MediaId | None = None
    """Id of the logo, from an upload. The name is shown when absent."""
    colour: Colour | None = None
    """Accent colour, as `#rrggbb`."""
    terms_url: Url | None = None
    """Address of the terms of service."""
    privacy_url: Url | None = None
    """Address of the privacy notice."""
    contact_email: Email | None = None
    """E-mail address at which customers reach the merchant."""

    def shape(self) -> Branding:
        return Branding(**self.model_dump())


class PoliciesBody(StrictBody):
    """What happens on cancellation and on unpaid renewals."""

    cancel_mode: CancelMode = "at_period_end"
    """When a customer's cancellation takes effect."""
    unpaid_renewal_on_cancel: OpenInvoices = "void"
    """What happens to unpaid invoices when a subscription is cancelled: they are voided, or stay owed."""
    retry_days: RetryDays = (1, 3, 5, 7)
    """Days after the first failure on which an unpaid renewal is charged again, ascending."""
    when_retries_end: WhenRetriesEnd = WhenRetriesEnd.CANCEL
    """What happens after the last retry: the subscription is cancelled, or stays with the status `unpaid`."""

    def shape(self) -> Policies:
        return Policies(**self.model_dump())


class NewMerchant(StrictBody):
    """A merchant to register."""

    name: Name
    """Name as customers see it."""
    legal: LegalBody
    """The merchant as the seller on invoices."""
    locale: Locale
    """BCP 47 language tag for customers without a locale of their own."""
    time_zone: TimeZone
    """IANA name. It decides the dates of invoices and of new subscriptions."""
    branding: BrandingBody = BrandingBody()
    """How the portal looks. Pictures are uploaded with the merchant's own key, so the logo is set later."""
    policies: PoliciesBody = PoliciesBody()
    """What happens on cancellation and on unpaid renewals."""
    tax: TaxBody | None = None
    """The tax of plans that have none of their own."""
    return_origins: ReturnOrigins = ()
    """Origins, as `https://shop.example`, to which the portal may send customers back, in addition to those of the terms and
    privacy pages.
    """
    invoice_series: Annotated[str, StringConstraints(strict=True, pattern="^[A-Z0-9]{1,10}$")] | None = None
    """Prefix of invoice numbers; it never changes. The initials of the name when absent."""
    sandbox: StrictBool | None = None
    """Whether the merchant is for tests. True when absent, except in a production deployment."""
    clock_starts_at: Instant | None = None
    """Where a sandbox's clock starts, RFC 3339. The present when absent."""
    invoice_note: InvoiceNote | None = None
    """Note on every invoice, such as the reason for which no tax is charged. It may contain line breaks."""

    def profile(self) -> MerchantProfile:
        return MerchantProfile(
            self.name,
            self.legal.shape(),
            self.locale,
            self.time_zone,
            self.branding.shape(),
            self.policies.shape(),
            self.tax.shape() if self.tax else None,
            self.return_origins,
            self.invoice_note,
        )


class ChangedMerchant(StrictBody):
    """Settings to change. An absent field stays as it is; branding and policies are merged field by field."""

    name: Name | None = None
    """Name as customers see it."""
    legal: LegalBody | None = None
    """The merchant as the seller on later invoices. It replaces the former one as a whole."""
    locale: Locale | None = None
    """BCP 47 language tag for customers without a locale of their own."""
    time_zone: TimeZone | None = None
    """IANA name. Subscriptions keep the time zone that they started in."""
    branding: BrandingBody | None = None
    """How the portal looks. Null in one of its fields removes the field."""
    policies: PoliciesBody | None = None
    """What happens on cancellation and on unpaid renewals."""
    tax: TaxBody | None = None
    """The tax of plans that have none of their own. Null removes it."""
    return_origins: ReturnOrigins | None = None
    """Origins to which the portal may send customers back. The list replaces the former one."""
    invoice_note: InvoiceNote | None = None
    """Note on every later invoice. It may contain line breaks. Null removes it."""

    def patch(self) -> ProfilePatch:
        return ProfilePatch(
            name=_unless_none(self.name),
            legal=self.legal.shape() if self.legal else UNCHANGED,
            locale=_unless_none(self.locale),
            time_zone=_unless_none(self.time_zone),
            branding=BrandingPatch(**self.branding.model_dump(exclude_unset=True)) if self.branding else BrandingPatch(),
            policies=PoliciesPatch(**self.policies.model_dump(exclude_unset=True)) if self.policies else PoliciesPatch(),
            tax=self._tax(),
            return_origins=_unless_none(self.return_origins),
            invoice_note=self.invoice_note if "invoice_note" in self.model_fields_set else UNCHANGED,
        )

    def _tax(self) -> Tax | Unchanged | None:
        if "tax" not in self.model_fields_set:
            return UNCHANGED
        return self.tax.shape() if self.tax else None


def _unless_none(value: T | None) -> T | Unchanged:
    """Null means the same as an absent field: these settings cannot be removed."""
    return UNCHANGED if value is None else value
