"""Ids and filters in paths and queries."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Path, Query

from invoicing.application.ports import ExportFormat

CustomerId = Annotated[UUID, Path(description="The customer's id.")]
InvoiceId = Annotated[UUID, Path(description="The invoice's id.")]
CreditNoteId = Annotated[UUID, Path(description="The credit note's id.")]
OfInvoice = Annotated[UUID | None, Query(description="Credit notes for this invoice. All invoices when absent.")]
OfCustomer = Annotated[UUID | None, Query(description="Invoices of this customer. All customers when absent.")]
OfStatus = Annotated[Literal["open", "paid", "void"] | None, Query(description="Invoices with this status. All when absent.")]
OfYear = Annotated[int | None, Query(ge=1970, le=9999, description="Invoices issued in this year. All when absent.")]
Format = Annotated[ExportFormat, Query(description="Format of the file.")]
Locale = Annotated[
    str,
    Query(
        max_length=35,
        pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$",
        description="BCP 47 language tag of the column names and words in the CSV.",
    ),
]
