"""What a customer can do here. The JSON API and the page are two ways of asking this one service.

Everything raises chassis.http.problems.Problem when it cannot be done, having changed nothing. Codes that a page should
have words for: 401 `link_refused` (absent, malformed, unknown, expired, revoked or used: the same for all), 401
`session_required`, 403 `cross_origin`, 403 `csrf_required`, 409 `session_changed` (a form of another session), 404
`not_found`, 409 `due_changed` (`more`: due, total), 409 `amount_changed` (`more`: amount, due, total) · `charge_running` ·
`nothing_owed`, 429 `too_many_payments`, 402 `card_declined` · `insufficient_funds` · `expired_card` ·
`incorrect_cvc`, 409 of the subscription's rules, 422 `invalid_request` (`errors`), 422 `card_number_refused`, 422
`invalid_cursor`, 422 `idempotency_key_reused`, 429 `too_many_requests` (header `retry-after`, `more.retry_at`), 503
`service_unavailable` · `too_busy`. One code only is of something that may have changed: 504 `outcome_unknown`, where the same
again under the same idempotency key gets the answer.
"""

import asyncio
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from chassis.http import security_events
from chassis.http.free_text import clean
from chassis.http.problems import Problem, not_found
from chassis.runtime.background import survives
from chassis.scope import note
from portal_gateway.application import limits
from portal_gateway.application.downloads import Document, Download, ExportFormat, ExportProgress
from portal_gateway.application.history import History
from portal_gateway.application.ports import Images, Invoicing, Limits, Payments, Sessions, Subscriptions, Views
from portal_gateway.application.requests import CancelMode, InvoiceQuery, PaymentRequest, Visitor
from portal_gateway.application.results import (
    Accepted,
    CancellationAccepted,
    CancellationPreview,
    CardSetup,
    CardUpdated,
    ChargeStarted,
    Entered,
    InvoicePage,
    PaymentBegun,
    PaymentPreview,
)
from portal_gateway.application.view import Pending, PendingKind, Position, View, Visit
from portal_gateway.domain.access import Session
from portal_gateway.domain.instants import rfc3339
from portal_gateway.domain.tokens import LinkToken, encoded, same
from portal_gateway.domain.view import Money

