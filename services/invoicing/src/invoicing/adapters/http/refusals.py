"""The problem that answers each refusal."""

from chassis.http.problems import Refusals
from invoicing.domain.invoice import refusals as invoice

REFUSALS: Refusals = {
    invoice.NoSuchInvoice: (404, "not_found", "The resource does not exist"),
    invoice.AlreadyIssued: (409, "already_issued", "The period has its invoice"),
    invoice.NothingToInvoice: (422, "nothing_to_invoice", "There is nothing to invoice"),
    invoice.AlreadyPaid: (409, "invoice_paid", "The invoice is paid"),
    invoice.AlreadyVoid: (409, "invoice_void", "The invoice is void"),
    invoice.NotPaid: (409, "invoice_unpaid", "The invoice is not paid: void it instead"),
    invoice.CreditExceedsInvoice: (409, "credit_exceeds_invoice", "The amount is more than what is left of the invoice"),
    invoice.NothingToCredit: (409, "nothing_to_credit", "Credit notes have taken the whole invoice back already"),
    invoice.AmountDiffers: (409, "amount_differs", "The amount is not what is owed"),
}
