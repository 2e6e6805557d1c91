"""What the routes of credit notes answer with, for the description of the API: fields are only added."""

from pydantic import BaseModel

from invoicing.adapters.http.documents import Accepted, CreditNote


class IssuedCreditNote(CreditNote, Accepted):
    """The credit note that was issued."""


class CreditNotePage(BaseModel):
    """A page of credit notes."""

    items: list[CreditNote]
    """Newest first."""
    next_cursor: str | None
    """Cursor of the next page; null on the last one."""
