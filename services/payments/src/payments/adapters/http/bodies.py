"""Request bodies, and parts of answers that several routes share."""

from collections.abc import Sequence
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, StrictBool, StrictInt, StrictStr, StringConstraints, model_validator

from chassis.http.bodies import StrictBody
from payments.application.card_setup import Purpose
from payments.application.pay_now import Shown
from payments.domain.dues import Due, DueList, totals
from payments.domain.shapes import Money

Invoices = Annotated[tuple[UUID, ...], Field(max_length=1000)]
Token = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9_-]{1,100}$")]


Locale = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,3}$")]


class OpenPage(StrictBody):
    """How a page of this service looks."""

    locale: Locale = "es"
    """BCP 47 language tag of the page."""
    colour: Annotated[str, StringConstraints(strict=True, pattern=r"^#[0-9a-f]{6}$")] | None = None
    """Accent colour, as `#rrggbb`."""
    portal_origin: StrictStr | None = None
    """Origin of the page that will frame the card page. Only the portal's own is accepted."""


class OpenSetUp(OpenPage):
    """What the card page is opened for, and how it looks."""

    purpose: Purpose = "default"
    """`default`: the card becomes the default. `add`: it is stored beside the others, and nothing is charged."""


class Amount(StrictBody):
    """An amount of money."""

    amount_minor: Annotated[StrictInt, Field(ge=0, le=2**53)]
    """Amount in the currency's smallest unit: 2999 is 29.99 USD."""
    currency: Annotated[str, StringConstraints(strict=True, pattern="^[A-Z]{3}$")]
    """ISO 4217 code."""

    def shape(self) -> Money:
        return Money(self.amount_minor, self.currency)


class NewDefault(StrictBody):
    """A card that was typed on the card page, and the charges that the customer confirmed with it."""

    setup_id: UUID
    """The set-up of the page that was shown."""
    token: Token
    """The card page's token for the card that was typed."""
    charge_invoices: Invoices = ()
    """Ids of all invoices that were listed in `due`. A list that differs from what is due is refused with `due_changed`."""
    totals: Annotated[tuple[Amount, ...], Field(max_length=10)] | None = None
    """The sums that were shown, one for each currency. Compared when given."""


class ShownPayment(StrictBody):
    """The card to charge, and what was shown before the confirmation."""

    payment_method_id: UUID | None = None
    """The card on file to charge. The customer's default when absent."""
    amount_minor: Annotated[StrictInt, Field(ge=0, le=2**53)] | None = None
    """The total that was shown, in the currency's smallest unit: the invoice and the periods that have begun since. Compared when
    given, together with `currency`.
    """
    currency: Annotated[str, StringConstraints(strict=True, pattern="^[A-Z]{3}$")] | None = None
    """ISO 4217 code of the total that was shown."""
    charge_invoices: Invoices | None = None
    """Ids of all invoices that were listed in `due`. Compared when given."""
    effect: Annotated[str, StringConstraints(strict=True, pattern="^[a-z]{1,20}$")] | None = None
    """The effect on the subscription that was shown. Compared when given."""

    @model_validator(mode="after")
    def an_amount_has_a_currency(self) -> Self:
        if (self.amount_minor is None) != (self.currency is None):
            raise ValueError("amount_minor and currency come together")
        return self

    def shown(self) -> Shown:
        total = None
        if self.amount_minor is not None and self.currency is not None:
            total = Money(self.amount_minor, self.currency)
        charges = frozenset(self.charge_invoices) if self.charge_invoices is not None else None
        return Shown(total, charges, self.effect)


class NewCharge(ShownPayment):
    """An open invoice to pay now. A merchant may send the invoice alone; a customer also names the card and the amount."""

    invoice_id: UUID
    """The open invoice."""


class NewAuthentication(ShownPayment, OpenPage):
    """A payment that the customer confirms at their bank, and how the page for it looks."""


class OpenPaymentSetUp(OpenPage):
    """How the card page looks, and the invoice that is paid there."""

    invoice_id: UUID
    """The open invoice."""


class OneTimeCharge(StrictBody):
    """A card that was typed on the card page to pay one invoice, and that is not stored."""

    invoice_id: UUID
    """The open invoice."""
    setup_id: UUID
    """The set-up of the page that was shown."""
    token: Token
    """The card page's token for the card that was typed."""
    amount_minor: Annotated[StrictInt, Field(ge=0, le=2**53)]
    """The total that was shown, in the currency's smallest unit."""
    currency: Annotated[str, StringConstraints(strict=True, pattern="^[A-Z]{3}$")]
    """ISO 4217 code of the total that was shown."""


class NewMethod(StrictBody):
    """A card to keep."""

    token: Token
    """The provider's token for the card."""
    make_default: StrictBool = True
    """Whether the card becomes the default. A customer's first card always does."""


class CardToMigrate(StrictBody):
    """A card on file, and the same card in the merchant's account."""

    old: Token
    """The card on file: its id, or the id that its provider has for it, such as `pm_…`."""
    new: Token
    """The id of the imported card at the provider: `pm_…`"""
    dry_run: StrictBool = False
    """Whether to check only. Then nothing is changed."""


class TypedCard(StrictBody):
    """A card that was typed on the card page."""

    token: Token
    """The card page's token for the card."""


class ChosenBackup(StrictBody):
    """The customer's consent to be charged with this card if the default fails."""

    text: Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9.-]{0,39}$")]
    """Version of the text that the customer agreed to."""
    language: Locale
    """BCP 47 tag of the language in which it was shown."""


def money_json(amount: Money) -> dict[str, Any]:
    return {"amount_minor": amount.amount_minor, "currency": amount.currency}


def due_json(due: Sequence[Due], *, more: bool = False) -> dict[str, Any]:
    """`due`; `total`, null if nothing is due or in several currencies; `more` if periods are left out."""
    sums = totals(due)
    total = money_json(sums[0]) if len(sums) == 1 else None
    return {"due": [_line(each) for each in due], "total": total} | ({"more": True} if more else {})


def listed_json(listed: DueList) -> dict[str, Any]:
    return due_json(listed.due, more=listed.more)


def _line(due: Due) -> dict[str, Any]:
    """A begun period has no number yet; its id is the one that its invoice will have."""
    line: dict[str, Any] = {"invoice_id": str(due.invoice_id), "number": due.number, "amount": money_json(due.amount)}
    if due.effect:
        line |= {"subscription_id": str(due.subscription_id), "effect": due.effect}
    if due.number is None and due.period:
        period = {"start": due.period.start.isoformat(), "end": due.period.end.isoformat()}
        line |= {"subscription_id": str(due.subscription_id), "period": period}
    return line
