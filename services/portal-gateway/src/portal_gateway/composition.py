"""The portal gateway, put together. Nothing is built or joined anywhere else."""

from chassis.freshness import Freshness
from chassis.http.app import create_app
from chassis.http.client import ServiceClient
from chassis.http.cursors import Cursors
from chassis.service import Resources, Service
from portal_gateway.adapters import consumers, guard, live, media, services
from portal_gateway.adapters.api.asking import SCHEMES
from portal_gateway.adapters.api.routes import api_routes
from portal_gateway.adapters.links.routes import Acquaintances, link_routes
from portal_gateway.adapters.page import routes as page
from portal_gateway.adapters.storage.access import StoredAccess
from portal_gateway.adapters.storage.images import StoredImages
from portal_gateway.adapters.storage.limits import StoredLimits
from portal_gateway.adapters.storage.links import StoredLinks
from portal_gateway.adapters.storage.sweeping import Sweeper
from portal_gateway.adapters.storage.views import StoredViews
from portal_gateway.adapters.storage.waiting_views import WaitingViews
from portal_gateway.application.history import History
from portal_gateway.application.portal import Portal
from portal_gateway.application.portal_links import Addresses
from portal_gateway.domain.tokens import Peppers
from portal_gateway.settings import GatewaySettings


def compose(its: Resources) -> Service:
    settings: GatewaySettings = its.settings
    pool, peppers = its.pool, Peppers(settings.link_pepper.get_secret_value())
    cursors = Cursors(settings.cursor_key.get_secret_value())

    def client(url: str, audience: str, seconds: float) -> ServiceClient:
        made = ServiceClient(url, audience, its.signer, timeout=seconds)
        its.closing.push_async_callback(made.close)
        return made

    subscriptions = services.SubscriptionsService(client(settings.subscriptions_url, "subscriptions", 5))
    payments = services.PaymentsService(client(settings.payments_url, "payments", 25), settings.public_url)
    invoicing = services.InvoicingService(client(settings.invoicing_url, "invoicing", 10))
    views, limits, kept = StoredViews(pool, its.tenants), StoredLimits(pool), StoredLinks(pool)
    access, images = StoredAccess(pool, peppers), StoredImages(pool)
    portal = Portal(access, views, subscriptions, payments, invoicing, images, limits, History(views, invoicing, cursors))
    tower = live.Tower(pool, its.stopping, settings.streams_per_session)
    its.closing.push_async_callback(tower.close)

    app = create_app(
        "Portal gateway",
        service="portal-gateway",
        gatekeeper=its.gatekeeper,
        once=its.once,
        openapi_url=None,
        schemes=SCHEMES,
    )
    app.add_middleware(guard.Guard, public_url=settings.public_url, cards_url=settings.cards_url)
    app.include_router(api_routes(portal, tower))
    app.include_router(media.media_routes(portal))
    acquaintances, addresses = Acquaintances(kept, subscriptions.customer), Addresses(settings.public_url, peppers)
    app.include_router(link_routes(kept, acquaintances, its.tenants, addresses, cursors))
    app.include_router(page.routes(portal, settings.cards_url))
    app.include_router(page.nowhere(portal, settings.cards_url))

    waiting = WaitingViews(pool, consumers.GROUP)
    reading = consumers.consumer(waiting.changed, tower.changed)
    its.health.add("projections", consumers.read_from_empty(pool, reading))
    its.health.add("views", waiting.none)
    freshness = Freshness(pool, settings.kafka_bootstrap_servers, [reading])
    workers = {"freshness": freshness.run, "sweeper": Sweeper(pool).run, "waiting-views": waiting.run}
    return Service(app, (reading,), workers=workers, publishes=False)
