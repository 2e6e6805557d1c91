"""The HTTP answers to the portal's refusals."""

from chassis.http.problems import Refusals
from portal_gateway.application.refusals import (
    InvalidCursor,
    InvoiceSessionRequired,
    LinkRefused,
    MerchantUnknown,
    NoSuchImage,
    NothingToConfirm,
    SessionChanged,
    SessionRequired,
    TokenRequired,
)

REFUSALS: Refusals = {
    LinkRefused: (401, "link_refused", "This link opens nothing"),
    SessionRequired: (401, "session_required", "There is no session, or it has ended"),
    InvoiceSessionRequired: (401, "invoice_session_required", "There is no session of an invoice link, or it has ended"),
    TokenRequired: (403, "csrf_required", "The request does not carry its session's token"),
    SessionChanged: (409, "session_changed", "The page belongs to another session; nothing was changed"),
    MerchantUnknown: (503, "service_unavailable", "The merchant is not known here yet"),
    NoSuchImage: (404, "not_found", "There is nothing here"),
    NothingToConfirm: (404, "not_found", "No payment of this session can be confirmed"),
    InvalidCursor: (422, "invalid_cursor", "The cursor is not one of ours"),
}
