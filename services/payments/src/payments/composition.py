"""The composition of the payments service: the only place that builds and connects its parts."""

from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter

from chassis.eventsourcing.command_handler import CommandHandler
from chassis.http.app import create_app
from chassis.service.service import Listener, Resources, Service, Worker
from payments.adapters import rows
from payments.adapters.authentications import PostgresAuthentications
from payments.adapters.card_page.app import card_page
from payments.adapters.card_page.hosts import addresses_of
from payments.adapters.card_page.ports import CardPagePorts
from payments.adapters.charge_queue import PostgresChargeQueue
from payments.adapters.collections import PostgresCollections
from payments.adapters.consumers import consumer
from payments.adapters.dispute_metrics import count
from payments.adapters.dispute_queries import DisputeQueries
from payments.adapters.http import (
    authentication,
    charges,
    disputes,
    methods,
    migrations,
    one_time_payments,
    payment_preview,
    payment_provider,
    setups,
)
from payments.adapters.http import wallets as wallet_routes
from payments.adapters.http.peers import PEERS
from payments.adapters.http.refusals import REFUSALS
from payments.adapters.http.stored_answers import StoredAnswers
from payments.adapters.migrating_methods import PostgresMigratingMethods
from payments.adapters.one_time_methods import PostgresOneTimeMethods
from payments.adapters.outlooks import SubscriptionOutlooks
from payments.adapters.payment_queries import PaymentQueries
from payments.adapters.provider_router import ProviderRouter
from payments.adapters.removed_methods import PostgresRemovedMethods
from payments.adapters.reported_methods import PostgresReportedMethods
from payments.adapters.sandbox import controls
from payments.adapters.sandbox.challenges import Challenges
from payments.adapters.sandbox.ledger import LedgerPool
from payments.adapters.sandbox.provider import Sandbox
from payments.adapters.sandbox.vault import Vault
from payments.adapters.setups import PostgresSetUps
from payments.adapters.stripe import webhooks
from payments.adapters.stripe.accounts import PostgresStripeAccounts
from payments.adapters.stripe.books import StripeBooks
from payments.adapters.stripe.catching_up import CatchingUp
from payments.adapters.stripe.connecting import StripeOnboarding
from payments.adapters.stripe.connections import StripeConnections
from payments.adapters.stripe.events import EventIntake
from payments.adapters.stripe.provider import StripeProvider
from payments.adapters.tenants import KnownCustomers, KnownMerchants, MerchantClock
from payments.application.aggregates import PAYMENT, WALLET, Payments
from payments.application.authentication import BankAuthentication
from payments.application.card_addition import CardAddition
from payments.application.card_change import CardChange
from payments.application.card_migration import CardMigration
from payments.application.card_upkeep import CardUpkeep
from payments.application.collector import Collector
from payments.application.disputes import DisputeWorker
from payments.application.dues import Dues
from payments.application.forgetting import Forgetting
from payments.application.one_time_payment import OneTimePayment
from payments.application.pay_now import ImmediatePayment
from payments.application.ports import Clock, OpenSetUps
from payments.application.provider_ports import CardProvider, Provider, ProviderAccounts
from payments.application.refunds import RefundWorker
from payments.application.worker import worker
from payments.domain.shapes import SANDBOX, STRIPE
from payments.domain.wallet.commands import Command
from payments.domain.wallet.events import Event
from payments.domain.wallet.wallet import Wallet
from payments.settings import Settings


@dataclass(frozen=True, slots=True)
class StripeParts:
    provider: Provider
    onboarding: ProviderAccounts
    webhooks: APIRouter
    catching_up: Worker


def compose_stripe(resources: Resources) -> StripeParts:
    settings: Settings = resources.settings
    pool = resources.pool
    accounts, books = PostgresStripeAccounts(pool, settings.key_encryption_keys), StripeBooks(pool)
    resources.live.on_change(["key_encryption_key"], lambda new: accounts.use(new.key_encryption_keys))
    resources.health.watch("provider_accounts", accounts.problem)
    connections = StripeConnections(accounts, books, base_url=settings.stripe_api_url)
    resources.closing.push_async_callback(connections.close)
    intake = EventIntake(pool, resources.commits, rows)
    return StripeParts(
        StripeProvider(connections, books),
        StripeOnboarding(pool, accounts, connections),
        webhooks.routes(accounts, intake),
        CatchingUp(pool, connections, intake).run,
    )


def compose_card_page(
    resources: Resources, ledger: LedgerPool, setups_table: OpenSetUps, provider: CardProvider, webhook_routes: APIRouter
) -> Listener:
    """The card page's origin, with Stripe's webhooks. In production the sandbox has no part in it."""
    settings: Settings = resources.settings
    production = settings.environment == "production"
    tokeniser, bank = (None, None) if production else (Vault(ledger), Challenges(ledger))
    known, authentications = KnownMerchants(resources.tenants), PostgresAuthentications(resources.pool, rows)
    page = card_page(
        CardPagePorts(setups_table, known, provider, tokeniser, authentications, bank),
        cards_url=settings.cards_url,
        portal_origin=settings.portal_origin,
        stripe_script=settings.stripe_js_url,
        larger_bodies={f"{webhooks.PATH}/": webhooks.MAX_BYTES},
    )
    page.include_router(webhook_routes)
    hosts = addresses_of(settings.cards_http_host)
    return Listener(page, hosts, settings.cards_http_port, settings.cards_http_certificate)


