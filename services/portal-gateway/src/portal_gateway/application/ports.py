"""What the portal needs of the world; the adapters fulfil it."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from portal_gateway.application.customer_view import Source
from portal_gateway.application.downloads import Document, Download, ExportFormat, ExportProgress
from portal_gateway.application.limits import Limit
from portal_gateway.application.live import Glance
from portal_gateway.application.requests import CancelMode, PaymentRequest
from portal_gateway.application.results import (
    Accepted,
    CancellationAccepted,
    CancellationPreview,
    CardSetup,
    CardUpdated,
    PaymentBegun,
    PaymentPreview,
)
from portal_gateway.application.view import Pending, Position, View, Visit
from portal_gateway.domain.access import Link, Session
from portal_gateway.domain.tokens import LinkToken
from portal_gateway.domain.view import Money


class Sessions(Protocol):
    """Sessions, and the links that open them."""

    async def exchange(self, token: LinkToken, cookie: str, presented: str | None) -> tuple[Link, Session] | None:
        """Opens a session under the new secret `cookie` and ends the one presented; None when the link opens nothing."""

    async def session(self, cookie: str | None, *, keep_alive: bool) -> Session | None:
        """The living session of a cookie."""

    async def end(self, session: Session, *, revoke_link: bool) -> None: ...


class Views(Protocol):
    """What is kept of each customer. Everything is asked for by merchant and customer."""

    async def visit(self, cookie: str | None, *, keep_alive: bool) -> Visit | None:
        """The living session of a cookie and its customer's view."""

    async def view(self, merchant_id: UUID, customer_id: UUID) -> View | None:
        """None when the merchant is not known here."""

    async def glance(self, cookie: str) -> Glance | None:
        """None when the session has ended. Does not keep it alive."""

    async def reached(self, merchant_id: UUID, customer_id: UUID, position: Position) -> bool: ...

    async def invoices(
        self, merchant_id: UUID, customer_id: UUID, year: int | None, before: tuple[str, str] | None, limit: int
    ) -> list[tuple[Source, Source | None]]:
        """Invoices and their collections, newest first, from after `before` (date of issue, number)."""

    async def invoice(self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID) -> tuple[Source, Source | None] | None: ...

    async def accept(self, merchant_id: UUID, customer_id: UUID, pending: Sequence[Pending]) -> None:
        """Keeps accepted commands until their events have arrived."""


class Subscriptions(Protocol):
    async def preview(self, session: Session, subscription_id: UUID, mode: CancelMode | None) -> CancellationPreview: ...

    async def cancel(
        self,
        session: Session,
        subscription_id: UUID,
        mode: CancelMode | None,
        feedback: str | None,
        comment: str | None,
        idempotency_key: str | None,
    ) -> CancellationAccepted: ...

    async def keep(self, session: Session, subscription_id: UUID, idempotency_key: str | None) -> Accepted: ...

    async def media(self, sha256: str) -> bytes:
        """WebP. Raises Problem 404."""


class Payments(Protocol):
    async def open_setup(self, session: Session, locale: str, colour: str | None) -> CardSetup: ...

    async def update_card(
        self,
        session: Session,
        setup_id: str,
        token: str,
        charge_invoices: Sequence[UUID],
        idempotency_key: str | None,
        totals: Sequence[Money] | None = None,
    ) -> CardUpdated: ...

    async def payment_preview(self, session: Session, invoice_id: UUID) -> PaymentPreview: ...

    async def pay(
        self, session: Session, invoice_id: UUID, asked: PaymentRequest, idempotency_key: str | None
    ) -> PaymentBegun: ...


class Invoicing(Protocol):
    async def invoice(self, session: Session, invoice_id: UUID) -> dict[str, Any]: ...

    async def pdf(self, session: Session, invoice_id: UUID) -> Document: ...

    async def export(self, session: Session, format: ExportFormat, locale: str) -> Download:
        """Raises Problem 429 `export_running` while another one of the customer's is."""

    async def export_progress(self, session: Session) -> ExportProgress | None: ...


class Images(Protocol):
    async def kept(self, sha256: str) -> bytes | None: ...

    async def keep(self, sha256: str, content: bytes) -> None: ...


class Limits(Protocol):
    async def check(self, *limits: tuple[Limit, str]) -> None:
        """Raises Problem 429 `too_many_requests` when one of the limits is used up."""

    async def count(self, *limits: tuple[Limit, str]) -> None: ...

    async def take(self, limit: Limit, who: str) -> None:
        """Counts one use, or raises Problem 429."""
