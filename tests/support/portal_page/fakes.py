"""A portal with one customer on stand-ins for all ports, behind the real routes of the page."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from starlette.types import ASGIApp

from chassis.http import free_text, security_events
from chassis.http.app import equip
from chassis.http.page_cursors import Cursors
from chassis.http.problems import Problem, not_found
from portal_gateway.adapters.api.routes import api_routes
from portal_gateway.adapters.guard import Guard
from portal_gateway.adapters.media import media_routes
from portal_gateway.adapters.page.routes import nowhere, routes
from portal_gateway.adapters.page_cursors import HistoryCursors
from portal_gateway.adapters.refusals import REFUSALS
from portal_gateway.application.downloads import Download, DownloadedDocument, ExportProgress
from portal_gateway.application.history import PaymentHistory
from portal_gateway.application.live import Glance, mark, minutes_late
from portal_gateway.application.portal import Portal
from portal_gateway.application.portal_links import Addresses
from portal_gateway.application.requests import CancelMode, CancelRequest
from portal_gateway.application.results import (
    Accepted,
    CancellationAccepted,
    CancellationPreview,
    InvoiceName,
    Neighbours,
)
from portal_gateway.application.shared_invoices import SharedInvoices
from portal_gateway.application.view import Position, View, Visit
from portal_gateway.domain.access import Flow, InvoiceLink, InvoiceSession, Link, Session
from portal_gateway.domain.receipts import has_receipt
from portal_gateway.domain.tokens import LinkToken, Peppers
from portal_gateway.domain.view import PANES, CardChange
from support.portal_page import scenes
from support.portal_page.payments_fake import CARDS, Payments
from support.shared_apps import Placeholder, with_fakes

ORIGIN = "http://127.0.0.1:8000"
COOKIE = "a" * 43
TOKEN = LinkToken(scenes.LINK, "s" * 43)
INVOICE_TOKEN = LinkToken(scenes.LINK, "i" * 43)


@dataclass
class Access:
    session_of_ana: Session
    flow: Flow | None = None
    cookie: str = COOKIE
    ended: list[bool] = field(default_factory=list)
    refuses: Problem | None = None
    """The refusal of every exchange of a link."""

    async def exchange(self, token: LinkToken, cookie: str, presented: str | None) -> tuple[Link, Session] | None:
        if self.refuses:
            raise self.refuses
        if token != TOKEN:
            return None
        self.cookie = cookie
        link = Link(scenes.LINK, scenes.MERCHANT, scenes.CUSTOMER, "portal", datetime.now(UTC) + timedelta(days=1), self.flow)
        return link, self.session_of_ana

    async def session(self, cookie: str | None, *, keep_alive: bool) -> Session | None:
        if cookie != self.cookie or self.ended:
            return None
        if keep_alive:
            self.session_of_ana = replace(self.session_of_ana, seen_at=datetime.now(UTC))
        return self.session_of_ana

    async def end(self, session: Session, *, revoke_link: bool) -> None:
        self.ended.append(revoke_link)


@dataclass
class InvoiceLinks:
    """The links to one invoice, with at most one session."""

    live: InvoiceSession | None = None
    issued: list[InvoiceLink] = field(default_factory=list)
    cookie: str = COOKIE

    async def issue(self, link: InvoiceLink, pepper: str, digest: bytes, created_by: str) -> None:
        self.issued.append(link)

    async def open_links(self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID) -> int:
        return len(self.issued)

    async def revoke_all(self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID) -> None:
        self.issued.clear()

    async def exchange(self, token: LinkToken, cookie: str, presented: str | None) -> InvoiceSession | None:
        if token != INVOICE_TOKEN:
            return None
        self.cookie = cookie
        return self.live

    async def session(self, cookie: str | None, *, keep_alive: bool) -> InvoiceSession | None:
        return self.live if cookie == self.cookie else None

    async def store_payment(self, session: InvoiceSession, position: Position, charge_id: UUID) -> None:
        self.live = replace(session, paying=str(position), charge_id=charge_id)

    async def end(self, session: InvoiceSession) -> None:
        self.live = None


@dataclass
class Views:
    shown: View
    access: Access
    changes: list[CardChange] = field(default_factory=list, kw_only=True)
    """Oldest first."""

    async def card_changes(self, merchant_id: UUID, customer_id: UUID) -> list[CardChange]:
        return self.changes

    async def visit(self, cookie: str | None, *, keep_alive: bool) -> Visit | None:
        session = await self.access.session(cookie, keep_alive=keep_alive)
        return Visit(session, self.shown) if session else None

    async def view(self, merchant_id: UUID, customer_id: UUID) -> View | None:
        return self.shown

    async def reached(self, merchant_id: UUID, customer_id: UUID, position: Position) -> bool:
        return True

    async def glance(self, cookie: str) -> Glance | None:
        if not await self.access.session(cookie, keep_alive=False):
            return None
        shown = self.shown
        late = minutes_late(shown.as_of, shown.stale, datetime.now(UTC))
        return Glance(shown.revision, dict.fromkeys(PANES, shown.revision), mark(shown.pending, late))

    async def invoices(self, *_: Any) -> list[Any]:
        return []

    async def invoice(self, *_: Any) -> None:
        return None

    async def neighbours(self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID) -> Neighbours:
        names = [InvoiceName(row["id"], row["number"]) for row in self.shown.facts["invoices"]]
        at = next((place for place, name in enumerate(names) if name.id == str(invoice_id)), None)
        if at is None:
            return Neighbours(None, None)
        return Neighbours(names[at + 1] if at + 1 < len(names) else None, names[at - 1] if at else None)

    async def accept(self, *_: Any) -> None:
        return None


@dataclass
class Subscriptions:
    preview_is: CancellationPreview
    refuses: Problem | None = None
    refuses_preview: Problem | None = None
    previewed: list[CancelMode | None] = field(default_factory=list)
    commands: list[dict[str, Any]] = field(default_factory=list)

    async def preview(self, session: Session, subscription_id: UUID, mode: CancelMode | None) -> CancellationPreview:
        self.previewed.append(mode)
        if self.refuses_preview:
            raise self.refuses_preview
        return self.preview_is

    async def cancel(
        self,
        session: Session,
        subscription_id: UUID,
        request: CancelRequest,
        key: str | None,
    ) -> CancellationAccepted:
        self.commands.append({"cancel": subscription_id, **asdict(request), "key": key})
        if self.refuses:
            raise self.refuses
        effective = scenes.instant(2023, 6, 14)
        return {"aggregate": f"subscription-{subscription_id}", "version": 13, "effective_at": effective, "mode": "at_period_end"}

    async def withdraw_cancellation(self, session: Session, subscription_id: UUID, key: str | None) -> Accepted:
        self.commands.append({"keep": subscription_id, "key": key})
        if self.refuses:
            raise self.refuses
        return {"aggregate": f"subscription-{subscription_id}", "version": 14}

    async def media(self, sha256: str) -> bytes:
        raise not_found()


@dataclass
class Invoicing:
    """Has one invoice."""

    invoice_is: dict[str, Any] = field(default_factory=scenes.whole_invoice)

    async def invoice(self, session: Session | InvoiceSession, invoice_id: UUID) -> dict[str, Any]:
        if str(invoice_id) != self.invoice_is["id"]:
            raise not_found()
        return self.invoice_is

    async def pdf(self, session: Session | InvoiceSession, invoice_id: UUID) -> DownloadedDocument:
        return DownloadedDocument(b"%PDF-1.7", "application/pdf", "TS-000014.pdf")

    async def receipt_pdf(self, session: Session, invoice_id: UUID) -> DownloadedDocument:
        if not has_receipt(self.invoice_is):
            raise not_found()
        return DownloadedDocument(b"%PDF-1.7", "application/pdf", "recibo-TS-000014.pdf")

    async def credit_note_pdf(self, session: Session, credit_note_id: UUID) -> DownloadedDocument:
        return DownloadedDocument(b"%PDF-1.7", "application/pdf", "TS-NC-000001.pdf")

    async def export(self, session: Session, format: str, locale: str, year: int | None = None) -> Download:
        async def chunks() -> AsyncGenerator[bytes]:
            yield b"fecha"

        async def over() -> None: ...

        return Download(chunks(), over, "text/csv", f"facturas-{year}.{format}" if year else f"facturas.{format}")

    async def export_progress(self, session: Session) -> ExportProgress | None:
        return None


@dataclass
class Limits:
    """Limits nothing, unless `refuses` is set."""

    refuses: Problem | None = None

    async def check(self, *_: Any) -> None:
        if self.refuses:
            raise self.refuses

    async def count(self, *_: Any) -> None: ...

    async def take(self, *_: Any) -> None:
        await self.check()


@dataclass
class Images:
    uploaded: dict[str, bytes] = field(default_factory=dict)

    async def get(self, sha256: str) -> bytes | None:
        return self.uploaded.get(sha256)

    async def put(self, sha256: str, content: bytes) -> None: ...


class Signals:
    """One signal for all streams, five times a second."""

    closing = replaced = False

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.2))

    def of(self, merchant_id: UUID, customer_id: UUID, session_id: UUID) -> AbstractContextManager["Signals"]:
        return nullcontext(self)


_PORTAL: Any = Placeholder()
_SIGNALS: Any = Placeholder()


@cache
def _app(origin: str, cards: str) -> FastAPI:
    """The application that all stages with these addresses share."""
    app = FastAPI(openapi_url=None)
    app.state.refusals = REFUSALS
    equip(app, service="portal-gateway")
    app.add_middleware(Guard, public_url=origin, cards_url=cards)
    app.include_router(api_routes(_PORTAL, _SIGNALS))
    app.include_router(media_routes(_PORTAL))
    app.include_router(routes(_PORTAL, cards))
    app.include_router(nowhere(_PORTAL, cards))
    return app


class Stage:
    """The portal of one customer in one state, and a client for it."""

    def __init__(self, view: View | None = None, session: Session | None = None) -> None:
        self.access = Access(session or scenes.session())
        self.payments, self.signals, self.invoice_links = Payments(), Signals(), InvoiceLinks()
        self.invoicing, self.images, self.limits = Invoicing(), Images(), Limits()
        self.views = Views(view or scenes.view(), self.access)
        self.subscriptions = Subscriptions(
            {
                "mode": "at_period_end",
                "effective_at": scenes.instant(2023, 6, 14),
                "access_until": scenes.instant(2023, 6, 14),
                "open_amount": None,
                "open_invoices": None,
            }
        )

    def portal(self) -> Portal:
        history = PaymentHistory(self.views, self.invoicing, HistoryCursors(Cursors("k" * 43)))
        shared = SharedInvoices(
            self.invoice_links,
            Addresses(ORIGIN, Peppers("p" * 32)),
            self.views,
            self.payments,
            self.invoicing,
            self.limits,
            history,
            security_events,
        )
        return Portal(
            sessions=self.access,
            views=self.views,
            subscriptions=self.subscriptions,
            payments=self.payments,
            invoicing=self.invoicing,
            images=self.images,
            limits=self.limits,
            history=history,
            security=security_events,
            clean_comment=free_text.clean,
            shared=shared,
        )

    def app(self, *, origin: str = ORIGIN, cards: str = CARDS) -> ASGIApp:
        return with_fakes(_app(origin, cards), (_PORTAL, self.portal()), (_SIGNALS, self.signals))

    def browser(self, *, signed_in: bool = True, app: ASGIApp | None = None) -> AsyncClient:
        cookies = {"__Host-portal": COOKIE} if signed_in else {}
        if self.invoice_links.live:
            cookies["__Host-invoice"] = COOKIE
        return AsyncClient(
            transport=ASGITransport(app or self.app()),
            base_url=ORIGIN,
            cookies=cookies,
            headers={"sec-fetch-site": "same-origin", "accept-language": "es-MX"},
        )
