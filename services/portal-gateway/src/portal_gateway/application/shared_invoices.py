"""What a session of an invoice link can do: see its invoice, download the PDF, and pay with a card that is not stored.

Its data contains the merchant and this invoice only: nothing of the customer's subscriptions, card, profile or other invoices.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from chassis.runtime.background import survives
from portal_gateway.application import limits
from portal_gateway.application.customer_view import empty
from portal_gateway.application.downloads import DownloadedDocument
from portal_gateway.application.history import PaymentHistory
from portal_gateway.application.limits import Limit
from portal_gateway.application.portal_links import Addresses
from portal_gateway.application.ports import InvoiceLinks, Invoicing, Limits, Payments, SecurityEvents, Views
from portal_gateway.application.refusals import CardDeclined, InvoiceSessionRequired, MerchantUnknown, NothingToConfirm
from portal_gateway.application.requests import Looks
from portal_gateway.application.results import CardSetup, ConfirmationPage, EnteredInvoice, PaymentBegun
from portal_gateway.application.view import Pending, Position, View
from portal_gateway.domain.access import InvoiceLink, InvoiceSession, Session, lifetime
from portal_gateway.domain.instants import rfc3339
from portal_gateway.domain.tokens import LinkToken, encoded
from portal_gateway.domain.view import Money

BY_CUSTOMER = "customer"
"""The creator of a link, for the merchant's list."""

SHOWN: Final = (
    *("id", "number", "issued_on", "period", "period_time_zone", "time_zone", "paid_at", "seller", "lines"),
    *("total", "net_total", "tax_total", "tax"),
)
SHOWN_OF_PAYMENT: Final = ("detail", "authenticate_until")
SHOWN_OF_BUYER: Final = ("name", "address", "country", "tax_id")


@dataclass(frozen=True, slots=True)
class SharedVisit:
    session: InvoiceSession
    view: View
    """The merchant and the accepted charges of this invoice; otherwise empty."""


