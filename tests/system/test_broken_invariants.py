"""`portalctl verify` reports exactly the invariant that a test has broken.

This file runs before the others of the system stack: each verification reads all of the stack's events.
"""

import asyncio
import json
import secrets
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from portalctl.local.databases import url_of
from portalctl.local.folder import Folder
from portalctl.local.layout import layout_as_started
from portalctl.local.postgres import binaries
from support.system_stack import CARDS, Customer, Shop, Stack, eventually, shop
from support.verification import broken, run_verify
from verify.sources import DATABASES, variable_of

MARCH = datetime(2024, 3, 20, tzinfo=UTC)

CORRUPTIONS: Mapping[str, tuple[str, str]] = {
    "I1": ("subscriptions", "DELETE FROM inbox WHERE event_id = (SELECT event_id FROM inbox LIMIT 1)"),
    "I2": (
        "payments",
        "DELETE FROM sandbox_charge WHERE charge_id = (SELECT charge_id FROM sandbox_charge WHERE merchant_id = $1 LIMIT 1)",
    ),
    "I4": ("invoicing", "UPDATE series SET last = last + 1 WHERE merchant_id = $1"),
    "I5": (
        "invoicing",
        """
        UPDATE invoices SET issued = jsonb_set(issued::jsonb, '{seller,name}', '"Another seller"')::json
        WHERE merchant_id = $1 AND ordinal = 1
        """,
    ),
    "I6": (
        "invoicing",
        """
        UPDATE movements SET total = 2 * total
        WHERE source = (SELECT source FROM movements WHERE merchant_id = $1 AND kind = 'payment' LIMIT 1)
        """,
    ),
    "I7": (
        "invoicing",
        "UPDATE invoices SET period_start = period_start + interval '1 day' WHERE merchant_id = $1 AND ordinal = 1",
    ),
    "I8": (
        "subscriptions",
        """
        UPDATE events SET body = jsonb_set(body::jsonb, '{effective_at}', '"2024-01-01T00:00:00Z"')::json
        WHERE merchant_id = $1 AND name = 'SubscriptionCancelled'
        """,
    ),
    "I9": (
        "subscriptions",
        """
        DELETE FROM timers WHERE merchant_id = $1 AND name = 'boundary' AND 'subscription-' || id IN (
            SELECT stream FROM events WHERE merchant_id = $1 AND name = 'CancellationScheduled'
        )
        """,
    ),
    "I10": (
        "portal_gateway",
        """
        UPDATE projection SET doc = jsonb_set(doc, '{status}', '"unpaid"')
        WHERE aggregate = (SELECT aggregate FROM projection WHERE merchant_id = $1 AND name = 'subscription' LIMIT 1)
        """,
    ),
    "I11": ("subscriptions", "UPDATE events SET version = 2 WHERE merchant_id = $1 AND name = 'PlanPublished'"),
    "I12": (
        "subscriptions",
        f"""
        INSERT INTO cancellation_comments (merchant_id, subscription_id, customer_id, comment)
        SELECT $1, gen_random_uuid(), gen_random_uuid(), 'my card is {CARDS["visa"]}'
        """,
    ),
    "I15": (
        "subscriptions",
        """
        INSERT INTO idempotency (merchant_id, subject, route, key, fingerprint, status, answer)
        SELECT merchant_id, 'merchant:x', 'POST /v1/subscriptions', 'a key', '', 201,
            json_build_object('aggregate', stream, 'version', 99)
        FROM events WHERE merchant_id = $1 AND name = 'SubscriptionStarted' LIMIT 1
        """,
    ),
    "I16": (
        "subscriptions",
        """
        DELETE FROM timers WHERE merchant_id = $1 AND name = 'boundary' AND 'subscription-' || id NOT IN (
            SELECT stream FROM events WHERE merchant_id = $1 AND name = 'CancellationScheduled'
        )
        """,
    ),
    "I17": (
        "payments",
        """
        UPDATE events SET body = jsonb_set(body::jsonb, '{confirmation,charges,0,amount,amount_minor}', '1')::json
        WHERE merchant_id = $1 AND name = 'PaymentConfirmed'
        """,
    ),
    "I18": (
        "subscriptions",
        """
        INSERT INTO blocked_streams (merchant_id, stream, kind, store_version, topic_version)
        SELECT merchant_id, stream, 'fork', version, version FROM events
        WHERE merchant_id = $1 AND name = 'SubscriptionStarted' LIMIT 1
        """,
    ),
}


