"""What the portal needs from outside; the adapters implement it.

A port passes on what another service or a limit refuses. It does so with an exception of its own kind, which the application
does not handle and the adapters answer.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol
from uuid import UUID

from portal_gateway.application.customer_view import Source
from portal_gateway.application.downloads import Download, DownloadedDocument, ExportFormat, ExportProgress
from portal_gateway.application.limits import Limit
from portal_gateway.application.live import Glance
from portal_gateway.application.requests import BackupConsent, CancelMode, CancelRequest, Looks, PaymentRequest, Purpose
from portal_gateway.application.results import (
    Accepted,
    AuthenticationBegun,
    CancellationAccepted,
    CancellationPreview,
    CardAdded,
    CardSetup,
    CardUpdated,
    ConfirmationPage,
    Neighbours,
    PaymentBegun,
    PaymentPreview,
    RemovalPreview,
)
from portal_gateway.application.view import Pending, Position, View, Visit
from portal_gateway.domain.access import InvoiceLink, InvoiceSession, Link, Session
from portal_gateway.domain.tokens import LinkToken
from portal_gateway.domain.view import CardChange, Money


class Sessions(Protocol):
    """Sessions, and the links that open them."""

    async def exchange(self, token: LinkToken, cookie: str, presented: str | None) -> tuple[Link, Session] | None:
        """Open a session under the new secret `cookie` and end the presented one. None if the link is not valid."""

    async def session(self, cookie: str | None, *, keep_alive: bool) -> Session | None:
        """The live session of a cookie."""

    async def end(self, session: Session, *, revoke_link: bool) -> None: ...


class InvoiceLinks(Protocol):
    """Links to one invoice, and the sessions that they open."""

    async def issue(self, link: InvoiceLink, pepper: str, digest: bytes, created_by: str) -> None: ...

    async def open_links(self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID) -> int:
        """The number of links to the invoice that still work."""

    async def revoke_all(self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID) -> None: ...

    async def exchange(self, token: LinkToken, cookie: str, presented: str | None) -> InvoiceSession | None:
        """Open a session under the new secret `cookie` and end the presented one. None if the link is not valid."""

    async def session(self, cookie: str | None, *, keep_alive: bool) -> InvoiceSession | None:
        """The live session of a cookie."""

    async def store_payment(self, session: InvoiceSession, position: Position, charge_id: UUID) -> None:
        """Store the payment that the session has started."""

    async def end(self, session: InvoiceSession) -> None: ...


class Views(Protocol):
    """The stored data of each customer. Every query filters by merchant and customer."""

    async def visit(self, cookie: str | None, *, keep_alive: bool) -> Visit | None:
        """The live session of a cookie, with its customer's view."""

    async def view(self, merchant_id: UUID, customer_id: UUID) -> View | None:
        """None if the merchant has not arrived here yet."""

    async def glance(self, cookie: str) -> Glance | None:
        """None if the session has ended. Does not keep it alive."""

    async def reached(self, merchant_id: UUID, customer_id: UUID, position: Position) -> bool: ...

    async def invoices(
        self, merchant_id: UUID, customer_id: UUID, year: int | None, before: tuple[str, str] | None, limit: int
    ) -> list[tuple[Source, Source | None]]:
        """Invoices with their payments, newest first, starting after `before` (date of issue, number)."""

    async def invoice(self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID) -> tuple[Source, Source | None] | None: ...

    async def neighbours(self, merchant_id: UUID, customer_id: UUID, invoice_id: UUID) -> Neighbours: ...

    async def card_changes(self, merchant_id: UUID, customer_id: UUID) -> list[CardChange]:
        """The last changes of the cards on file, oldest first."""

    async def accept(self, merchant_id: UUID, customer_id: UUID, pending: Sequence[Pending]) -> None:
        """Store accepted commands until their events have arrived."""


class Subscriptions(Protocol):
    async def preview(self, session: Session, subscription_id: UUID, mode: CancelMode | None) -> CancellationPreview: ...

    async def cancel(
        self, session: Session, subscription_id: UUID, request: CancelRequest, idempotency_key: str | None
    ) -> CancellationAccepted: ...

    async def withdraw_cancellation(self, session: Session, subscription_id: UUID, idempotency_key: str | None) -> Accepted: ...

    async def media(self, sha256: str) -> bytes:
        """The image as WebP."""


