"""The payments service, put together. Nothing is built or joined anywhere else."""

from functools import partial

from billing_contracts.registry import data_of
from chassis.consumers import Consumer
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.http.app import create_app
from chassis.http.client import ServiceClient
from chassis.service.service import Resources, Service
from payments.adapters.card_page.app import card_page
from payments.adapters.card_page.hosts import loopbacks
from payments.adapters.charge_queue import PostgresChargeQueue
from payments.adapters.collections import PostgresCollections
from payments.adapters.http import charges, methods, payment_preview, refusals, setups
from payments.adapters.http.peers import PEERS
from payments.adapters.http.stored_answers import StoredAnswers
from payments.adapters.outlooks import SubscriptionOutlooks
from payments.adapters.sandbox import controls
from payments.adapters.sandbox.ledger import LedgerPool
from payments.adapters.sandbox.provider import Sandbox
from payments.adapters.sandbox.vault import Vault
from payments.adapters.setups import PostgresSetUps
from payments.adapters.tenants import KnownCustomers, KnownMerchants, MerchantClock
from payments.application.aggregates import PAYMENT, WALLET
from payments.application.card_change import CardChange
from payments.application.collector import Collector
from payments.application.dues import Dues
from payments.application.pay_now import PayNow
from payments.application.reactions import PROJECTIONS, REACTIONS, STREAMS, TOPICS
from payments.application.worker import run_worker
from payments.settings import Settings


def compose(resources: Resources) -> Service:
    settings: Settings = resources.settings
    owner = ServiceClient(settings.tenants_url, settings.tenants_service, resources.signer)
    books = LedgerPool(settings.database_url.get_secret_value())
    resources.closing.push_async_callback(owner.close)
    resources.closing.push_async_callback(books.close)
    sandbox, claims, openings = Sandbox(books), PostgresChargeQueue(resources.pool), PostgresSetUps(resources.pool)
    customers, wallets = KnownCustomers(resources.pool, owner), CommandHandler(resources.store, WALLET)
    collections, stored_answers = PostgresCollections(resources.pool), StoredAnswers(resources.store)
    dues = Dues(collections, SubscriptionOutlooks(owner), resources.tenants)
    patience = settings.provider_seconds
    change = CardChange(resources.store, openings, dues, sandbox, min(patience, 4))
    collector = Collector(
        claims, CommandHandler(resources.store, PAYMENT), sandbox, resources.tenants, patience, settings.first_check_seconds
    )

    app = create_app(
        "payments",
        service="payments",
        authenticator=resources.authenticator,
        once=resources.once,
        refusals=refusals.REFUSALS,
        peers=PEERS,
    )
    origins = {"cards_url": settings.cards_url, "portal_origin": settings.portal_origin}
    app.include_router(setups.routes(change, openings, customers, dues, stored_answers, **origins))
    app.include_router(methods.routes(wallets, sandbox, customers, MerchantClock(resources.tenants, owner), resources.pool))
    app.include_router(payment_preview.routes(PayNow(resources.store, dues, collections), dues, collections, stored_answers))
    app.include_router(charges.routes(resources.pool))
    app.include_router(controls.routes(books))

    page = card_page(openings, KnownMerchants(resources.tenants), Vault(books), **origins)
    return Service(
        app,
        consumers=(Consumer("payments.collection", TOPICS, data_of, REACTIONS, STREAMS, PROJECTIONS),),
        workers={
            "charges": partial(
                run_worker, "charges", claims.attempts, collector.settle, lease=patience + 5, wake=resources.commits.event()
            ),
            "refunds": partial(run_worker, "refunds", claims.refunds, collector.refund_attempt, lease=patience + 5),
            "agreements": partial(run_worker, "agreements", claims.agreements, collector.retry_agreed, lease=10),
        },
        more_apps=((loopbacks(), settings.cards_http_port, page),),
    )
