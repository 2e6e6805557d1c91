"""The composition root of the portal gateway: every object is constructed here."""

from asyncio import Event

from chassis.consumers.watermarks import WatermarkTracker
from chassis.http import free_text, security_events
from chassis.http.app import create_app
from chassis.service.kafka_settings import KAFKA_FIELDS
from chassis.service.service import Resources, Service
from portal_gateway.adapters import consumers, guard, media, refusals, services, view_notifier
from portal_gateway.adapters.api.dependencies import SCHEMES
from portal_gateway.adapters.api.routes import api_routes
from portal_gateway.adapters.links.invoice_links import invoice_link_routes
from portal_gateway.adapters.links.routes import CustomerDirectory, link_routes
from portal_gateway.adapters.page import routes as page
from portal_gateway.adapters.page_cursors import HistoryCursors
from portal_gateway.adapters.storage.cleanup import Cleanup
from portal_gateway.adapters.storage.images import StoredImages
from portal_gateway.adapters.storage.invoice_links import StoredInvoiceLinks
from portal_gateway.adapters.storage.limits import StoredLimits
from portal_gateway.adapters.storage.links import StoredLinks
from portal_gateway.adapters.storage.sessions import StoredSessions
from portal_gateway.adapters.storage.view_backfill import ViewBackfill
from portal_gateway.adapters.storage.views import StoredViews
from portal_gateway.application.history import PaymentHistory
from portal_gateway.application.portal import Portal
from portal_gateway.application.portal_links import Addresses
from portal_gateway.application.shared_invoices import SharedInvoices
from portal_gateway.domain.tokens import Peppers
from portal_gateway.settings import Settings


def compose(resources: Resources) -> Service:
    settings: Settings = resources.settings
    pool, peppers = resources.pool, Peppers(settings.link_pepper.get_secret_value())
    resources.live.on_change(["link_pepper"], lambda new: peppers.use(new.link_pepper.get_secret_value()))

    subscriptions = services.SubscriptionsService(resources.client(settings.subscriptions_url, "subscriptions"))
    payments = services.PaymentsService(resources.client(settings.payments_url, "payments", timeout=25), settings.public_url)
    invoicing = services.InvoicingService(resources.client(settings.invoicing_url, "invoicing", timeout=10))
    views, links = StoredViews(pool, resources.tenants), StoredLinks(pool)
    invoice_links, limits = StoredInvoiceLinks(pool, peppers), StoredLimits(pool)
    history = PaymentHistory(views, invoicing, HistoryCursors(resources.cursors))
    addresses = Addresses(settings.public_url, peppers)
    shared = SharedInvoices(invoice_links, addresses, views, payments, invoicing, limits, history, security_events)
    portal = Portal(
        sessions=StoredSessions(pool, peppers),
        views=views,
        subscriptions=subscriptions,
        payments=payments,
        invoicing=invoicing,
        images=StoredImages(pool),
        limits=limits,
        history=history,
        security=security_events,
        clean_comment=free_text.clean,
        shared=shared,
    )
    notifier = view_notifier.ViewNotifier(pool, resources.stopping, settings.streams_per_session)
    resources.closing.push_async_callback(notifier.close)

    app = create_app(
        "Portal gateway",
        service="portal-gateway",
        authenticator=resources.authenticator,
        once=resources.once,
        refusals=refusals.REFUSALS,
        openapi_url=None,
        schemes=SCHEMES,
    )
    app.add_middleware(guard.Guard, public_url=settings.public_url, cards_url=settings.cards_url)
    app.include_router(api_routes(portal, notifier))
    app.include_router(media.media_routes(portal))
    directory = CustomerDirectory(links, subscriptions.customer)
    app.include_router(link_routes(links, directory, resources.tenants, addresses, resources.cursors))
    app.include_router(invoice_link_routes(invoice_links, invoicing.customer_of, addresses, resources.cursors))
    app.include_router(page.routes(portal, settings.cards_url))
    app.include_router(page.nowhere(portal, settings.cards_url))

    backfill = ViewBackfill(pool, consumers.GROUP)
    consumer = consumers.consumer(backfill.changed, notifier.changed)
    resources.health.add("projections", consumers.initial_read(pool, consumer))
    resources.health.add("views", backfill.check)
    resources.health.watch("documents", backfill.check_form)

    async def track(stop: Event) -> None:
        await WatermarkTracker(pool, resources.settings.kafka, [consumer]).run(stop)

    freshness = resources.live.restarting(KAFKA_FIELDS, track)
    workers = {"freshness": freshness, "sweeper": Cleanup(pool).run, "waiting-views": backfill.run}
    return Service(app, (consumer,), workers=workers, publishes=False)
