"""The composition of the payments service: the only place that builds and connects its parts."""

from dataclasses import replace

from chassis.eventsourcing.command_handler import CommandHandler
from chassis.http.app import create_app
from chassis.service.service import Listener, Resources, Service
from payments.adapters import rows
from payments.adapters.authentications import PostgresAuthentications
from payments.adapters.card_page.app import card_page
from payments.adapters.card_page.hosts import addresses_of
from payments.adapters.card_page.ports import CardPagePorts
from payments.adapters.charge_queue import PostgresChargeQueue
from payments.adapters.collections import PostgresCollections
from payments.adapters.consumers import consumer
from payments.adapters.http import charges, methods, one_time_payments, payment_preview, setups
from payments.adapters.http.peers import PEERS
from payments.adapters.http.refusals import REFUSALS
from payments.adapters.http.stored_answers import StoredAnswers
from payments.adapters.one_time_methods import PostgresOneTimeMethods
from payments.adapters.outlooks import SubscriptionOutlooks
from payments.adapters.payment_queries import PaymentQueries
from payments.adapters.removed_methods import PostgresRemovedMethods
from payments.adapters.sandbox import controls
from payments.adapters.sandbox.challenges import Challenges
from payments.adapters.sandbox.ledger import LedgerPool
from payments.adapters.sandbox.provider import Sandbox
from payments.adapters.sandbox.vault import Vault
from payments.adapters.setups import PostgresSetUps
from payments.adapters.tenants import KnownCustomers, KnownMerchants, MerchantClock
from payments.application.aggregates import PAYMENT, WALLET
from payments.application.card_addition import CardAddition
from payments.application.card_change import CardChange
from payments.application.collector import Collector
from payments.application.dues import Dues
from payments.application.one_time_payment import Forgetting, OneTimePayment
from payments.application.pay_now import ImmediatePayment
from payments.application.refunds import RefundWorker
from payments.application.worker import worker
from payments.settings import Settings


def compose(resources: Resources) -> Service:
    settings: Settings = resources.settings
    pool, store, tenants = resources.pool, resources.store, resources.tenants
    owner = resources.client(settings.tenants_url, settings.tenants_service)
    ledger = LedgerPool(settings.database_url.get_secret_value())
    resources.live.on_change(["database_url"], lambda new: ledger.use(new.database_url.get_secret_value()))
    resources.closing.push_async_callback(ledger.close)
    sandbox, queue, setups_table = Sandbox(ledger), PostgresChargeQueue(pool), PostgresSetUps(pool)
    customers, collections, stored_answers = KnownCustomers(pool, owner), PostgresCollections(pool), StoredAnswers(store)
    reader, clock, removed = PaymentQueries(pool), MerchantClock(tenants, owner), PostgresRemovedMethods(pool)

    wallets, payments = replace(WALLET, rows=rows.of_wallet), replace(PAYMENT, rows=rows.of_payment)
    dues = Dues(collections, SubscriptionOutlooks(owner), tenants)
    timeout = settings.provider_seconds
    card_change = CardChange(store, wallets, payments, rows, setups_table, dues, sandbox, min(timeout, 4))
    addition = CardAddition(store, wallets, rows, setups_table, clock, sandbox, min(timeout, 4))
    pay_now = ImmediatePayment(store, wallets, payments, rows, dues, collections)
    one_time_cards, lease = PostgresOneTimeMethods(pool), timeout + 5
    charged = wallets, payments, rows, setups_table, collections, collections, tenants, one_time_cards
    one_time = OneTimePayment(store, *charged, sandbox, min(timeout, 4))
    forgetting = Forgetting(one_time_methods, sandbox, timeout, settings.first_check_seconds)
    collector = Collector(queue, CommandHandler(store, payments), sandbox, tenants, timeout, settings.first_check_seconds)
    refunds = RefundWorker(queue, CommandHandler(store, payments), sandbox, tenants, timeout, settings.first_check_seconds)

    app = create_app(
        "payments", service="payments", authenticator=resources.authenticator, once=resources.once, refusals=REFUSALS, peers=PEERS
    )
    origins = {"cards_url": settings.cards_url, "portal_origin": settings.portal_origin}
    app.include_router(
        setups.routes(card_change, setups_table, customers, dues, stored_answers, rows, addition, reader, **origins)
    )
    wallet_commands = CommandHandler(store, wallets)
    app.include_router(methods.routes(wallet_commands, sandbox, customers, clock, reader))
    app.include_router(wallet_routes.routes(wallet_commands, customers, collections, clock, reader))
    app.include_router(payment_preview.routes(pay_now, dues, collections, stored_answers))
    app.include_router(authentication.routes(BankAuthentication(pay_now), collections, setups_table, stored_answers, **origins))
    app.include_router(one_time_payments.routes(one_time, setups_table, collections, stored_answers, rows, **origins))
    app.include_router(charges.routes(reader))
    app.include_router(controls.routes(ledger))

    card_hosts = addresses_of(settings.cards_http_host)
    known, authentications = KnownMerchants(tenants), PostgresAuthentications(pool)
    ports = CardPagePorts(setups_table, known, sandbox, Vault(ledger), authentications, Challenges(ledger))
    page = card_page(ports, **origins, stripe_script=settings.stripe_js_url)
    return Service(
        app,
        consumers=(consumer(wallets, payments, rows),),
        workers=dict(
            (
                worker("charges", queue.attempts, collector.settle, lease, wake=resources.commits.event()),
                worker("refund_requests", queue.unrequested_refunds, refunds.request, lease),
                worker("refunds", queue.refunds, refunds.settle, lease),
                worker("removed_cards", removed.claim, Forgetting(removed.forgotten, sandbox, timeout).forget, lease),
                worker(
                    "one_time_cards", one_time_cards.claim, Forgetting(one_time_cards.forgotten, sandbox, timeout).forget, lease
                ),
                worker("agreements", queue.agreements, collector.retry_agreed, 10),
            )
        ),
        more_apps=(Listener(page, card_hosts, settings.cards_http_port, settings.cards_http_certificate),),
    )