@dataclass(frozen=True, slots=True)
class SharedInvoices:
    links: InvoiceLinks
    addresses: Addresses
    views: Views
    payments: Payments
    invoicing: Invoicing
    limits: Limits
    history: PaymentHistory
    security: SecurityEvents

    async def share(self, session: Session, invoice_id: UUID) -> tuple[str, datetime]:
        """Create a link to one of the customer's invoices: its URL, which is stored nowhere, and its end. Raises 404, 429."""
        await self.invoicing.invoice(session, invoice_id)
        await self.limits.take(limits.INVOICE_LINKS, f"{session.merchant_id}/{session.customer_id}")
        expires_at = (datetime.now(UTC) + lifetime("invoice", None)).replace(microsecond=0)
        link = InvoiceLink(uuid4(), session.merchant_id, session.customer_id, invoice_id, expires_at)
        pepper = self.addresses.peppers.newest
        token = self.addresses.token(link.id, None, pepper)
        await self.links.issue(link, pepper, self.addresses.peppers.digest(token, pepper), BY_CUSTOMER)
        return self.addresses.invoice_url(token), expires_at

    async def open_links(self, session: Session, invoice_id: UUID) -> int:
        """The number of links to the invoice that still work."""
        return await self.links.open_links(session.merchant_id, session.customer_id, invoice_id)

    async def revoke_links(self, session: Session, invoice_id: UUID) -> None:
        """Revoke all links to one of the customer's invoices, also those that the merchant created. Their sessions end.

        Raises 404.
        """
        await self.invoicing.invoice(session, invoice_id)
        await self.links.revoke_all(session.merchant_id, session.customer_id, invoice_id)

    async def enter(self, token: LinkToken, presented: str | None) -> EnteredInvoice | None:
        """Exchange an invoice link for a session. None if no invoice link has this token."""
        cookie = encoded(secrets.token_bytes(32))
        session = await self.links.exchange(token, cookie, presented)
        return EnteredInvoice(session, cookie) if session else None

    async def visit(self, cookie: str | None, *, keep_alive: bool = True) -> SharedVisit:
        """Raises InvoiceSessionRequired."""
        session = await self.links.session(cookie, keep_alive=keep_alive)
        if session is None:
            raise InvoiceSessionRequired
        self.security.note(merchant_id=session.merchant_id, customer_id=session.customer_id, link_id=session.link_id)
        view = await self.views.view(session.merchant_id, session.customer_id)
        if view is None:
            raise MerchantUnknown
        return SharedVisit(session, limited(view, session))

    async def invoice(self, session: InvoiceSession) -> dict[str, Any]:
        """The invoice without its history and the customer's e-mail address. That a payment has failed or waits for the bank is
        left out unless it is this session's. Raises 404.
        """
        return without_customer(await self.history.one(session, session.invoice_id), session)

    async def pdf(self, session: InvoiceSession) -> DownloadedDocument:
        await self.limits.take(limits.SHARED_PDFS, _key(session))
        return await self.invoicing.pdf(session, session.invoice_id)

    async def open_card_setup(self, session: InvoiceSession, *, locale: str, colour: str | None) -> CardSetup:
        """Open card entry for a card that is not stored. Raises 409 `nothing_owed`, 429."""
        await self.limits.take(limits.SHARED_CARD_SETUPS, _key(session))
        return await self.payments.open_payment_setup(session, locale, colour)

    async def pay(
        self, session: InvoiceSession, setup_id: str, token: str, total: Money, *, idempotency_key: str | None = None
    ) -> PaymentBegun:
        """Start one charge of the invoice. Raises 402, 404, 409 `amount_changed` · `charge_running` · `nothing_owed`, 429."""
        declines: tuple[Limit, str] = (limits.SHARED_REFUSED_CARDS, _key(session))
        await self.limits.check(declines)
        await self.limits.take(limits.SHARED_PAYMENTS, _key(session))
        try:
            begun = await self.payments.pay_with_card(session, setup_id, token, total, idempotency_key)
        except CardDeclined:
            await self.limits.count(declines)
            raise
        position = Position(begun["aggregate"], begun["version"])
        pending: Pending = {
            "kind": "charge",
            "aggregate": position.aggregate,
            "version": position.version,
            "accepted_at": rfc3339(datetime.now(UTC)),
            "detail": {"invoice_id": begun["invoice_id"]},
        }
        await survives("accepted commands", self.views.accept(session.merchant_id, session.customer_id, [pending]))
        await survives("payment of a session", self.links.store_payment(session, position, UUID(begun["id"])))
        return begun

    async def open_confirmation(self, session: InvoiceSession, looks: Looks) -> ConfirmationPage:
        """Open the page on which the payer confirms the session's charge at their bank. Raises NothingToConfirm, 404, 429."""
        if session.charge_id is None:
            raise NothingToConfirm
        await self.limits.take(limits.SHARED_CARD_SETUPS, _key(session))
        return await self.payments.open_confirmation(session, session.charge_id, looks)

    async def leave(self, session: InvoiceSession) -> None:
        await self.links.end(session)


def limited(view: View, session: InvoiceSession) -> View:
    """The view without everything that is not the merchant's or about a charge of this invoice."""
    own = tuple(it for it in view.pending if it["kind"] == "charge" and it["detail"].get("invoice_id") == str(session.invoice_id))
    return replace(view, facts=empty(session.customer_id), revision=0, pending=own)


def without_customer(facts: Mapping[str, Any], session: InvoiceSession) -> dict[str, Any]:
    """What is printed on the invoice, without the customer's e-mail address, card and earlier attempts to pay; and of the
    session's own payment why it failed, and how long it waits for the payer's bank.
    """
    charge, own_charge = facts.get("charge_id"), session.charge_id and str(session.charge_id)
    own = {name: facts[name] for name in SHOWN_OF_PAYMENT if charge and charge == own_charge and name in facts}
    has_paid = session.paying is not None and charge in (None, own_charge)
    buyer = {name: value for name, value in (facts.get("bill_to") or {}).items() if name in SHOWN_OF_BUYER}
    status = "open" if facts["status"] == "failed" and not has_paid else facts["status"]
    return {name: facts.get(name) for name in SHOWN} | {"bill_to": buyer, "status": status, "payment_method": None} | own


def _key(session: InvoiceSession) -> str:
    return f"{session.merchant_id}/{session.invoice_id}"
