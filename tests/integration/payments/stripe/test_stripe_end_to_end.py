"""A customer's cards and payments at Stripe, through the whole service: entered, charged, confirmed at the bank, refunded."""

from uuid import UUID

import pytest
from fastapi.routing import iter_route_contexts
from integration.payments.stack import Shop, running
from integration.payments.stripe.accounts import connected
from integration.payments.stripe.card_page import confirm_at_the_bank, enter_card, type_card
from integration.payments.test_authenticating import begun
from integration.payments.test_confirming_a_one_time_payment import authenticate
from integration.payments.test_one_time_payments import NO_CARD, confirm, issued, open_setup

from support.databases import ServiceDatabase
from support.service import OPERATOR
from support.stripe.server import StripeServer

GOOD, ALWAYS_ASKS = "4242424242424242", "4000002760003184"


async def test_a_card_is_entered_charged_confirmed_at_the_bank_and_refunded_in_part(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await enter_card(shop, account, GOOD)
    first = await shop.issue()
    await shop.until_charges(first, (1, "succeeded", None))
    await enter_card(shop, account, ALWAYS_ASKS)
    second = await shop.issue()
    unconfirmed = (1, "failed", "authentication_required")
    await shop.until_charges(second, unconfirmed)
    await confirm_at_the_bank(shop, account, await begun(shop, second), passed=False)
    await shop.until_charges(second, unconfirmed, (2, "failed", "authentication_failed"))
    await confirm_at_the_bank(shop, account, await begun(shop, second), passed=True)
    await shop.until_charges(second, unconfirmed, (2, "failed", "authentication_failed"), (3, "succeeded", None))
    await shop.credit(first, 1000)
    await shop.until_refunds(first, (1000, "credit_note", "made"))
    rows = await shop.stack.pool.fetch("SELECT invoice_id, charge_id FROM attempt WHERE status = 'succeeded'")
    charges = {row["invoice_id"]: row["charge_id"] for row in rows}
    assert [account.captured(charges[invoice]) for invoice in (first, second)] == [1, 1]
    assert [account.refunded(charges[invoice]) for invoice in (first, second)] == [1000, 0]
    assert sum(account.captures.values()) == 2
    assert (await shop.stack.ledger(shop.merchant.id))["charges"] == []


@pytest.mark.parametrize(("passed", "outcome"), [(True, ("succeeded", None)), (False, ("failed", "authentication_failed"))])
async def test_the_payer_of_an_invoice_link_confirms_at_the_bank(
    shop: Shop, stripe: StripeServer, passed: bool, outcome: tuple[str, str | None]
) -> None:
    account = await connected(shop, stripe)
    invoice = await issued(shop)
    setup = (await open_setup(shop, invoice)).json()["setup_id"]
    paying = await confirm(shop, invoice, setup, await type_card(shop, account, setup, ALWAYS_ASKS))
    assert paying.status_code == 201, paying.text
    charge = paying.json()["id"]
    page = await authenticate(shop, charge)
    assert page.status_code == 201, page.text
    await confirm_at_the_bank(shop, account, page.json(), passed=passed)
    await shop.until_charges(invoice, NO_CARD, (2, *outcome))
    assert (account.captured(UUID(charge)), sum(account.captures.values())) == (int(passed), int(passed))

    async def forgotten() -> bool:
        return not await shop.stack.pool.fetchval("SELECT count(*) FROM one_time_method WHERE merchant_id = $1", shop.merchant.id)

    await shop.stack.until(forgotten)
    assert await shop.methods() == []


async def test_the_sandboxs_routes_do_not_exist_in_production(database: ServiceDatabase) -> None:
    production = {"environment": "production", "provider": "stripe", "stripe_api_url": "", "cards_url": "https://cards.example"}
    async with running(database, workers=False, **production) as stack, stack.client(OPERATOR) as operator:
        assert (await operator.get(f"/sandbox/ledger?merchant_id={UUID(int=1)}")).status_code == 404
        assert (await operator.post("/sandbox/behaviour", json={})).status_code == 404
        paths = [route.path_format for route in iter_route_contexts(stack.card_page.routes)]
    assert "/cards/{setup_id}" in paths
    assert [path for path in paths if path and "token" in path] == []
