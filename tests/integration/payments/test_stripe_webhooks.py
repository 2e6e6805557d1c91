"""Webhooks: only signed ones of this account and mode are taken in, each once; they make a charge due and decide nothing."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import ASGITransport, AsyncClient, Response
from integration.payments.stack import CARDS, Stack, opened, running
from integration.payments.test_provider_accounts import KEY, OLD, PUBLISHABLE, SECRET
from pydantic import SecretStr

from payments.adapters.stripe.account import StripeAccount
from payments.adapters.stripe.accounts import PostgresStripeAccounts, StoredAccount
from payments.adapters.stripe.signatures import sign
from support.databases import ServiceDatabase

NEW_SECRET = "whsec_canary0of0the0new0secret"


def event(
    charge: UUID, *, id: str = "", live: bool = False, type: str = "payment_intent.succeeded", **fields: Any
) -> dict[str, Any]:
    about = {"object": "payment_intent", "id": f"pi_{charge.hex}", "metadata": {"charge_id": str(charge)}, "livemode": live}
    return {
        "object": "event",
        "id": id or f"evt_{uuid4().hex}",
        "type": type,
        "created": int(time.time()),
        "livemode": live,
        "data": {"object": about},
    } | fields


class Endpoint:
    """The endpoint of a merchant's account, with an open charge."""

    def __init__(self, stack: Stack, stored: StoredAccount) -> None:
        self.stack, self.stored = stack, stored
        self.merchant_id, self.charge = stored.account.merchant_id, uuid4()

    async def post(self, body: bytes, signature: str | None, endpoint: object = None) -> Response:
        headers = {b"content-type": b"application/json; charset=utf-8"}
        if signature is not None:
            headers[b"stripe-signature"] = signature.encode()
        async with AsyncClient(transport=ASGITransport(self.stack.card_page), base_url=CARDS) as stripe:
            return await stripe.post(f"/webhooks/stripe/{endpoint or self.stored.endpoint}", content=body, headers=headers)

    async def send(self, document: Mapping[str, Any] | bytes, *, secret: str = SECRET, age: float = 0) -> Response:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        at = str(int(time.time() - age))
        return await self.post(body, f"t={at},v1={sign(body, at, secret)},v0=ignored")

    async def event_ids(self) -> list[str]:
        rows = await self.stack.pool.fetch("SELECT event_id FROM stripe_event WHERE merchant_id = $1", self.merchant_id)
        return [row["event_id"] for row in rows]

    async def is_due(self) -> bool:
        sql = "SELECT call_at <= now() FROM attempt WHERE merchant_id = $1 AND charge_id = $2"
        return bool(await self.stack.pool.fetchval(sql, self.merchant_id, self.charge))

    async def refund_is_due(self) -> bool:
        sql = "SELECT call_at <= now() FROM refund WHERE merchant_id = $1 AND charge_id = $2"
        return bool(await self.stack.pool.fetchval(sql, self.merchant_id, self.charge))

    async def open_refund(self) -> None:
        """A refund of the charge that is requested again in an hour."""
        await self.stack.pool.execute(
            """
            INSERT INTO refund (merchant_id, refund_id, invoice_id, customer_id, charge_id, amount_minor, currency, reason,
                                requested_at, call_at)
            VALUES ($1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), $2, 1000, 'USD', 'credit_note', now(),
                    now() + interval '1 hour')
            """,
            self.merchant_id,
            self.charge,
        )

    async def open_charge(self, provider: str = "stripe") -> None:
        """A charge that is due in an hour."""
        await self.stack.pool.execute(
            """
            INSERT INTO attempt (merchant_id, charge_id, invoice_id, customer_id, number, amount_minor, currency, status,
                                 started_at, provider, call_at)
            VALUES ($1, $2, gen_random_uuid(), gen_random_uuid(), 1, 2999, 'USD', 'unknown', now(), $3, now() + interval '1 hour')
            """,
            self.merchant_id,
            self.charge,
            provider,
        )


