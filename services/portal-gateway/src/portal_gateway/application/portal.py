"""What a customer can do here. The JSON API and the page are two ways of asking this one service.

Everything raises chassis.http.problems.Problem when it cannot be done, having changed nothing. Codes a page should
have words for: 401 `link_refused` (absent, malformed, unknown, expired, revoked or used: the same for all), 401
`session_required`, 403 `cross_origin`, 403 `csrf_required`, 409 `session_changed` (a form of another session), 404
`not_found`, 409 `due_changed` (`more`: due, total), 402 `card_declined` · `insufficient_funds` · `expired_card` ·
`incorrect_cvc`, 409 of the subscription's rules, 422 `invalid_request` (`errors`), 422 `card_number_refused`, 422
`invalid_cursor`, 422 `idempotency_key_reused`, 429 `too_many_requests` (header `retry-after`, `more.retry_at`), 503
`service_unavailable`.
"""

from uuid import UUID

from portal_gateway.application.answers import (
    Accepted,
    CancellationAccepted,
    CancellationPreview,
    CancelMode,
    CardSetup,
    CardUpdated,
    Document,
    Download,
    Entered,
    ExportFormat,
    InvoicePage,
    InvoiceQuery,
    Position,
    View,
    Visit,
    Visitor,
)
from portal_gateway.domain.access import Session


class Portal:
    async def enter(
        self, link: str, visitor: Visitor, presented: str | None
    ) -> Entered:
        """Exchanges a link (the whole URL or its token) for a new session; the one presented by the browser ends.

        Raises 401 `link_refused`, 429.
        """
        raise NotImplementedError

    async def session(self, cookie: str | None) -> Session:
        """The session of a cookie. Counts as the customer doing something. Raises 401 `session_required`."""
        raise NotImplementedError

    async def visit(self, cookie: str | None, after: Position | None = None) -> Visit:
        """Session and view in one round trip; waits up to 1.5 s for `after`. Raises 401 `session_required`."""
        raise NotImplementedError

    def must_be_of(self, session: Session, csrf: str | None) -> None:
        """Checks the token of a form or of X-CSRF-Token. Raises 403 `csrf_required`, 409 `session_changed`."""
        raise NotImplementedError

    async def leave(self, session: Session, *, revoke_link: bool = False) -> None:
        """Logs out; the cookie is worth nothing from now on."""
        raise NotImplementedError

    async def view(self, session: Session, after: Position | None = None) -> View:
        raise NotImplementedError

    async def cancellation_preview(
        self, session: Session, subscription_id: UUID
    ) -> CancellationPreview:
        raise NotImplementedError

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
        raise NotImplementedError

    async def keep(
        self,
        session: Session,
        subscription_id: UUID,
        *,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Withdraws a scheduled cancellation."""
        raise NotImplementedError

    async def open_card_setup(
        self, session: Session, *, locale: str, colour: str | None
    ) -> CardSetup:
        """Opens card entry: the frame's address, and what confirming would charge."""
        raise NotImplementedError

    async def update_card(
        self,
        session: Session,
        setup_id: str,
        token: str,
        charge_invoices: list[UUID],
        *,
        idempotency_key: str | None = None,
    ) -> CardUpdated:
        """Makes the card the default and charges at once what was listed, nothing else."""
        raise NotImplementedError

    async def invoices(self, session: Session, query: InvoiceQuery) -> InvoicePage:
        """The history, newest first; answered from what is kept here."""
        raise NotImplementedError

    async def invoice(self, session: Session, invoice_id: UUID) -> dict[str, object]:
        """One invoice as the invoicing service shows it (seller, bill_to, lines, movements), with this portal's status word."""
        raise NotImplementedError

    async def invoice_pdf(self, session: Session, invoice_id: UUID) -> Document:
        raise NotImplementedError

    async def export(
        self, session: Session, format: ExportFormat, locale: str
    ) -> Download:
        """The complete payment history. One at a time per customer. Raises 429, 503."""
        raise NotImplementedError

    async def media(self, sha256: str) -> Document:
        """An uploaded image, by the hash of its WebP. Raises 404."""
        raise NotImplementedError
