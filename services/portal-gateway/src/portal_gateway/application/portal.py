"""Everything that a customer can do in the portal. The JSON API and the page call this one service.

A method that fails has changed nothing. It raises one of `application/refusals.py`, or passes on what a port refuses. The
problem codes that a page needs a sentence for:

- 401 `link_refused`, `session_required`; 403 `cross_origin`, `csrf_required`; 409 `session_changed`; 404 `not_found`
- cards: 402 `card_declined`, `insufficient_funds`, `expired_card`, `incorrect_cvc`; 422 `card_number_refused`; 409
  `last_payment_method`, `too_many_payment_methods`, `default_as_backup`, `next_default_changed`, `consent_changed`
- payments: 409 `due_changed` (`more`: due, total), `amount_changed` (`more`: amount, due, total), `charge_running`,
  `nothing_owed`; 429 `too_many_payments`; 409 for the subscription's rules
- 422 `invalid_request` (`errors`), `invalid_cursor`, `idempotency_key_reused`
- 429 `too_many_requests` (header `retry-after`, `more.retry_at`); 503 `service_unavailable`, `too_busy`
- 504 `outcome_unknown`: the only code after which something may have changed. Repeating the request with the same idempotency
  key returns the result.
"""

import asyncio
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from chassis.runtime.background import survives
from chassis.scope import note
from portal_gateway.application import limits
from portal_gateway.application.cards import Cards
from portal_gateway.application.downloads import Download, DownloadedDocument, ExportFormat, ExportProgress
from portal_gateway.application.history import PaymentHistory
from portal_gateway.application.ports import (
    CleanComment,
    Images,
    Invoicing,
    Limits,
    Payments,
    SecurityEvents,
    Sessions,
    Subscriptions,
    Views,
)
from portal_gateway.application.refusals import (
    CardDeclined,
    LinkRefused,
    MerchantUnknown,
    NoSuchImage,
    SessionChanged,
    SessionRequired,
    TokenRequired,
)
from portal_gateway.application.requests import CancelMode, CancelRequest, InvoiceQuery, Looks, PaymentRequest, Visitor
from portal_gateway.application.results import (
    Accepted,
    AuthenticationBegun,
    CancellationAccepted,
    CancellationPreview,
    CardSetup,
    CardUpdated,
    ChargeStarted,
    Entered,
    EnteredInvoice,
    InvoicePage,
    Neighbours,
    PaymentBegun,
    PaymentPreview,
)
from portal_gateway.application.shared_invoices import SharedInvoices
from portal_gateway.application.view import Pending, PendingKind, Position, View, Visit
from portal_gateway.domain.access import InvoiceSession, Session
from portal_gateway.domain.instants import rfc3339
from portal_gateway.domain.tokens import LinkToken, encoded, same
from portal_gateway.domain.view import CardChange, Money

