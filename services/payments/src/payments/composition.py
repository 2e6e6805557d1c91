"""The payments service, put together. Nothing is built or joined anywhere else."""

from functools import partial

from billing_contracts.registry import data_of
from chassis.command_handler import CommandHandler
from chassis.consuming import Consumer
from chassis.http.app import create_app
from chassis.http.client import ServiceClient
from chassis.service import Resources, Service
from payments.adapters.card_page.app import card_page
from payments.adapters.card_page.hosts import loopbacks
from payments.adapters.claims import PostgresClaims
from payments.adapters.collections import PostgresCollections
from payments.adapters.http import charges, methods, paying, refusals, setups
from payments.adapters.http.answering import Answering
from payments.adapters.http.peers import PEERS
from payments.adapters.outlooks import OwnersOutlooks
from payments.adapters.sandbox import controls
from payments.adapters.sandbox.books import Books
from payments.adapters.sandbox.provider import Sandbox
from payments.adapters.sandbox.vault import Vault
from payments.adapters.setups import PostgresSetUps
from payments.adapters.tenants import KnownCustomers, KnownMerchants, OwnersClock
from payments.application.aggregates import PAYMENT, WALLET
from payments.application.change_of_card import ChangeOfCard
from payments.application.collector import Collector
from payments.application.dues import Dues
from payments.application.pay_now import PayNow
from payments.application.reactions import PROJECTIONS, REACTIONS, STREAMS, TOPICS
from payments.application.working import work_off
from payments.settings import Settings


def compose(r: Resources) -> Service:
    settings: Settings = r.settings
    owner = ServiceClient(settings.tenants_url, settings.tenants_service, r.signer)
    books = Books(settings.database_url.get_secret_value())
    r.closing.push_async_callback(owner.close)
    r.closing.push_async_callback(books.close)
    sandbox, claims, openings = Sandbox(books), PostgresClaims(r.pool), PostgresSetUps(r.pool)
    customers, wallets = KnownCustomers(r.pool, owner), CommandHandler(r.store, WALLET)
    collections, answering = PostgresCollections(r.pool), Answering(r.store)
    dues = Dues(collections, OwnersOutlooks(owner), r.tenants)
    patience = settings.provider_seconds
    change = ChangeOfCard(r.store, openings, dues, sandbox, min(patience, 4))
    collector = Collector(claims, CommandHandler(r.store, PAYMENT), sandbox, r.tenants, patience, settings.first_check_seconds)

    app = create_app(
        "payments",
        service="payments",
        gatekeeper=r.gatekeeper,
        once=r.once,
        refusals=refusals.PROBLEMS,
        peers=PEERS,
    )
    origins = {"cards_url": settings.cards_url, "portal_origin": settings.portal_origin}
    app.include_router(setups.routes(change, openings, customers, dues, answering, **origins))
    app.include_router(methods.routes(wallets, sandbox, customers, OwnersClock(r.tenants, owner), r.pool))
    app.include_router(paying.routes(PayNow(r.store, dues, collections), dues, collections, answering))
    app.include_router(charges.routes(r.pool))
    app.include_router(controls.routes(books))

    page = card_page(openings, KnownMerchants(r.tenants), Vault(books), **origins)
    return Service(
        app,
        consumers=(Consumer("payments.collection", TOPICS, data_of, REACTIONS, STREAMS, PROJECTIONS),),
        workers={
            "charges": partial(
                work_off, "charges", claims.attempts, collector.settle, lease=patience + 5, wake=r.commits.event()
            ),
            "refunds": partial(work_off, "refunds", claims.refunds, collector.give_back, lease=patience + 5),
            "agreements": partial(work_off, "agreements", claims.agreements, collector.honour, lease=10),
        },
        more_apps=((loopbacks(), settings.cards_http_port, page),),
    )
