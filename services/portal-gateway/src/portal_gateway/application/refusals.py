"""Why the portal refuses a request. A refused request has changed nothing. `adapters/refusals.py` has the HTTP answers.

What the other services and the limits refuse is not here: their adapters raise it, and the portal passes it on unchanged.
"""


class Refusal(Exception):
    """A refusal of the portal itself."""


class LinkRefused(Refusal):
    """The link is absent, malformed, unknown, expired, revoked or used. All of these get the same answer."""


class SessionRequired(Refusal):
    """The request has no session, or its session has ended."""


class InvoiceSessionRequired(SessionRequired):
    """The request has no session of an invoice link, or its session has ended."""


class NothingToConfirm(Refusal):
    """The session of an invoice link has started no payment that could be confirmed at the bank."""


class TokenRequired(Refusal):
    """The request does not carry the token of its session."""


class SessionChanged(Refusal):
    """The request comes from a page of another session."""


class MerchantUnknown(Refusal):
    """The merchant's configuration has not arrived here yet."""


class NoSuchImage(Refusal):
    pass


class InvalidCursor(Refusal):
    """The cursor was not made here, or belongs to another list or customer."""


class CardDeclined(Exception):
    """The provider declined a new card. The payments port raises it together with the answer of the payments service."""
