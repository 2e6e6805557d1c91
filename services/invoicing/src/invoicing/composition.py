"""The invoicing service, put together. Nothing is built or joined anywhere else."""

from dataclasses import replace

from chassis.command_handler import CommandHandler
from chassis.http.app import create_app
from chassis.http.client import ServiceClient
from chassis.http.cursors import Cursors
from chassis.service import Resources, Service
from invoicing.adapters import books
from invoicing.adapters.consumers import consumer
from invoicing.adapters.document.renderer import Renderer
from invoicing.adapters.exporting.exports import Exports
from invoicing.adapters.exporting.slots import Slots
from invoicing.adapters.http import invoices
from invoicing.adapters.http.peers import PEERS
from invoicing.adapters.issuing.desk import Desk
from invoicing.adapters.logos import Logos
from invoicing.adapters.reading import Reading
from invoicing.adapters.vault import KeyVault
from invoicing.application.aggregate import INVOICE


def compose(resources: Resources) -> Service:
    settings, pool = resources.settings, resources.pool
    invoice = replace(INVOICE, rows=books.rows)
    vault = KeyVault(settings.key_encryption_bytes)
    reading = Reading(pool, vault)
    owner = ServiceClient(settings.tenants_url, settings.tenants_service, resources.signer)
    resources.closing.push_async_callback(owner.close)
    renderer = Renderer(settings.pdf_concurrency, Logos(pool, owner))
    resources.closing.callback(renderer.close)

    app = create_app(
        "Invoicing",
        service="invoicing",
        gatekeeper=resources.gatekeeper,
        once=resources.once,
        refusals=invoices.REFUSALS,
        peers=PEERS,
    )
    handler = CommandHandler(resources.store, invoice)
    exports = Exports(reading, Slots(pool), renderer)
    cursors = Cursors(settings.cursor_key.get_secret_value())
    app.include_router(invoices.routes(handler, reading, exports, renderer, resources.tenants, cursors))
    return Service(app, consumers=(consumer(invoice, Desk(invoice, vault), books.movement),))