@pytest.fixture
async def idle_stack(database: ServiceDatabase) -> AsyncIterator[Stack]:
    """Without workers, so that a charge that is due stays due."""
    async with running(database, workers=False) as stack:
        yield stack


@pytest.fixture
async def endpoint(idle_stack: Stack) -> Endpoint:
    shop = await opened(idle_stack, test_clock=False)
    account = StripeAccount(shop.merchant.id, "test", PUBLISHABLE, SecretStr(KEY))
    stored = await PostgresStripeAccounts(idle_stack.pool, [OLD]).store(account, [SECRET])
    endpoint = Endpoint(idle_stack, stored)
    await endpoint.open_charge()
    return endpoint


async def nothing_happened(endpoint: Endpoint) -> bool:
    return await endpoint.event_ids() == [] and not await endpoint.is_due()


async def test_a_signed_event_makes_its_charge_due_and_decides_nothing(endpoint: Endpoint) -> None:
    sent = event(endpoint.charge)
    assert (await endpoint.send(sent)).status_code == 200
    assert await endpoint.event_ids() == [sent["id"]]
    assert await endpoint.is_due()
    assert await endpoint.stack.pool.fetchval("SELECT status FROM attempt WHERE charge_id = $1", endpoint.charge) == "unknown"


async def test_an_event_that_names_only_the_intent_finds_its_charge(endpoint: Endpoint) -> None:
    sql = "INSERT INTO stripe_intent (merchant_id, charge_id, mode, reference) VALUES ($1, $2, 'test', 'pi_1')"
    await endpoint.stack.pool.execute(sql, endpoint.merchant_id, endpoint.charge)
    about = {"object": "refund", "id": "re_1", "payment_intent": "pi_1"}
    assert (await endpoint.send(event(endpoint.charge, type="refund.updated", data={"object": about}))).status_code == 200
    assert await endpoint.is_due()


@pytest.mark.parametrize("type", ["refund.updated", "refund.failed", "charge.refunded"])
async def test_an_event_about_a_refund_makes_it_due(endpoint: Endpoint, type: str) -> None:
    sql = "INSERT INTO stripe_intent (merchant_id, charge_id, mode, reference) VALUES ($1, $2, 'test', 'pi_1')"
    await endpoint.stack.pool.execute(sql, endpoint.merchant_id, endpoint.charge)
    await endpoint.stack.pool.execute("UPDATE attempt SET status = 'succeeded'")
    await endpoint.open_refund()
    about = {"object": type.split(".")[0], "id": "re_1", "payment_intent": "pi_1", "metadata": {"refund_id": str(uuid4())}}
    assert (await endpoint.send(event(endpoint.charge, type=type, data={"object": about}))).status_code == 200
    assert await endpoint.refund_is_due()
    assert await endpoint.stack.pool.fetchval("SELECT status FROM refund") == "requested"


async def test_a_repeated_event_is_answered_and_has_no_second_effect(endpoint: Endpoint) -> None:
    sent = event(endpoint.charge)
    await endpoint.send(sent)
    await endpoint.stack.pool.execute("UPDATE attempt SET call_at = now() + interval '1 hour'")
    assert [(await endpoint.send(sent)).status_code for _ in range(4)] == [200] * 4
    assert not await endpoint.is_due()
    assert await endpoint.event_ids() == [sent["id"]]


async def test_an_event_about_nothing_that_waits_is_stored_and_changes_nothing(endpoint: Endpoint) -> None:
    for about, change in (
        (uuid4(), "SELECT 1"),
        (endpoint.charge, "UPDATE attempt SET status = 'succeeded'"),
        (endpoint.charge, "UPDATE attempt SET provider = 'sandbox', status = 'unknown'"),
    ):
        await endpoint.stack.pool.execute(change)
        before = await endpoint.stack.pool.fetch("SELECT * FROM attempt")
        assert (await endpoint.send(event(about))).status_code == 200
        assert await endpoint.stack.pool.fetch("SELECT * FROM attempt") == before
    assert len(await endpoint.event_ids()) == 3