class Payments(Protocol):
    async def open_setup(self, session: Session, locale: str, colour: str | None, purpose: Purpose = "default") -> CardSetup: ...

    async def update_card(
        self,
        session: Session,
        setup_id: str,
        token: str,
        charge_invoices: Sequence[UUID],
        idempotency_key: str | None,
        totals: Sequence[Money] | None = None,
    ) -> CardUpdated:
        """Raises CardDeclined."""

    async def add_card(self, session: Session, setup_id: UUID, token: str, idempotency_key: str | None) -> CardAdded:
        """Raises CardDeclined."""

    async def make_default(self, session: Session, method_id: UUID, idempotency_key: str | None) -> Accepted: ...

    async def choose_backup(
        self, session: Session, method_id: UUID, consent: BackupConsent, idempotency_key: str | None
    ) -> Accepted: ...

    async def withdraw_backup(self, session: Session, method_id: UUID, idempotency_key: str | None) -> Accepted: ...

    async def removal_preview(self, session: Session, method_id: UUID) -> RemovalPreview: ...

    async def remove_card(
        self, session: Session, method_id: UUID, next_default: UUID | None, idempotency_key: str | None
    ) -> Accepted: ...

    async def payment_preview(self, session: Session, invoice_id: UUID) -> PaymentPreview: ...

    async def pay(
        self, session: Session, invoice_id: UUID, request: PaymentRequest, idempotency_key: str | None
    ) -> PaymentBegun: ...

    async def authenticate(
        self, session: Session, invoice_id: UUID, request: PaymentRequest, looks: Looks, idempotency_key: str | None
    ) -> AuthenticationBegun: ...

    async def open_payment_setup(self, session: InvoiceSession, locale: str, colour: str | None) -> CardSetup:
        """Open card entry for a card that pays the session's invoice and is not stored."""

    async def pay_with_card(
        self, session: InvoiceSession, setup_id: str, token: str, total: Money, idempotency_key: str | None
    ) -> PaymentBegun:
        """Raises CardDeclined."""

    async def open_confirmation(self, session: InvoiceSession, charge_id: UUID, looks: Looks) -> ConfirmationPage:
        """Open the page on which the payer confirms the session's charge at their bank."""


class Invoicing(Protocol):
    async def invoice(self, session: Session | InvoiceSession, invoice_id: UUID) -> dict[str, Any]: ...

    async def pdf(self, session: Session | InvoiceSession, invoice_id: UUID) -> DownloadedDocument: ...

    async def receipt_pdf(self, session: Session, invoice_id: UUID) -> DownloadedDocument: ...

    async def credit_note_pdf(self, session: Session, credit_note_id: UUID) -> DownloadedDocument: ...

    async def export(self, session: Session, format: ExportFormat, locale: str, year: int | None = None) -> Download:
        """Of the invoices of a year, or of all. Refused while another export of the customer is running."""

    async def export_progress(self, session: Session) -> ExportProgress | None: ...


class Images(Protocol):
    """A store of uploaded images, by the hash of their WebP."""

    async def get(self, sha256: str) -> bytes | None: ...

    async def put(self, sha256: str, content: bytes) -> None: ...


class Limits(Protocol):
    async def check(self, *limits: tuple[Limit, str]) -> None:
        """Refuse when one of the limits is used up."""

    async def count(self, *limits: tuple[Limit, str]) -> None: ...

    async def take(self, limit: Limit, key: str) -> None:
        """Count one use, or refuse."""


class Cursors(Protocol):
    """Signed list cursors."""

    def encode(self, position: Mapping[str, Any]) -> str: ...

    def decode(self, cursor: str) -> Mapping[str, Any]:
        """The position of a cursor that was made here. Raises InvalidCursor."""


class SecurityEvents(Protocol):
    """What a security event about the current request reports, if one follows: ids and reasons, no secrets."""

    def note(self, **facts: Any) -> None: ...

    def note_refusal(self, what: Literal["link"], **facts: Any) -> None:
        """Report the current request's refusal."""


class CleanedComment(Protocol):
    @property
    def text(self) -> str | None: ...

    @property
    def had_card(self) -> bool: ...


CleanComment = Callable[[str | None], CleanedComment]
"""Removes card numbers and unreadable characters from a comment. Refuses nothing."""
