"""The subscriptions service, put together. Nothing is built or joined anywhere else."""

from dataclasses import replace
from datetime import timedelta

from chassis.event_store.timers import TimerLoop
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.http.app import create_app
from chassis.http.page_cursors import Cursors
from chassis.service.service import Resources, Service
from subscriptions.adapters import consumers, images, rows
from subscriptions.adapters.clock_worker import ClockWorker
from subscriptions.adapters.http import customers, media, merchants, payment_preview, plans, streams, subscriptions, test_clock
from subscriptions.adapters.http.peers import PEERS
from subscriptions.adapters.tables.clock_jobs import ClockJobsTable
from subscriptions.adapters.tables.comments import CommentsTable
from subscriptions.adapters.tables.customers import CustomersTable
from subscriptions.adapters.tables.media import MediaTable
from subscriptions.adapters.tables.plans import PlansTable
from subscriptions.adapters.tables.prices import PricesTable
from subscriptions.adapters.tables.streams import StreamsTable
from subscriptions.application.aggregates import MERCHANT, PLAN, SUBSCRIPTION
from subscriptions.application.customer_erasure import CustomerErasure
from subscriptions.application.renewals import Subscriptions


def compose(resources: Resources) -> Service:
    people, pictures, comments, jobs = (
        CustomersTable(resources.pool),
        MediaTable(resources.pool),
        CommentsTable(resources.pool),
        ClockJobsTable(resources.pool),
    )
    secret = resources.settings.cursor_key.get_secret_value()
    cursors = Cursors(secret)

    aggregate = replace(SUBSCRIPTION, rows=rows.of_subscription)
    selling = CommandHandler(resources.store, replace(MERCHANT, rows=rows.of_merchant))
    offering = CommandHandler(resources.store, replace(PLAN, rows=rows.of_plan))
    billing = Subscriptions(resources.store, aggregate, people.revision_of)
    ending = CustomerErasure(billing, people, resources.tenants)
    clockwork = ClockWorker(resources.pool, jobs, resources.tenants, selling, TimerLoop(resources.pool, [billing]))
    patience = timedelta(seconds=resources.settings.test_clock_patience_seconds)
    production = resources.settings.environment == "production"

    app = create_app(
        "subscriptions",
        service="subscriptions",
        authenticator=resources.authenticator,
        once=resources.once,
        refusals={**merchants.REFUSALS, **plans.REFUSALS, **subscriptions.REFUSALS, **images.REFUSALS},
        larger_bodies={"/v1/media": media.MAX_BYTES},
        peers=PEERS,
    )
    app.include_router(subscriptions.routes(billing, offering, people, comments, resources.tenants, ending.end_all))
    app.include_router(
        merchants.routes(selling, resources.tenants, pictures, PricesTable(resources.pool), secret=secret, production=production)
    )
    app.include_router(media.routes(pictures, images.webp))
    app.include_router(plans.routes(offering, PlansTable(resources.pool), pictures, resources.tenants, cursors))
    app.include_router(customers.routes(people, resources.tenants, ending.end_all))
    app.include_router(payment_preview.routes(billing, people, resources.tenants))
    app.include_router(test_clock.routes(jobs, resources.tenants, clockwork.wake, patience))
    app.include_router(streams.routes(StreamsTable(resources.pool), cursors))
    return Service(
        app,
        consumers=(consumers.outcomes(aggregate),),
        timers=(billing,),
        workers={"test-clock": clockwork.run, "comments": comments.run},
    )