async def test_another_merchants_charge_is_not_touched(endpoint: Endpoint) -> None:
    await endpoint.stack.pool.execute("UPDATE attempt SET merchant_id = gen_random_uuid()")
    before = await endpoint.stack.pool.fetch("SELECT * FROM attempt")
    assert (await endpoint.send(event(endpoint.charge))).status_code == 200
    assert await endpoint.stack.pool.fetch("SELECT * FROM attempt") == before


async def test_an_unknown_type_is_accepted_and_not_stored(endpoint: Endpoint) -> None:
    assert (await endpoint.send(event(endpoint.charge, type="customer.created"))).status_code == 200
    assert await nothing_happened(endpoint)


async def test_both_secrets_are_accepted_while_they_are_replaced(endpoint: Endpoint) -> None:
    accounts = PostgresStripeAccounts(endpoint.stack.pool, [OLD])
    await accounts.store(endpoint.stored.account, [NEW_SECRET, SECRET])
    for secret in (NEW_SECRET, SECRET):
        assert (await endpoint.send(event(endpoint.charge), secret=secret)).status_code == 200
    await accounts.store(endpoint.stored.account, [NEW_SECRET])
    assert (await endpoint.send(event(endpoint.charge))).status_code == 400
    assert len(await endpoint.event_ids()) == 2


async def test_what_is_not_accepted_is_refused_and_counted_and_stores_nothing(endpoint: Endpoint) -> None:
    good = event(endpoint.charge)
    body, at = json.dumps(good).encode(), str(int(time.time()))
    signature = f"t={at},v1={sign(body, at, SECRET)}"
    spaced = json.dumps(good, indent=1).encode()
    refused = {
        "unsigned": [await endpoint.post(body, None), await endpoint.post(body, "ñ")],
        "out_of_time": [await endpoint.send(good, age=age) for age in (305, -305, 10**9)],
        "forged": [
            *[
                await endpoint.post(changed, signature)
                for changed in (body.replace(b"succeeded", b"canceled"), body + b" ", spaced)
            ],
            await endpoint.send(good, secret=NEW_SECRET),
            # Not strict JSON: the chassis replaces the bytes before they are compared.
            *[await endpoint.send(content) for content in (b"[" * 10_000, b"\xff")],
        ],
        "wrong_mode": [await endpoint.send(event(endpoint.charge, live=True))],
        "malformed": [await endpoint.send(content) for content in (b"", b"{", b"[]", good | {"id": "../x"})],
    }
    for reason, answers in refused.items():
        expected = (400, "webhook_refused", reason)
        assert [(a.status_code, a.json()["code"], a.json()["detail"]) for a in answers] == [expected] * len(answers)
    assert await nothing_happened(endpoint)
    assert (await endpoint.post(body, signature)).status_code == 200


async def test_257_kib_are_refused_and_256_are_not(endpoint: Endpoint) -> None:
    body = json.dumps(event(endpoint.charge)).encode()
    assert (await endpoint.send(body.ljust(257 * 1024))).status_code == 413
    assert await nothing_happened(endpoint)
    assert (await endpoint.send(body.ljust(256 * 1024))).status_code == 200


async def test_an_unknown_endpoint_is_not_found(endpoint: Endpoint) -> None:
    body, at = json.dumps(event(endpoint.charge)).encode(), str(int(time.time()))
    answers = [await endpoint.post(body, f"t={at},v1={sign(body, at, SECRET)}", unknown) for unknown in (uuid4(), "x", "0" * 8)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert await nothing_happened(endpoint)


async def test_the_card_pages_own_limit_stays(endpoint: Endpoint) -> None:
    setup = (await (await opened(endpoint.stack)).open_setup())["setup_id"]
    headers = {"content-type": "application/json", "sec-fetch-site": "same-origin"}
    async with AsyncClient(transport=ASGITransport(endpoint.stack.card_page), base_url=CARDS) as browser:
        answer = await browser.post(f"/cards/{setup}/token", content=b" " * 3000, headers=headers)
    assert answer.status_code == 413
