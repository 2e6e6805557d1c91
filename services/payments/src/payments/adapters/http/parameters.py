"""Ids in paths and queries."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

CustomerId = Annotated[UUID, Path(description="The customer's id.")]
MethodId = Annotated[UUID, Path(description="The payment method's id.")]
InvoiceOfCustomer = Annotated[UUID, Path(description="The invoice's id.")]
InvoiceId = Annotated[UUID, Query(description="The invoice's id.")]
ChargeId = Annotated[UUID, Path(description="The charge's id.")]
SetUpId = Annotated[UUID, Path(description="The set-up's id.")]
NextDefault = Annotated[
    UUID | None, Query(description="The default afterwards, as it was shown. Compared when given: another one is refused.")
]
