"""The ports of the application to the database and other services. The adapters implement them. Connections are opaque."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Protocol, TypeAlias
from uuid import UUID

from billing_contracts.customers import CustomerProfile
from billing_contracts.subscriptions import MerchantConfigured, SubscriptionCancelled, SubscriptionRenewalDue
from chassis.consumers import Erased, Received, UnitOfWork
from chassis.eventsourcing.event_store import Statement
from chassis.eventsourcing.stream import Stream
from invoicing.application.credit_notes import CreditNoteDocument, CreditNoteFilter, CreditNoteView
from invoicing.application.history import CreditNoteDocuments, Documents, Download, Progress, Rows
from invoicing.application.invoices import Document, InvoiceFilter, InvoiceView, SortKey
from invoicing.application.movements import Movement
from invoicing.application.receipts import ReceiptDocument
from invoicing.domain.numbering import Counter
from invoicing.domain.parties import BillTo


@dataclass(frozen=True, slots=True)
class Sealed:
    sha256: str
    """SHA-256 of the ciphertext, in hex."""
    row: Statement
    """Stores the ciphertext."""


class BillToEncryption(Protocol):
    """Stores buyers' details, encrypted under a key per customer."""

    async def keys(self, connection: Any, merchant_id: UUID, customers: Collection[UUID]) -> Mapping[UUID, bytes]:
        """The customers' keys. Missing keys are created in the connection's transaction.

        The caller must hold the merchant's lock.
        """

    def seal(self, key: bytes, merchant_id: UUID, customer_id: UUID, invoice_id: UUID, buyer: BillTo) -> Sealed:
        """Encrypt the details under the customer's key."""

    async def open(self, connection: Any, merchant_id: UUID, invoices: Sequence[InvoiceView]) -> Mapping[UUID, BillTo]:
        """The buyers by invoice. Invoices with a destroyed key are absent.

        Raises Tampered when a ciphertext is not the one that the invoice names.
        """


class InvoiceIssuer(Protocol):
    """Issues invoices, and voids them with their subscription."""

    def stream(self, received: Received[SubscriptionRenewalDue]) -> list[Stream]: ...

    async def renewal_due(self, received: Received[SubscriptionRenewalDue], unit: UnitOfWork) -> None: ...

    async def cancelled(self, received: Received[SubscriptionCancelled], unit: UnitOfWork) -> None: ...

    async def profile(self, received: Received[CustomerProfile], unit: UnitOfWork) -> None: ...

    async def merchant(self, received: Received[MerchantConfigured], unit: UnitOfWork) -> None: ...

    async def erased(self, erased: Erased, unit: UnitOfWork) -> None: ...


class InvoiceReader(Protocol):
    """Reads invoices. A request of a customer names that customer, and finds only that customer's invoices."""

    async def page(
        self, merchant_id: UUID, invoice_filter: InvoiceFilter, after: SortKey | None, limit: int
    ) -> list[InvoiceView]:
        """Newest first, after the sort key `after`."""

    async def one(self, merchant_id: UUID, id: UUID, customer_id: UUID | None) -> InvoiceView | None: ...

    async def document(self, view: InvoiceView) -> Document: ...

    async def movements(self, view: InvoiceView) -> list[Movement]: ...

    async def knows(self, merchant_id: UUID, customer_id: UUID) -> bool:
        """Whether the merchant has such a customer, by the profile or, after an erasure, by invoices."""


class CreditNoteReader(Protocol):
    """Reads credit notes. A request of a customer names that customer, and finds only that customer's."""

    async def page(
        self, merchant_id: UUID, note_filter: CreditNoteFilter, after: SortKey | None, limit: int
    ) -> Sequence[CreditNoteView]:
        """Newest first, after the sort key `after`."""

    async def one(self, merchant_id: UUID, id: UUID, customer_id: UUID | None) -> CreditNoteView | None: ...

    async def of_invoice(self, merchant_id: UUID, invoice_id: UUID, customer_id: UUID) -> Sequence[CreditNoteView]:
        """Oldest first."""

    async def document(self, view: CreditNoteView) -> CreditNoteDocument: ...

    def documents(self, merchant_id: UUID, customer_id: UUID, until: datetime, year: int | None = None) -> CreditNoteDocuments:
        """The customer's credit notes in pages, oldest first: recorded by `until`, by the wall clock.

        `year`: only for the invoices issued in that year.
        """

    async def counter(self, merchant_id: UUID, series: str) -> Counter: ...


class HistoryReader(Protocol):
    """Reads a customer's history in pages: what was recorded by `until`, by the wall clock.

    `year`: only of the invoices issued in that year.
    """

    def history(self, merchant_id: UUID, customer_id: UUID, until: datetime, year: int | None = None) -> Rows: ...

    def documents(self, merchant_id: UUID, customer_id: UUID, until: datetime, year: int | None = None) -> Documents: ...

    async def count(self, merchant_id: UUID, customer_id: UUID, until: datetime, year: int | None = None) -> int:
        """The number of documents: invoices, and the credit notes for them."""


ExportFormat: TypeAlias = Literal["csv", "zip", "ndjson"]


class Exporter(Protocol):
    async def begin(
        self, merchant_id: UUID, customer_id: UUID, format: ExportFormat, locale: str, on: date, year: int | None = None
    ) -> Download | None:
        """The present history as a file of the day `on`; with `year`, that of the invoices issued in it.

        None while another export of the customer runs. An error is raised by the stream, so the file is incomplete.
        """

    async def progress(self, merchant_id: UUID, customer_id: UUID) -> Progress | None:
        """The progress of the customer's running export, or None."""


RecordMovement: TypeAlias = Callable[[UUID, Movement], Statement]
"""(merchant, movement) -> its row"""


RenderCreditNote: TypeAlias = Callable[[CreditNoteDocument], Awaitable[bytes]]
"""A document -> its PDF"""


RenderReceipt: TypeAlias = Callable[[ReceiptDocument], Awaitable[bytes]]
"""A document -> its PDF"""


FindLogo: TypeAlias = Callable[[str], Awaitable[bytes]]
"""The SHA-256 of a merchant's logo, in hex -> its WebP, which never changes"""
