"""The subscriptions service, put together. Nothing is built or joined anywhere else."""

from dataclasses import replace
from datetime import timedelta

from chassis.command_handler import CommandHandler
from chassis.http.app import create_app
from chassis.http.cursors import Cursors
from chassis.postgres.timers import TimerLoop
from chassis.service import Resources, Service
from subscriptions.adapters import consumers, images
from subscriptions.adapters.clockwork import Clockwork
from subscriptions.adapters.http import customers, media, merchants, paying, plans, streams, subscriptions, test_clock
from subscriptions.adapters.http.peers import PEERS
from subscriptions.adapters.tables import rows
from subscriptions.adapters.tables.clock_jobs import ClockJobsTable
from subscriptions.adapters.tables.comments import CommentsTable
from subscriptions.adapters.tables.customers import CustomersTable
from subscriptions.adapters.tables.media import MediaTable
from subscriptions.adapters.tables.plans import PlansTable
from subscriptions.adapters.tables.prices import PricesTable
from subscriptions.adapters.tables.streams import StreamsTable
from subscriptions.application.aggregates import MERCHANT, PLAN, SUBSCRIPTION
from subscriptions.application.ending import Ending
from subscriptions.application.renewals import Subscriptions


def compose(r: Resources) -> Service:
    people, pictures, comments, jobs = CustomersTable(r.pool), MediaTable(r.pool), CommentsTable(r.pool), ClockJobsTable(r.pool)
    secret = r.settings.cursor_key.get_secret_value()
    cursors = Cursors(secret)

    aggregate = replace(SUBSCRIPTION, rows=rows.of_subscription)
    selling = CommandHandler(r.store, replace(MERCHANT, rows=rows.of_merchant))
    offering = CommandHandler(r.store, replace(PLAN, rows=rows.of_plan))
    billing = Subscriptions(r.store, aggregate, people.revision_of)
    ending = Ending(billing, people, r.tenants)
    clockwork = Clockwork(r.pool, jobs, r.tenants, selling, TimerLoop(r.pool, [billing]))
    patience = timedelta(seconds=r.settings.test_clock_patience_seconds)
    production = r.settings.environment == "production"

    app = create_app(
        "subscriptions",
        service="subscriptions",
        gatekeeper=r.gatekeeper,
        once=r.once,
        refusals={**merchants.REFUSALS, **plans.REFUSALS, **subscriptions.REFUSALS, **images.REFUSALS},
        larger_bodies={"/v1/media": media.MAX_BYTES},
        peers=PEERS,
    )
    app.include_router(subscriptions.routes(billing, offering, people, comments, r.tenants, ending.end_all))
    app.include_router(merchants.routes(selling, r.tenants, pictures, PricesTable(r.pool), secret=secret, production=production))
    app.include_router(media.routes(pictures, images.webp))
    app.include_router(plans.routes(offering, PlansTable(r.pool), pictures, r.tenants, cursors))
    app.include_router(customers.routes(people, r.tenants, ending.end_all))
    app.include_router(paying.routes(billing, people, r.tenants))
    app.include_router(test_clock.routes(jobs, r.tenants, clockwork.wake, patience))
    app.include_router(streams.routes(StreamsTable(r.pool), cursors))
    return Service(
        app,
        consumers=(consumers.outcomes(aggregate),),
        timers=(billing,),
        workers={"test-clock": clockwork.run, "comments": comments.run},
    )
