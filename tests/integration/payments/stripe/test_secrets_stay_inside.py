"""Card numbers and the secrets of a Stripe account are in no table, event, log, span and metric in plain text."""

import re
from collections.abc import AsyncIterator, Iterator
from io import StringIO

import asyncpg
import pytest
from httpx import ASGITransport, AsyncClient
from integration.payments.stack import CARDS, Shop, Stack, running
from integration.payments.stripe.accounts import SECRET, connected, delivered
from integration.payments.stripe.card_page import confirm_at_the_bank, enter_card
from integration.payments.test_authenticating import begun
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import generate_latest

from support.databases import ServiceDatabase
from support.service_logs import service_logs
from support.spans import new_exporter
from support.stripe.server import StripeServer

SANDBOX_NUMBER = "5555555555554444"
GOOD, ALWAYS_ASKS, DECLINED = "4242424242424242", "4000002760003184", "4000000000000341"


@pytest.fixture
def log() -> Iterator[StringIO]:
    """Everything that the service logs at its lowest level, in its own format."""
    with service_logs("payments", "debug") as written:
        yield written


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    exporter = new_exporter()
    yield exporter
    exporter.shutdown()


@pytest.fixture
async def stack(
    database: ServiceDatabase, stripe: StripeServer, log: StringIO, spans: InMemorySpanExporter
) -> AsyncIterator[Stack]:
    async with running(database, stripe.url) as stack:
        yield stack


async def tables(database: ServiceDatabase) -> dict[str, str]:
    """All rows by table, as a dump has them. The tables with events contain what is sent to the topics."""
    owner = await asyncpg.connect(database.owner_url)
    try:
        names = await owner.fetch("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
        return {
            name: "\n".join([row["row"] for row in await owner.fetch(f'SELECT it::text AS row FROM "{name}" it')])
            for name in (row["name"] for row in names)
        }
    finally:
        await owner.close()


def forms(secret: str) -> list[str]:
    """The secret as text and in a dump's hexadecimal digits; a card number also in groups."""
    grouped = [separator.join(re.findall("....", secret)) for separator in " -."] if secret.isdecimal() else []
    return [secret, secret.encode().hex(), *grouped]


def leaks(places: dict[str, str], secrets: list[str]) -> list[tuple[str, str]]:
    return [(place, form) for place, text in places.items() for secret in secrets for form in forms(secret) if form in text]


@pytest.mark.parametrize("form", [GOOD, "4242 4242 4242 4242", "4242-4242-4242-4242", GOOD.encode().hex(), SECRET])
def test_the_search_finds_each_form(form: str) -> None:
    assert leaks({"log": f'{{"error": "{form}"}}', "metrics": ""}, [GOOD, SECRET]) == [("log", form)]


async def test_card_numbers_and_secrets_stay_where_they_belong(
    shop: Shop, stripe: StripeServer, database: ServiceDatabase, log: StringIO, spans: InMemorySpanExporter
) -> None:
    setup = (await shop.open_setup())["setup_id"]
    typed = {"number": SANDBOX_NUMBER, "exp": "12/40", "cvc": "123"}
    async with AsyncClient(transport=ASGITransport(shop.stack.card_page), base_url=CARDS) as frame:
        answer = await frame.post(f"/cards/{setup}/token", json=typed, headers={"sec-fetch-site": "same-origin"})
    token = answer.json()["token"]
    assert (await shop.confirm(setup, token)).status_code == 200
    account = await connected(shop, stripe)
    await enter_card(shop, account, ALWAYS_ASKS)
    invoice = await shop.issue()
    unconfirmed = (1, "failed", "authentication_required")
    await shop.until_charges(invoice, unconfirmed)
    await confirm_at_the_bank(shop, account, await begun(shop, invoice), passed=True)
    await shop.until_charges(invoice, unconfirmed, (2, "succeeded", None))
    await enter_card(shop, account, DECLINED)
    declined = await shop.issue()
    await shop.until_charges(declined, (1, "failed", "card_declined"))
    assert set(await delivered(shop, account.kinds("event"))) == {200}
    endpoint = await shop.stack.pool.fetchval("SELECT endpoint FROM stripe_account WHERE merchant_id = $1", shop.merchant.id)
    async with AsyncClient(transport=ASGITransport(shop.stack.card_page), base_url=CARDS) as stranger:
        forged = await stranger.post(f"/webhooks/stripe/{endpoint}", content=SECRET, headers={"stripe-signature": SECRET})
        assert forged.status_code == 400
    await enter_card(shop, account, GOOD)
    stripe.fault("500 not done", "create", 1)
    await shop.until_charges(await shop.issue(), (1, "succeeded", None))
    account.key_status = 401
    await shop.issue()

    async def refused() -> bool:
        return "stripe.key_refused" in log.getvalue()

    await shop.stack.until(refused)

    secrets = [account.key, SECRET, shop.merchant.key, SANDBOX_NUMBER, GOOD, ALWAYS_ASKS, DECLINED]
    secrets += [it["client_secret"] for kind in ("setup_intent", "payment_intent") for it in account.kinds(kind)]
    places = {f"table {name}": rows for name, rows in (await tables(database)).items()}
    places |= {
        "log": log.getvalue(),
        "spans": "\n".join(span.to_json() for span in spans.get_finished_spans()),
        "metrics": generate_latest().decode(),
    }
    assert all(places[name] for name in ("table events", "table stripe_account", "log", "spans", "metrics"))
    assert leaks(places, secrets) == []