WAIT_SECONDS_MAX = 1.5
"""The longest time that a page waits for the event of a command that its customer has just sent."""
_POLL_SECONDS = 0.04
_HASH = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Portal:
    sessions: Sessions
    views: Views
    subscriptions: Subscriptions
    payments: Payments
    invoicing: Invoicing
    images: Images
    limits: Limits
    history: PaymentHistory
    security: SecurityEvents
    clean_comment: CleanComment
    shared: SharedInvoices

    async def enter(
        self, link: str, visitor: Visitor, presented: str | None, presented_invoice: str | None = None
    ) -> Entered | EnteredInvoice:
        """Exchange a link (the whole URL or its token) for a new session: of the portal, or of one invoice. The session of the
        same kind that the browser presented ends.

        Raises LinkRefused, or 429 after too many refused links from the visitor's network.
        """
        token = LinkToken.read(link)
        cookie = encoded(secrets.token_bytes(32))
        opened = await self.sessions.exchange(token, cookie, presented) if token else None
        if opened is None and token and (entered := await self.shared.enter(token, presented_invoice)):
            note(entered.session.merchant_id)
            return entered
        if opened is None:
            self.security.note_refusal(
                "link", link_id=token.id if token else None, reason="opens nothing" if token else "malformed"
            )
            await self.limits.take(limits.REFUSED_LINKS, visitor.network)
            raise LinkRefused
        opened_link, session = opened
        note(session.merchant_id)
        return Entered(session, cookie, opened_link.kind, opened_link.flow)

    async def session(self, cookie: str | None, *, keep_alive: bool = True) -> Session:
        """The session of a cookie; `keep_alive` if the customer caused the request. Raises SessionRequired."""
        session = await self.sessions.session(cookie, keep_alive=keep_alive)
        if session is None:
            raise SessionRequired
        self._note(session)
        return session

    async def visit(self, cookie: str | None, after: Position | None = None, *, keep_alive: bool = True) -> Visit:
        """Session and view in one round trip; waits up to WAIT_SECONDS_MAX for `after`. Raises SessionRequired."""
        visit = await self.views.visit(cookie, keep_alive=keep_alive)
        if visit is None:
            raise SessionRequired
        self._note(visit.session)
        if after is None:
            return visit
        return replace(visit, view=await self.view(visit.session, after))

    def must_be_of(self, session: Session | InvoiceSession, csrf: str | None) -> None:
        """Check the token of a form or of X-CSRF-Token. Raises TokenRequired, SessionChanged."""
        if not csrf:
            raise TokenRequired
        if not same(session.csrf, csrf):
            raise SessionChanged

    async def leave(self, session: Session, *, revoke_link: bool = False) -> None:
        """Log out. The cookie is not valid any more."""
        await self.sessions.end(session, revoke_link=revoke_link)

    async def view(self, session: Session, after: Position | None = None) -> View:
        if after is not None:
            await self._wait_for(session, after)
        view = await self.views.view(session.merchant_id, session.customer_id)
        if view is None:
            raise MerchantUnknown
        return view

    async def cancellation_preview(
        self, session: Session, subscription_id: UUID, mode: CancelMode | None = None
    ) -> CancellationPreview:
        return await self.subscriptions.preview(session, subscription_id, mode)

    async def cancel(
        self, session: Session, subscription_id: UUID, request: CancelRequest, *, idempotency_key: str | None = None
    ) -> CancellationAccepted:
        """Cancel a subscription. Card numbers are removed from the comment; a comment never stops a cancellation."""
        await self.limits.take(limits.CANCELLATIONS, session.customer_key)
        comment = self.clean_comment(request.comment)
        request = replace(request, comment=comment.text)
        accepted = await self.subscriptions.cancel(session, subscription_id, request, idempotency_key)
        if comment.had_card:
            accepted = {**accepted, "card_number_removed": True}
        detail = {"mode": accepted["mode"], "effective_at": accepted["effective_at"]}
        await self._store_accepted(session, _pending("cancellation", accepted, detail))
        return accepted

    async def withdraw_cancellation(
        self, session: Session, subscription_id: UUID, *, idempotency_key: str | None = None
    ) -> Accepted:
        await self.limits.take(limits.CANCELLATIONS, session.customer_key)
        accepted = await self.subscriptions.withdraw_cancellation(session, subscription_id, idempotency_key)
        await self._store_accepted(session, _pending("cancellation_withdrawn", accepted, {}))
        return accepted

    async def open_card_setup(self, session: Session, *, locale: str, colour: str | None) -> CardSetup:
        """Open card entry: the address of the card frame, and what a confirmation would charge."""
        await self.limits.take(limits.CARD_SETUPS, session.customer_key)
        return await self.payments.open_setup(session, locale, colour)

    async def update_card(
        self,
        session: Session,
        setup_id: str,
        token: str,
        charge_invoices: Sequence[UUID],
        *,
        totals: Sequence[Money] | None = None,
        idempotency_key: str | None = None,
    ) -> CardUpdated:
        """Make the card the default and charge the listed invoices only. `totals` is what was shown, by currency."""
        declines = (limits.REFUSED_CARDS, session.customer_key), (limits.REFUSED_CARDS_OF_LINK, str(session.link_id))
        await self.limits.check(*declines)
        try:
            updated = await self.payments.update_card(session, setup_id, token, charge_invoices, idempotency_key, totals)
        except CardDeclined:
            await self.limits.count(*declines)
            raise
        card = _pending("payment_method", updated, updated["payment_method"])
        charges = [_pending("charge", charge, {"invoice_id": charge["invoice_id"]}) for charge in updated["charges"]]
        await self._store_accepted(session, card, *charges)
        return updated

    @property
    def cards(self) -> Cards:
        """The cards on file, and their roles."""
        return Cards(self.payments, self.limits)

    async def card_changes(self, session: Session) -> list[CardChange]:
        """The last changes of the cards on file, newest first."""
        return (await self.views.card_changes(session.merchant_id, session.customer_id))[::-1]

    async def payment_preview(self, session: Session, invoice_id: UUID) -> PaymentPreview:
        """All charges that paying this invoice now would start; none if nothing is owed on it. Raises 404."""
        return await self.payments.payment_preview(session, invoice_id)

    async def pay(
        self, session: Session, invoice_id: UUID, request: PaymentRequest, *, idempotency_key: str | None = None
    ) -> PaymentBegun:
        """Start one charge with a card on file.

        Raises 404, 409 `amount_changed` · `charge_running` · `nothing_owed`, 429 `too_many_payments`.
        """
        await self.limits.take(limits.PAYMENTS, session.customer_key)
        begun = await self.payments.pay(session, invoice_id, request, idempotency_key)
        await self._store_accepted(session, _pending("charge", begun, {"invoice_id": begun["invoice_id"]}))
        return begun

    async def authenticate(
        self, session: Session, invoice_id: UUID, request: PaymentRequest, looks: Looks, *, idempotency_key: str | None = None
    ) -> AuthenticationBegun:
        """Start one charge that the customer confirms at their bank, or open the page again for the one that waits for it.

        Raises the same as pay, and 429 `too_many_openings`.
        """
        await self.limits.take(limits.PAYMENTS, session.customer_key)
        begun = await self.payments.authenticate(session, invoice_id, request, looks, idempotency_key)
        await self._store_accepted(session, _pending("charge", begun, {"invoice_id": begun["invoice_id"]}))
        return begun

    async def invoices(self, session: Session, query: InvoiceQuery) -> InvoicePage:
        """A page of the payment history, newest first, from the gateway's own database."""
        return await self.history.page(session, query)

    async def invoice(self, session: Session, invoice_id: UUID) -> dict[str, object]:
        """One invoice as the invoicing service represents it (seller, bill_to, lines, movements), with the portal's status."""
        return await self.history.one(session, invoice_id)

    async def invoice_neighbours(self, session: Session, invoice_id: UUID) -> Neighbours:
        """The invoices before and after one; none for an invoice of another customer."""
        return await self.history.neighbours(session, invoice_id)

    async def invoice_pdf(self, session: Session, invoice_id: UUID) -> DownloadedDocument:
        await self.limits.take(limits.PDFS, session.customer_key)
        return await self.invoicing.pdf(session, invoice_id)

    async def receipt_pdf(self, session: Session, invoice_id: UUID) -> DownloadedDocument:
        """The receipt for the payment of an invoice. Raises 404, also before it is paid."""
        await self.limits.take(limits.PDFS, session.customer_key)
        return await self.invoicing.receipt_pdf(session, invoice_id)

    async def credit_note_pdf(self, session: Session, credit_note_id: UUID) -> DownloadedDocument:
        await self.limits.take(limits.PDFS, session.customer_key)
        return await self.invoicing.credit_note_pdf(session, credit_note_id)

    async def export(self, session: Session, format: ExportFormat, locale: str, year: int | None = None) -> Download:
        """The complete payment history, or that of the invoices of a year. Only exports that start are counted.

        Raises 429, also `export_running` (a customer can run one at a time), and 503.
        """
        use = limits.EXPORTS, session.customer_key
        await self.limits.check(use)
        download = await self.invoicing.export(session, format, locale, year)
        try:
            await self.limits.count(use)
        except BaseException:
            await download.over()
            raise
        return download

    async def export_progress(self, session: Session) -> ExportProgress | None:
        """The progress of the running export; None if none is running."""
        return await self.invoicing.export_progress(session)

    async def media(self, sha256: str) -> DownloadedDocument:
        """An uploaded image, by the hash of its WebP. Raises NoSuchImage, or 404 from the subscriptions service."""
        if not _HASH.fullmatch(sha256):
            raise NoSuchImage
        content = await self.images.get(sha256)
        if content is None:
            content = await self.subscriptions.media(sha256)
            await self.images.put(sha256, content)
        return DownloadedDocument(content, "image/webp", None)

    async def _wait_for(self, session: Session, position: Position) -> None:
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS_MAX
        while not await self.views.reached(session.merchant_id, session.customer_id, position):
            if asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(_POLL_SECONDS)

    async def _store_accepted(self, session: Session, *pending: Pending) -> None:
        """Store accepted commands for the page until their events arrive. The commands stay accepted if this fails."""
        await survives("accepted commands", self.views.accept(session.merchant_id, session.customer_id, pending))

    def _note(self, session: Session) -> None:
        note(session.merchant_id)
        self.security.note(merchant_id=session.merchant_id, customer_id=session.customer_id, link_id=session.link_id)


def _pending(
    kind: PendingKind,
    accepted: Accepted | AuthenticationBegun | CancellationAccepted | CardUpdated | ChargeStarted | PaymentBegun,
    detail: dict[str, Any],
) -> Pending:
    return {
        "kind": kind,
        "aggregate": accepted["aggregate"],
        "version": accepted["version"],
        "accepted_at": rfc3339(datetime.now(UTC)),
        "detail": detail,
    }
