"""`verify` finds and lists card numbers that an earlier version stored in free text, and they can be redacted."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from chassis.eventsourcing.context import Context
from portalctl.settings import Settings
from subscriptions.adapters.tables.customers import CustomersTable
from subscriptions.application.profiles import Customer
from support.system_stack import Shop, Stack, eventually
from verify.running import verify
from verify.sources import sources_of

NUMBER = "4111 1111.1111–1111"
"""A form that earlier detectors missed, and not a number of the sandbox, which other checks search for."""
PLAIN = "4111.1111.1111.1111"
TABLES = ("cancellation_comments", "customers", "idempotency", "quarantine")


@asynccontextmanager
async def connected(stack: Stack, database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.state["postgres"][database])
    try:
        yield connection
    finally:
        await connection.close()


async def store_numbers(shop: Shop, customer_id: str, subscription_id: str) -> None:
    """Store the number in a comment, a stored answer, a quarantined record and a profile that every service has read."""
    merchant_id, id = UUID(shop.id), UUID(customer_id)
    async with asyncpg.create_pool(shop.stack.state["postgres"]["subscriptions"], min_size=1, max_size=1) as pool:
        customers = CustomersTable(pool)
        customer = await customers.get(merchant_id, id)
        assert customer is not None
        profile = replace(customer.profile, name=f"Ana {NUMBER}", address=f"Calle 5\n{NUMBER}", tax_id="+52 1 55 2000 0000")
        async with pool.acquire() as connection, connection.transaction():
            changed = Customer(id, customer.revision + 1, profile)
            await customers.change(connection, Context.beginning(merchant_id, "test"), changed, datetime.now(UTC))
        await pool.execute(
            "INSERT INTO cancellation_comments VALUES ($1, $2, $3, $4)",
            *(merchant_id, UUID(subscription_id), id, f"cobren a {NUMBER} 12/30 737, gracias"),
        )
        await pool.execute(
            """
            INSERT INTO idempotency (merchant_id, subject, route, key, fingerprint, status, answer)
            VALUES ($1, 'merchant:x', 'POST /v1/customers', 'a key', '', 201, json_build_object('name', $2::text, 'id', $3::text))
            """,
            *(merchant_id, f"Ana {NUMBER}", customer_id),
        )
        await pool.execute(
            """
            INSERT INTO quarantine (consumer_group, topic, partition, record_offset, value, value_length, value_sha256, headers,
                                    error, state)
            VALUES ('subscriptions.outcomes', 'billing.payments', 0, 10000000, $1, 1, 'x', '[]', $2, 'discarded')
            """,
            *(f"no JSON: {NUMBER}".encode(), f"unreadable: {NUMBER}"),
        )
    await eventually(lambda: stored_names(shop.stack, customer_id), lambda names: all(NUMBER in name for name in names.values()))


async def stored_names(stack: Stack, customer_id: str) -> Mapping[str, str]:
    """The customer's name in the services that read profiles, and in the customer view."""
    names = {}
    for database in ("invoicing", "portal_gateway"):
        async with connected(stack, database) as connection:
            names[database] = await connection.fetchval(
                "SELECT doc ->> 'name' FROM projection WHERE name = 'customer' AND aggregate = $1", f"customer-{customer_id}"
            )
    async with connected(stack, "portal_gateway") as connection:
        sql = "SELECT coalesce(doc -> 'customer' ->> 'name', '') FROM customer_view WHERE customer_id = $1"
        names["view"] = await connection.fetchval(sql, UUID(customer_id))
    return names


async def verify_problems(stack: Stack) -> dict[str, list[str]]:
    result = await verify(sources_of(stack.state, stack.folder / "logs", Settings()), patience=30, progress=lambda _: None)
    return {verdict.invariant.id: verdict.differences for verdict in result.verdicts if not verdict.holds}


async def test_card_numbers_are_found_listed_and_redacted(stack: Stack, a_shop: Shop) -> None:
    ana = await a_shop.customer()
    await store_numbers(a_shop, ana.id, ana.subscription)
    differences = await verify_problems(stack)
    assert list(differences) == ["I12"]
    for table in TABLES:
        assert any(table in line for line in differences["I12"]), table

    listed = await asyncio.to_thread(stack.portalctl, "cards", "list")
    assert listed.returncode == 1, listed.stderr
    for row in (
        f"cancellation_comments {a_shop.id}/{ana.subscription}: comment",
        f"customers {a_shop.id}/{ana.id}: name, address",
    ):
        assert row in listed.stdout
    assert "1111" not in listed.stdout + listed.stderr

    question = await asyncio.to_thread(stack.portalctl, "cards", "redact")
    assert question.returncode == 1
    assert question.stdout.startswith(listed.stdout), "without a yes nothing changes"

    done = await asyncio.to_thread(stack.portalctl, "cards", "redact", "--yes")
    assert (done.returncode, "0 left" in done.stdout) == (0, True), done.stdout + done.stderr
    assert "1111" not in done.stdout + done.stderr
    assert await verify_problems(stack) == {}

    async with connected(stack, "subscriptions") as connection:
        comment = await connection.fetchval("SELECT comment FROM cancellation_comments WHERE customer_id = $1", UUID(ana.id))
        assert comment == "cobren a ••••, gracias"
        answer = await connection.fetchval("SELECT answer ->> 'name' FROM idempotency WHERE key = 'a key'")
        assert answer == "Ana ••••"
        record = await connection.fetchrow("SELECT value, error FROM quarantine WHERE record_offset = 10000000")
        assert record is not None
        assert tuple(record) == (None, "unreadable: ••••")
        await connection.execute("DELETE FROM quarantine WHERE record_offset = 10000000")
    revisions = [event.data for event in await stack.public_events("billing.customers", ana.id)]
    assert (revisions[-1]["name"], revisions[-1]["address"]) == ("Ana ••••", "Calle 5\n••••")
    assert revisions[-1]["tax_id"] == "+52 1 55 2000 0000"
    assert set((await stored_names(stack, ana.id)).values()) == {"Ana ••••"}


async def test_a_merchants_redacted_text_gets_a_new_revision(stack: Stack, a_shop: Shop) -> None:
    async with connected(stack, "subscriptions") as connection:
        await connection.execute(
            """
            UPDATE events SET body = replace(body::text, '1 Main Street', $2)::json
            WHERE merchant_id = $1 AND name = 'MerchantRegistered'
            """,
            *(UUID(a_shop.id), f"1 Main Street, {PLAIN}"),
        )
        await connection.execute(
            """
            UPDATE projection SET doc = jsonb_set(doc, '{legal,address}', to_jsonb($2::text))
            WHERE merchant_id = $1 AND name = 'merchant'
            """,
            *(UUID(a_shop.id), f"1 Main Street, {PLAIN}"),
        )
    done = await asyncio.to_thread(stack.portalctl, "cards", "redact", "--yes")
    merchant = await a_shop.backend.call("subscriptions", "GET", f"/v1/merchants/{a_shop.id}")
    assert merchant["legal"]["address"] == "1 Main Street, ••••"
    assert f"events {a_shop.id}/merchant-{a_shop.id}/1: body.profile.legal.address: not rewritten" in done.stdout
    assert (done.returncode, "1 left" in done.stdout) == (1, True), done.stdout
    async with connected(stack, "subscriptions") as connection:
        await connection.execute(
            "UPDATE events SET body = replace(body::text, $2, '1 Main Street')::json WHERE merchant_id = $1",
            *(UUID(a_shop.id), f"1 Main Street, {PLAIN}"),
        )
