"""The composition of the subscriptions service: the only place that builds and connects its parts."""

from dataclasses import replace
from datetime import timedelta

from chassis.event_store.timers import TimerLoop
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.http.app import create_app
from chassis.service.service import Resources, Service
from subscriptions.adapters import images, rows
from subscriptions.adapters.clock_worker import ClockWorker
from subscriptions.adapters.consumers import consumer
from subscriptions.adapters.http import customers, media, merchants, payment_preview, plans, streams, subscriptions, test_clock
from subscriptions.adapters.http.peers import PEERS
from subscriptions.adapters.http.refusals import REFUSALS
from subscriptions.adapters.tables.clock_jobs import ClockJobsTable
from subscriptions.adapters.tables.comments import CommentsTable
from subscriptions.adapters.tables.customers import CustomersTable
from subscriptions.adapters.tables.media import MediaTable
from subscriptions.adapters.tables.plans import PlansTable
from subscriptions.adapters.tables.prices import PricesTable
from subscriptions.adapters.tables.streams import StreamsTable
from subscriptions.application.aggregates import MERCHANT, PLAN, SUBSCRIPTION
from subscriptions.application.customer_erasure import CustomerErasure
from subscriptions.application.renewals import timer_commands


def compose(resources: Resources) -> Service:
    pool, store, tenants = resources.pool, resources.store, resources.tenants
    people, pictures, comments, jobs = CustomersTable(pool), MediaTable(pool), CommentsTable(pool), ClockJobsTable(pool)
    cursors = resources.cursors

    aggregate = replace(SUBSCRIPTION, rows=rows.of_subscription)
    merchant_handler = CommandHandler(store, replace(MERCHANT, rows=rows.of_merchant))
    plan_handler = CommandHandler(store, replace(PLAN, rows=rows.of_plan))
    handler = CommandHandler(store, aggregate, timer_commands(people.revision_of))
    erasure = CustomerErasure(handler, people, tenants)
    clock_worker = ClockWorker(pool, jobs, tenants, merchant_handler, TimerLoop(pool, [handler]))
    patience = timedelta(seconds=resources.settings.test_clock_patience_seconds)
    production = resources.settings.environment == "production"

    app = create_app(
        "subscriptions",
        service="subscriptions",
        authenticator=resources.authenticator,
        once=resources.once,
        refusals=REFUSALS,
        larger_bodies={"/v1/media": media.MAX_BYTES},
        peers=PEERS,
    )
    app.include_router(subscriptions.routes(handler, plan_handler, people, comments, tenants, erasure.end_all))
    app.include_router(
        merchants.routes(
            merchant_handler,
            tenants,
            pictures,
            PricesTable(pool),
            secrets=lambda: resources.settings.cursor_keys,
            production=production,
        )
    )
    app.include_router(media.routes(pictures, images.webp))
    app.include_router(plans.routes(plan_handler, PlansTable(pool), pictures, tenants, cursors))
    app.include_router(customers.routes(people, tenants, erasure.end_all))
    app.include_router(payment_preview.routes(handler, people, tenants))
    app.include_router(test_clock.routes(jobs, tenants, clock_worker.wake, patience))
    app.include_router(streams.routes(StreamsTable(pool), cursors))
    return Service(
        app,
        consumers=(consumer(aggregate),),
        timers=(handler,),
        workers={"test-clock": clock_worker.run, "comments": comments.run},
    )
