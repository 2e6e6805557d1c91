"""The problem that answers each refusal."""

from chassis.http.problems import Refusals
from invoicing.domain.invoice import refusals as invoice

REFUSALS: Refusals = {
    invoice.NoSuchInvoice: (404, "not_found", "The resource does not exist"),
    invoice.AlreadyIssued: (409, "already_issued", "The period has its invoice"),
    invoice.NothingToInvoice: (422, "nothing_to_invoice", "There is nothing to invoice"),
    invoice.AlreadyPaid: (409, "invoice_paid", "The invoice is paid"),
    invoice.AlreadyVoid: (409, "invoice_void", "The invoice is void"),
    invoice.AmountDiffers: (409, "amount_differs", "The amount is not what is owed"),
}