PATIENCE_SECONDS = 1.5
"""How long a page waits for what its customer has just done."""
_GLANCE_SECONDS = 0.04
_HASH = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Portal:
    access: Sessions
    views: Views
    subscriptions: Subscriptions
    payments: Payments
    invoicing: Invoicing
    images: Images
    limits: Limits
    history: History

    async def enter(self, link: str, visitor: Visitor, presented: str | None) -> Entered:
        """Exchanges a link (the whole URL or its token) for a new session; the one presented by the browser ends.

        Raises 401 `link_refused`; 429 in its place once too many that open nothing came from there.
        """
        token = LinkToken.read(link)
        cookie = encoded(secrets.token_bytes(32))
        opened = await self.access.exchange(token, cookie, presented) if token else None
        if opened is None:
            security_events.refused("link", link_id=token.id if token else None, reason="opens nothing" if token else "malformed")
            await self.limits.take(limits.REFUSED_LINKS, visitor.network)
            raise link_refused()
        found, session = opened
        note(session.merchant_id)
        return Entered(session, cookie, found.kind, found.flow)

    async def session(self, cookie: str | None, *, keep_alive: bool = True) -> Session:
        """The session of a cookie; `keep_alive` when this is the customer's doing. Raises 401 `session_required`."""
        session = await self.access.session(cookie, keep_alive=keep_alive)
        if session is None:
            raise session_required()
        _noted(session)
        return session

    async def visit(self, cookie: str | None, after: Position | None = None, *, keep_alive: bool = True) -> Visit:
        """Session and view in one round trip; waits up to 1.5 s for `after`. Raises 401 `session_required`."""
        visit = await self.views.visit(cookie, keep_alive=keep_alive)
        if visit is None:
            raise session_required()
        _noted(visit.session)
        if after is None:
            return visit
        return replace(visit, view=await self.view(visit.session, after))

    def must_be_of(self, session: Session, csrf: str | None) -> None:
        """Checks the token of a form or of X-CSRF-Token. Raises 403 `csrf_required`, 409 `session_changed`."""
        if not csrf:
            raise Problem(403, "csrf_required", "The request does not carry its session's token")
        if not same(session.csrf, csrf):
            raise session_changed()

    async def leave(self, session: Session, *, revoke_link: bool = False) -> None:
        """Logs out; the cookie is worth nothing from now on."""
        await self.access.end(session, revoke_link=revoke_link)

    async def view(self, session: Session, after: Position | None = None) -> View:
        if after is not None:
            await self._wait_for(session, after)
        view = await self.views.view(session.merchant_id, session.customer_id)
        if view is None:
            raise Problem(503, "service_unavailable", "The merchant is not known here yet")
        return view

    async def cancellation_preview(
        self, session: Session, subscription_id: UUID, mode: CancelMode | None = None
    ) -> CancellationPreview:
        return await self.subscriptions.preview(session, subscription_id, mode)

    async def cancel(
        self,
        session: Session,
        subscription_id: UUID,
        *,
        mode: CancelMode | None = None,
        feedback: str | None = None,
        comment: str | None = None,
        idempotency_key: str | None = None,
    ) -> CancellationAccepted:
        """What cannot be kept of the comment is left out of it: a comment stops no cancellation."""
        await self.limits.take(limits.CANCELLATIONS, _who(session))
        remark = clean(comment)
        accepted = await self.subscriptions.cancel(session, subscription_id, mode, feedback, remark.text, idempotency_key)
        if remark.had_card:
            accepted = {**accepted, "card_number_removed": True}
        detail = {"mode": accepted["mode"], "effective_at": accepted["effective_at"]}
        await self._keep_accepted(session, _pending("cancellation", accepted, detail))
        return accepted

    async def keep(self, session: Session, subscription_id: UUID, *, idempotency_key: str | None = None) -> Accepted:
        """Withdraws a scheduled cancellation."""
        await self.limits.take(limits.CANCELLATIONS, _who(session))
        accepted = await self.subscriptions.keep(session, subscription_id, idempotency_key)
        await self._keep_accepted(session, _pending("cancellation_withdrawn", accepted, {}))
        return accepted

    async def open_card_setup(self, session: Session, *, locale: str, colour: str | None) -> CardSetup:
        """Opens card entry: the frame's address, and what confirming would charge."""
        await self.limits.take(limits.CARD_SETUPS, _who(session))
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
        """Makes the card the default and charges what was listed, nothing else. `totals` is what was shown, by currency."""
        refusals = (limits.REFUSED_CARDS, _who(session)), (limits.REFUSED_CARDS_OF_LINK, str(session.link_id))
        await self.limits.check(*refusals)
        try:
            updated = await self.payments.update_card(session, setup_id, token, charge_invoices, idempotency_key, totals)
        except Problem as problem:
            if problem.status == 402:
                await self.limits.count(*refusals)
            raise
        card = _pending("payment_method", updated, updated["payment_method"])
        charges = [_pending("charge", charge, {"invoice_id": charge["invoice_id"]}) for charge in updated["charges"]]
        await self._keep_accepted(session, card, *charges)
        return updated

    async def payment_preview(self, session: Session, invoice_id: UUID) -> PaymentPreview:
        """All that paying this invoice now would charge; what is due is empty when nothing is owed on it. Raises 404."""
        return await self.payments.payment_preview(session, invoice_id)

    async def pay(
        self, session: Session, invoice_id: UUID, asked: PaymentRequest, *, idempotency_key: str | None = None
    ) -> PaymentBegun:
        """Begins one charge with a card on file. Raises 404, 409 `amount_changed` · `charge_running` · `nothing_owed`, 429
        `too_many_payments`.
        """
        await self.limits.take(limits.PAYMENTS, _who(session))
        begun = await self.payments.pay(session, invoice_id, asked, idempotency_key)
        await self._keep_accepted(session, _pending("charge", begun, {"invoice_id": begun["invoice_id"]}))
        return begun

    async def invoices(self, session: Session, query: InvoiceQuery) -> InvoicePage:
        """The history, newest first; answered from what is kept here."""
        return await self.history.page(session, query)

    async def invoice(self, session: Session, invoice_id: UUID) -> dict[str, object]:
        """One invoice as the invoicing service shows it (seller, bill_to, lines, movements), with this portal's status word."""
        return await self.history.one(session, invoice_id)

    async def invoice_pdf(self, session: Session, invoice_id: UUID) -> Document:
        await self.limits.take(limits.PDFS, _who(session))
        return await self.invoicing.pdf(session, invoice_id)

    async def export(self, session: Session, format: ExportFormat, locale: str) -> Download:
        """The complete payment history. Raises 429, also `export_running`: one at a time per customer; 503.

        A refused one is not counted.
        """
        used = limits.EXPORTS, _who(session)
        await self.limits.check(used)
        download = await self.invoicing.export(session, format, locale)
        try:
            await self.limits.count(used)
        except BaseException:
            await download.over()
            raise
        return download

    async def export_progress(self, session: Session) -> ExportProgress | None:
        """How far the running export is; None when none is running."""
        return await self.invoicing.export_progress(session)

    async def media(self, sha256: str) -> Document:
        """An uploaded image, by the hash of its WebP. Raises 404."""
        if not _HASH.fullmatch(sha256):
            raise not_found()
        content = await self.images.kept(sha256)
        if content is None:
            content = await self.subscriptions.media(sha256)
            await self.images.keep(sha256, content)
        return Document(content, "image/webp", None)

    async def _wait_for(self, session: Session, position: Position) -> None:
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while not await self.views.reached(session.merchant_id, session.customer_id, position):
            if asyncio.get_running_loop().time() > deadline:
                return
            await asyncio.sleep(_GLANCE_SECONDS)

    async def _keep_accepted(self, session: Session, *pending: Pending) -> None:
        """For the page, until the outcome is projected. The command has been accepted: that this is not kept does not undo it."""
        await survives("accepted commands", self.views.accept(session.merchant_id, session.customer_id, pending))


def link_refused() -> Problem:
    """The one answer to a link that is absent, malformed, unknown, expired, revoked or used."""
    return Problem(401, "link_refused", "This link opens nothing")


def session_required() -> Problem:
    return Problem(401, "session_required", "There is no session, or it has ended")


def session_changed() -> Problem:
    return Problem(409, "session_changed", "The page belongs to another session; nothing was changed")


def _noted(session: Session) -> None:
    note(session.merchant_id)
    security_events.note(merchant_id=session.merchant_id, customer_id=session.customer_id, link_id=session.link_id)


def _who(session: Session) -> str:
    return f"{session.merchant_id}/{session.customer_id}"


def _pending(
    kind: PendingKind,
    accepted: Accepted | CancellationAccepted | CardUpdated | ChargeStarted | PaymentBegun,
    detail: dict[str, Any],
) -> Pending:
    return {
        "kind": kind,
        "aggregate": accepted["aggregate"],
        "version": accepted["version"],
        "accepted_at": rfc3339(datetime.now(UTC)),
        "detail": detail,
    }
