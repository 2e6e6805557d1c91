"""Ids and filters in paths and queries."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from portal_gateway.application.downloads import ExportFormat
from portal_gateway.application.requests import CancelMode
from portal_gateway.domain.view import InvoiceStatus

SubscriptionId = Annotated[UUID, Path(description="The subscription's id.")]
CreditNoteId = Annotated[UUID, Path(description="The credit note's id.")]
MethodId = Annotated[UUID, Path(description="The card's id.")]
NextDefault = Annotated[
    UUID | None, Query(description="The default afterwards, as it was shown. Compared when given: another one is refused.")
]
InvoiceId = Annotated[UUID, Path(description="The invoice's id.")]
Mode = Annotated[
    CancelMode | None, Query(description="When the cancellation would take effect. The merchant's policy when absent.")
]
Cursor = Annotated[str | None, Query(max_length=500, description="`next_cursor` of the page before. The first page when absent.")]
OfStatus = Annotated[InvoiceStatus | None, Query(description="Invoices with this status. All when absent.")]
OfYear = Annotated[int | None, Query(ge=1, le=9999, description="Invoices issued in this year. All when absent.")]
OfExportedYear = Annotated[int | None, Query(ge=1970, le=9999, description="Invoices issued in this year. All when absent.")]
"""The years that invoicing accepts."""
Format = Annotated[ExportFormat, Query(description="Format of the file.")]