def compose_workers(
    resources: Resources,
    wallets: CommandHandler[Command, Event, Wallet],
    payments: Payments,
    provider: Provider,
    queue: PostgresChargeQueue,
    clock: Clock,
) -> dict[str, Worker]:
    """The workers that call the provider."""
    settings: Settings = resources.settings
    timeout, pool = settings.provider_seconds, resources.pool
    common = CommandHandler(resources.store, payments), provider, resources.tenants, timeout, settings.first_check_seconds
    collector, refunds, disputed = (
        Collector(queue, *common),
        RefundWorker(queue, *common),
        DisputeWorker(queue, *common, count=count),
    )
    removed, one_time, lease = PostgresRemovedMethods(pool), PostgresOneTimeMethods(pool), timeout + 5
    reported = PostgresReportedMethods(pool)
    upkeep = CardUpkeep(reported, wallets, provider, clock, timeout)
    return dict(
        (
            worker("charges", queue.attempts, collector.settle, lease, wake=resources.commits.event()),
            worker("refund_requests", queue.unrequested_refunds, refunds.request, lease),
            worker("refunds", queue.refunds, refunds.settle, lease),
            worker("disputes", queue.disputes, disputed.settle, lease),
            worker("removed_cards", removed.claim, Forgetting(removed.forgotten, provider, timeout).forget, lease),
            worker("reported_cards", reported.claim, upkeep.update, lease),
            worker("one_time_cards", one_time.claim, Forgetting(one_time.forgotten, provider, timeout).forget, lease),
            worker("agreements", queue.agreements, collector.retry_agreed, 10),
        )
    )


def compose(resources: Resources) -> Service:
    settings: Settings = resources.settings
    pool, store, tenants = resources.pool, resources.store, resources.tenants
    owner = resources.client(settings.tenants_url, settings.tenants_service)
    ledger = LedgerPool(settings.database_url.get_secret_value())
    resources.live.on_change(["database_url"], lambda new: ledger.use(new.database_url.get_secret_value()))
    resources.closing.push_async_callback(ledger.close)
    queue, setups_table = PostgresChargeQueue(pool), PostgresSetUps(pool)
    stripe, production = compose_stripe(resources), settings.environment == "production"
    providers: dict[str, Provider] = {SANDBOX: Sandbox(ledger), STRIPE: stripe.provider}
    provider = ProviderRouter(pool, tenants, providers, settings.provider, production)
    customers, collections, stored_answers = KnownCustomers(pool, owner), PostgresCollections(pool), StoredAnswers(store)
    reader, clock = PaymentQueries(pool), MerchantClock(tenants, owner)

    wallets, payments = replace(WALLET, rows=rows.of_wallet), replace(PAYMENT, rows=rows.of_payment)
    dues = Dues(collections, SubscriptionOutlooks(owner), tenants)
    timeout = settings.provider_seconds
    card_change = CardChange(store, wallets, payments, rows, setups_table, dues, provider, min(timeout, 4))
    addition = CardAddition(store, wallets, rows, setups_table, clock, provider, min(timeout, 4))
    pay_now = ImmediatePayment(store, wallets, payments, rows, dues, collections)
    charged = wallets, payments, rows, setups_table, collections, collections, tenants, PostgresOneTimeMethods(pool)
    one_time = OneTimePayment(store, *charged, PostgresAuthentications(pool, rows), provider, min(timeout, 4))

    shared: dict[str, Any] = {"authenticator": resources.authenticator, "once": resources.once}
    app = create_app("payments", service="payments", refusals=REFUSALS, peers=PEERS, **shared)
    origins = {"cards_url": settings.cards_url, "portal_origin": settings.portal_origin}
    app.include_router(
        setups.routes(
            card_change, setups_table, customers, dues, stored_answers, rows, addition, reader, provider.of_merchant, **origins
        )
    )
    wallet_commands = CommandHandler(store, wallets)
    app.include_router(methods.routes(wallet_commands, provider, customers, clock, reader))
    app.include_router(wallet_routes.routes(wallet_commands, customers, collections, clock, reader))
    migration = CardMigration(PostgresMigratingMethods(pool), provider, clock)
    app.include_router(migrations.routes(wallet_commands, migration))
    app.include_router(payment_preview.routes(pay_now, dues, collections, stored_answers))
    app.include_router(authentication.routes(BankAuthentication(pay_now), collections, setups_table, stored_answers, **origins))
    app.include_router(one_time_payments.routes(one_time, setups_table, collections, stored_answers, rows, **origins))
    app.include_router(charges.routes(reader))
    app.include_router(disputes.routes(DisputeQueries(pool), resources.cursors))
    if not production:
        app.include_router(controls.routes(ledger))
    webhooks_url = f"{settings.cards_url.rstrip('/')}{webhooks.PATH}"
    app.include_router(payment_provider.routes(stripe.onboarding, provider.of_merchant, webhooks_url=webhooks_url))

    listener = compose_card_page(resources, ledger, setups_table, provider, stripe.webhooks)
    return Service(
        app,
        consumers=(consumer(wallets, payments, rows),),
        workers={
            "stripe_events": stripe.catching_up,
            **compose_workers(resources, wallet_commands, payments, provider, queue, clock),
        },
        more_apps=(listener,),
    )