@dataclass
class Copies:
    """Copies of the system's databases for tests to damage. `urls` are never changed, only copied again."""

    stack: Stack
    admin_url: str
    merchant_id: str
    urls: Mapping[str, str]

    @asynccontextmanager
    async def damaged(self, database: str, statement: str) -> AsyncIterator[Mapping[str, str]]:
        """The databases' URLs, one of them of a copy in which the statement has been executed. `$1` is the merchant."""
        name = f"spoilt_{secrets.token_hex(4)}"
        admin = await asyncpg.connect(self.admin_url)
        try:
            await admin.execute(f"CREATE DATABASE {name} TEMPLATE {self.urls[database].rpartition('/')[2]}")
            copy = await asyncpg.connect(url_of(self.admin_url, name))
            try:
                done = await copy.execute(statement, *([self.merchant_id] if "$1" in statement else []))
                assert not done.endswith(" 0"), f"nothing was spoilt: {done}"
            finally:
                await copy.close()
            yield {**self.urls, database: url_of(self.admin_url, name)}
        finally:
            await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await admin.close()


@pytest.fixture(scope="module")
async def copies(stack: Stack) -> AsyncIterator[Copies]:
    async with shop(stack) as a_shop:
        await create_history(a_shop)
    await eventually(lambda: run_verify(stack), lambda result: result.clean)
    admin_url = layout_as_started(Folder(stack.folder)).admin_url
    names = {database: f"copy_{secrets.token_hex(4)}_{database}" for database in DATABASES}
    admin = await asyncpg.connect(admin_url)
    try:
        for database, name in names.items():
            await admin.execute(f"CREATE DATABASE {name}")
            await copy_database(url_of(admin_url, database), url_of(admin_url, name))
        yield Copies(stack, admin_url, a_shop.id, {database: url_of(admin_url, name) for database, name in names.items()})
    finally:
        for name in names.values():
            await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await admin.close()


async def create_history(shop: Shop) -> None:
    """Three months of four customers: active, cancelled, cancelling and past due."""
    staying, leaving, _, owing = [await shop.customer() for _ in range(4)]
    await leaving.cancel_as_merchant()
    await shop.backend.attach_card(owing.id, "tok_saves_then_declines")
    await shop.clock(MARCH)
    going = await shop.customer()
    await going.cancel_as_merchant()
    async with staying.portal() as visit:
        assert (await visit.change_card(CARDS["mastercard"])).status_code == 200
    await pay_on_request(await shop.customer(card=None))


async def pay_on_request(customer: Customer) -> None:
    """The first charge fails without a card; the merchant attaches one and requests the payment."""
    backend = customer.shop.backend
    [invoice] = await eventually(customer.invoices, bool)

    async def charges() -> list[Any]:
        page = await backend.call("payments", "GET", f"/v1/charges?invoice_id={invoice['id']}")
        return [charge["status"] for charge in page["items"]]

    await eventually(charges, lambda statuses: statuses == ["failed"])
    await backend.attach_card(customer.id, "tok_visa")
    await backend.call("payments", "POST", "/v1/charges", json={"invoice_id": invoice["id"]})
    await eventually(customer.status, lambda status: status == "active")


async def copy_database(source: str, target: str) -> None:
    """The services stay connected to the source, so it cannot be a template."""
    script = await asyncio.to_thread(dump, source)
    connection = await asyncpg.connect(target)
    try:
        await connection.execute(script)
    finally:
        await connection.close()


def dump(source: str) -> str:
    command = [str(binaries() / "pg_dump"), "--no-owner", "--no-privileges", "--inserts", source]
    script = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in script.splitlines() if not line.startswith("\\"))  # commands of psql


async def test_verify_finds_nothing_in_the_copies(copies: Copies) -> None:
    result = await run_verify(copies.stack, copies.urls)
    assert broken(result) == {}
    assert result.events > 50


@pytest.mark.parametrize("invariant", CORRUPTIONS)
async def test_each_broken_invariant_is_reported_alone(invariant: str, copies: Copies) -> None:
    async with copies.damaged(*CORRUPTIONS[invariant]) as urls:
        differences = broken(await run_verify(copies.stack, urls))
    assert list(differences) == [invariant], json.dumps(differences, indent=2)


async def test_the_command_names_the_broken_invariant_and_fails(copies: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    async with copies.damaged(*CORRUPTIONS["I4"]) as urls:
        for database, url in urls.items():
            monkeypatch.setenv(variable_of(database), url)
        process = await asyncio.to_thread(copies.stack.portalctl, "verify", "--provider", "--days", "1")
    assert process.returncode == 1
    lines = process.stdout.splitlines()
    assert "0 accounts, 0 payment intents, 0 refunds" in lines
    assert sum(line.split()[1] == "ok" for line in lines if line.startswith("I")) == len(CORRUPTIONS) - 1
    assert any(copies.merchant_id in line and "counter" in line for line in lines), process.stdout


async def test_a_service_that_stopped_consuming_is_named(copies: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    behind = "UPDATE offsets SET next = next - 1 WHERE ctid = (SELECT ctid FROM offsets WHERE next > 0 LIMIT 1)"
    async with copies.damaged("portal_gateway", behind) as urls:
        for database, url in urls.items():
            monkeypatch.setenv(variable_of(database), url)
        process = await asyncio.to_thread(copies.stack.portalctl, "verify", "--patience", "1")
    assert process.returncode == 1
    assert "portal-gateway.views has 1 records to read" in process.stderr
