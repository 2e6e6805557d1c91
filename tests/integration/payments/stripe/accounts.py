"""Merchants with a Stripe account: its connection, cards, charges and webhooks."""

from typing import Any
from uuid import UUID

from httpx import ASGITransport, AsyncClient
from integration.payments.stack import CARDS, Shop, Stack

from support.stripe.server import StripeServer
from support.stripe.standin import Account, signed

SECRET = "whsec_canary0of0the0endpoint"
GOOD = "4242424242424242"


async def connected(shop: Shop, stripe: StripeServer) -> Account:
    account = stripe.account()
    await connect(shop, account)
    return account


async def connect(shop: Shop, account: Account) -> None:
    body = {"publishable_key": account.publishable_key, "restricted_key": account.key, "webhook_secrets": [SECRET]}
    answer = await shop.http.put("/v1/payment-provider", json=body)
    assert answer.status_code == 204, answer.text


async def stripe_card(shop: Shop, account: Account, number: str = GOOD) -> UUID:
    return UUID((await shop.add(account.method(number)["id"]))["id"])


async def provider_of(stack: Stack, table: str, column: str, id: UUID) -> str:
    provider: str = await stack.pool.fetchval(f"SELECT provider FROM {table} WHERE {column} = $1", id)
    return provider


async def charge_of(shop: Shop, invoice: UUID) -> UUID:
    charge: UUID = await shop.stack.pool.fetchval("SELECT charge_id FROM attempt WHERE invoice_id = $1", invoice)
    return charge


async def delivered(shop: Shop, events: list[dict[str, Any]]) -> list[int]:
    endpoint = await shop.stack.pool.fetchval("SELECT endpoint FROM stripe_account WHERE merchant_id = $1", shop.merchant.id)
    statuses = []
    async with AsyncClient(transport=ASGITransport(shop.stack.card_page), base_url=CARDS) as sender:
        for event in events:
            body, signature = signed(event, SECRET)
            headers = {"stripe-signature": signature, "content-type": "application/json"}
            answer = await sender.post(f"/webhooks/stripe/{endpoint}", content=body, headers=headers)
            statuses.append(answer.status_code)
    return statuses
