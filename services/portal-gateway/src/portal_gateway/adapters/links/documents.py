"""The bodies of requests and responses. Fields are only added."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from chassis.http.bodies import StrictBody
from portal_gateway.domain.access import Flow, LinkKind


class NewLink(StrictBody):
    """A portal link to create."""

    customer_id: UUID
    """The customer who enters through the link."""
    kind: LinkKind = "portal"
    """`portal` can be used many times, to be mailed or bookmarked. `session` can be used once, for a customer whom the merchant
    has just authenticated.
    """
    flow: Flow | None = None
    """Where the link leads. The whole page when absent."""
    locale: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}$")] | None = None
    """BCP 47 language tag of the page. The customer's when absent."""
    return_url: Annotated[str, Field(max_length=2000)] | None = None
    """Where the page leads the customer back to: one of the merchant's own sites."""
    expires_in: Annotated[int, Field(strict=True, ge=1, le=10**9)] | None = None
    """Lifetime in seconds. `portal`: 366 days at most, 30 days when absent. `session`: 10 minutes at most, and when absent."""


class CreatedLink(BaseModel):
    """A new portal link."""

    id: UUID
    """Id of the link, to revoke it."""
    url: str
    """The link for the customer. It is shown once and stored nowhere: treat it like a password."""
    expires_at: datetime
    """When the link stops working, by the wall clock."""


class ListedLink(BaseModel):
    """A portal link, without its secret."""

    id: UUID
    """Id of the link."""
    customer_id: UUID
    """The customer."""
    kind: LinkKind
    """Whether it can be used many times or once."""
    flow: Flow | None
    """Where it leads. Null: to the whole page."""
    locale: str | None
    """BCP 47 language tag of the page. Null: the customer's."""
    return_url: str | None
    """Where the page leads the customer back to. Null when nowhere."""
    created_at: datetime
    """When it was created, by the wall clock."""
    expires_at: datetime
    """When it stops working."""
    used_at: datetime | None
    """When it was last entered through. Null unless it was."""
    revoked_at: datetime | None
    """When it was revoked. Null unless it was."""


class NewInvoiceLink(StrictBody):
    """A link to one invoice to create, for the person who pays it."""

    invoice_id: UUID
    """The invoice."""
    locale: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}$")] | None = None
    """BCP 47 language tag of the page. The payer's browser decides when absent."""
    expires_in: Annotated[int, Field(strict=True, ge=1, le=10**9)] | None = None
    """Lifetime in seconds: 30 days at most, and when absent."""


class ListedInvoiceLink(BaseModel):
    """A link to one invoice, without its secret."""

    id: UUID
    """Id of the link."""
    customer_id: UUID
    """The customer of the invoice."""
    invoice_id: UUID
    """The invoice."""
    locale: str | None
    """BCP 47 language tag of the page. Null: the payer's browser decides."""
    created_by: str
    """`customer`, or the API key that created it."""
    created_at: datetime
    """When it was created, by the wall clock."""
    expires_at: datetime
    """When it stops working."""
    used_at: datetime | None
    """When it was last opened. Null unless it was."""
    revoked_at: datetime | None
    """When it was revoked. Null unless it was."""


class InvoiceLinkPage(BaseModel):
    """A page of links to one invoice."""

    items: list[ListedInvoiceLink]
    """Newest first."""
    next_cursor: str | None
    """Cursor of the next page; null on the last one."""


class LinkPage(BaseModel):
    """A page of portal links."""

    items: list[ListedLink]
    """Newest first."""
    next_cursor: str | None
    """Cursor of the next page; null on the last one."""
