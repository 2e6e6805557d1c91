"""Receipts: the payment of an invoice, and what went back of it. An invoice is paid at most once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from invoicing.application.invoices import Document
from invoicing.application.language import catalogues
from invoicing.application.movements import Kind, Movement
from invoicing.domain.invoice.events import Issued
from invoicing.domain.parties import BillTo


@dataclass(frozen=True, slots=True)
class ReceiptDocument:
    """All data of a printed receipt. Equal documents give equal bytes."""

    issued: Issued
    """The invoice that was paid."""
    payment: Movement
    refunds: tuple[Movement, ...]
    """Those that were made, oldest first."""
    credit_notes: Mapping[UUID, str]
    """The numbers of the invoice's credit notes, by their ids."""
    bill_to: BillTo | None
    """None once its key has been destroyed, after the statutory retention period."""

    @property
    def paid(self) -> int:
        """In minor units."""
        return -self.payment.total

    @property
    def refunded(self) -> int:
        """In minor units."""
        return sum(refund.total for refund in self.refunds)

    @property
    def file_name(self) -> str:
        """`recibo-TS-000014.pdf`, in the language of the document."""
        tag = self.issued.letterhead.locale
        kind = catalogues().choose([tag], tag).say("receipt")
        return f"{kind}-{self.issued.number}.pdf"


def receipt_of(document: Document, movements: Sequence[Movement]) -> ReceiptDocument | None:
    """`movements`: all of the invoice's, oldest first. None if no money was taken."""
    payments = [it for it in movements if it.kind is Kind.PAYMENT and it.total < 0]
    if not payments:
        return None
    refunds = tuple(it for it in movements if it.kind is Kind.REFUND and it.status == "succeeded")
    notes = {it.credit_note_id: it.reference or "" for it in movements if it.kind is Kind.CREDIT_NOTE and it.credit_note_id}
    return ReceiptDocument(document.issued, payments[-1], refunds, notes, document.bill_to)
