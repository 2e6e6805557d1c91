"""`/v1/payment-provider`: a merchant connects, replaces and disconnects its own Stripe account."""

from typing import Any

from httpx import Response
from integration.payments.stack import CARDS, Shop, Stack, opened, running

from support.databases import ServiceDatabase
from support.stripe.server import StripeServer
from support.stripe.standin import Account

SECRETS = ["whsec_canary0of0the0endpoint", "whsec_canary0of0the0new0secret"]


async def connect(shop: Shop, account: Account, *secrets: str, **fields: Any) -> Response:
    body = {"publishable_key": account.publishable_key, "restricted_key": account.key, "webhook_secrets": list(secrets), **fields}
    return await shop.http.put("/v1/payment-provider", json=body)


async def shown(shop: Shop) -> dict[str, Any]:
    answer = await shop.http.get("/v1/payment-provider")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_connected_account_takes_new_cards_and_its_keys_are_never_shown(shop: Shop, stripe: StripeServer) -> None:
    account = stripe.account()
    assert (await shown(shop))["provider"] == "sandbox"
    answer = await connect(shop, account, SECRETS[0])
    assert (answer.status_code, answer.content) == (204, b"")
    body = await shown(shop)
    facts = ("provider", "mode", "state", "publishable_key", "key_last4", "webhook_secrets", "refused_at")
    assert [body[name] for name in facts] == ["stripe", "test", "connected", account.publishable_key, account.key[-4:], 1, None]
    assert body["webhook_url"] == f"{CARDS}/webhooks/stripe/{body['endpoint_id']}"
    assert account.key not in str(body)
    assert SECRETS[0] not in str(body)


async def test_keys_and_secrets_are_replaced_and_the_address_stays(shop: Shop, stripe: StripeServer) -> None:
    await connect(shop, stripe.account())
    first, account = await shown(shop), stripe.account()
    await connect(shop, account, *SECRETS)
    second = await shown(shop)
    assert (second["webhook_url"], second["webhook_secrets"]) == (first["webhook_url"], 2)
    assert second["key_last4"] == account.key[-4:]


async def test_keys_of_the_other_mode_are_refused(shop: Shop, stripe: StripeServer) -> None:
    live_shop = await opened(shop.stack, test_clock=False, sandbox=False)
    test, live = stripe.account(), stripe.account("live")
    for merchant, account in ((shop, live), (live_shop, test)):
        answer = await connect(merchant, account)
        assert (answer.status_code, answer.json()["code"]) == (422, "wrong_mode")
    mixed = await connect(shop, test, publishable_key=live.publishable_key)
    assert mixed.json()["code"] == "wrong_mode"
    assert (await shown(shop))["mode"] is None
    assert stripe.requests == []
    assert (await connect(live_shop, live)).status_code == 204
    assert (await shown(live_shop))["mode"] == "live"


async def test_a_body_of_another_shape_is_refused_without_its_values(shop: Shop, stripe: StripeServer) -> None:
    account = stripe.account()
    for wrong in (
        {"restricted_key": "sk_test_51Ab9secretkey"},
        {"restricted_key": "rk_test_"},
        {"restricted_key": None},
        {"publishable_key": "pk_test_é0000000"},
        {"webhook_secrets": ["whsec_0123456789abcdef"] * 3},
        {"webhook_secrets": ["secret_0123456789abcdef"]},
        {"account_id": "acct_1"},
    ):
        answer = await connect(shop, account, **wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), wrong
        assert account.key not in answer.text
        assert "secretkey" not in answer.text
    assert stripe.requests == []


async def test_keys_that_stripe_refuses_change_nothing(shop: Shop, stripe: StripeServer) -> None:
    good = stripe.account()
    await connect(shop, good)
    for status in (401, 403):
        revoked = stripe.account()
        revoked.key_status = status
        answer = await connect(shop, revoked)
        assert (answer.status_code, answer.json()["code"]) == (422, "key_refused")
        assert revoked.key not in answer.text
    assert ((await shown(shop))["key_last4"], (await shown(shop))["state"]) == (good.key[-4:], "connected")


async def test_while_stripe_does_not_answer_nothing_changes(database: ServiceDatabase) -> None:
    async with running(database, workers=False) as stack:
        shop = await opened(stack, test_clock=False)
        answer = await connect(shop, Account())
        assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
        assert (await shown(shop))["mode"] is None


async def test_a_merchant_with_a_test_clock_keeps_the_sandbox(stack: Stack, stripe: StripeServer) -> None:
    shop = await opened(stack)
    answer = await connect(shop, stripe.account())
    assert (answer.status_code, answer.json()["code"]) == (409, "test_clock")
    assert (await shown(shop))["provider"] == "sandbox"


async def test_only_the_merchants_own_key_connects(shop: Shop, stripe: StripeServer) -> None:
    other = await opened(shop.stack, test_clock=False)
    await connect(shop, stripe.account())
    assert (await shown(other))["mode"] is None
    assert (await other.http.delete("/v1/payment-provider")).status_code == 404
    assert (await shop.portal().get("/v1/payment-provider")).status_code == 403


async def test_disconnected_keys_are_deleted(shop: Shop, stripe: StripeServer) -> None:
    await connect(shop, stripe.account(), *SECRETS)
    assert (await shop.http.delete("/v1/payment-provider")).status_code == 204
    assert await shop.stack.pool.fetchval("SELECT count(*) FROM stripe_account") == 0
    assert (await shown(shop))["provider"] == "sandbox"
    assert (await shop.http.delete("/v1/payment-provider")).status_code == 404
