"""The composition of the invoicing service: the only place that builds and connects its parts."""

from dataclasses import replace

from chassis.eventsourcing.command_handler import CommandHandler
from chassis.http.app import create_app
from chassis.service.service import Resources, Service
from invoicing.adapters import rows
from invoicing.adapters.bill_to_encryption import KeyedBillToEncryption
from invoicing.adapters.consumers import consumer
from invoicing.adapters.credit_note_queries import CreditNoteQueries
from invoicing.adapters.document.renderer import Renderer
from invoicing.adapters.exporting.exports import Exports
from invoicing.adapters.exporting.slots import Slots
from invoicing.adapters.http import credit_notes, invoices, receipts
from invoicing.adapters.http.peers import PEERS
from invoicing.adapters.http.refusals import REFUSALS
from invoicing.adapters.invoice_queries import InvoiceQueries
from invoicing.adapters.issuing.invoice_issuer import PostgresInvoiceIssuer
from invoicing.adapters.logos import Logos
from invoicing.application.aggregates import INVOICE


def compose(resources: Resources) -> Service:
    settings, pool = resources.settings, resources.pool
    invoice = replace(INVOICE, rows=rows.of_invoice)
    encryption = KeyedBillToEncryption(settings.key_encryption_keys)
    resources.live.on_change(["key_encryption_key"], lambda new: encryption.use(new.key_encryption_keys))
    queries = InvoiceQueries(pool, encryption)
    owner = resources.client(settings.tenants_url, settings.tenants_service)
    renderer = Renderer(settings.pdf_concurrency, Logos(pool, owner))
    resources.closing.callback(renderer.close)

    app = create_app(
        "Invoicing",
        service="invoicing",
        authenticator=resources.authenticator,
        once=resources.once,
        refusals=REFUSALS,
        peers=PEERS,
    )
    handler = CommandHandler(resources.store, invoice)
    notes = CreditNoteQueries(pool, encryption)
    exports = Exports(queries, notes, Slots(pool), renderer, renderer.credit_note)
    app.include_router(invoices.routes(handler, queries, notes, exports, renderer, resources.tenants, resources.cursors))
    app.include_router(credit_notes.routes(handler, queries, notes, renderer.credit_note, resources.tenants, resources.cursors))
    app.include_router(receipts.routes(handler, queries, renderer.receipt))
    return Service(app, consumers=(consumer(invoice, PostgresInvoiceIssuer(invoice, encryption), rows.movement),))
