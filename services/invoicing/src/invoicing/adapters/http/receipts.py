"""The route of receipts: for merchants with their key, for customers through the portal."""

from fastapi import APIRouter
from fastapi.responses import Response

from chassis.eventsourcing.command_handler import CommandHandler
from chassis.http.authentication import MerchantOrCustomer
from chassis.http.description import answers
from chassis.http.downloads import download_headers
from chassis.http.problems import not_found
from invoicing.adapters.http.invoices import require_invoice
from invoicing.adapters.http.parameters import InvoiceId
from invoicing.application.ports import InvoiceReader, RenderReceipt
from invoicing.application.receipts import receipt_of
from invoicing.domain.invoice.commands import Command
from invoicing.domain.invoice.events import Event
from invoicing.domain.invoice.invoice import Invoice


def routes(handler: CommandHandler[Command, Event, Invoice], invoice_reader: InvoiceReader, render: RenderReceipt) -> APIRouter:
    api = APIRouter(prefix="/v1")

    @api.get("/invoices/{id}/receipt/pdf", response_class=Response)
    @answers(None, (409, "under_review"), media_types=("application/pdf",))
    async def pdf(caller: MerchantOrCustomer, id: InvoiceId) -> Response:
        """Read the receipt for the payment of an invoice as a PDF document.

        It lists the refunds so far. An invoice for which no money was taken has none.
        """
        view = await require_invoice(handler, invoice_reader, caller, id)
        receipt = receipt_of(await invoice_reader.document(view), await invoice_reader.movements(view))
        if receipt is None:
            raise not_found()
        headers = download_headers(receipt.file_name, "inline")
        return Response(await render(receipt), headers=headers, media_type="application/pdf")

    return api
