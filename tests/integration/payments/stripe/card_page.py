"""The card page with Stripe's fields, as a customer uses it."""

import re
from html import unescape
from typing import Any
from uuid import UUID

from httpx import ASGITransport, AsyncClient
from integration.payments.stack import CARDS, Shop

from support.stripe.standin import Account

OURS = {"sec-fetch-site": "same-origin"}


def browser(shop: Shop) -> AsyncClient:
    return AsyncClient(transport=ASGITransport(shop.stack.card_page), base_url=CARDS)


def secret_of(page: str, publishable_key: str) -> str:
    """The client secret that a page gives to Stripe's script."""
    assert f'data-key="{publishable_key}"' in page
    [secret] = re.findall('data-secret="(.*?)"', page)
    return unescape(secret)


async def enter_card(shop: Shop, account: Account, number: str) -> None:
    """Ana opens the card page, types the card into Stripe's fields, and the portal confirms the set-up."""
    setup = (await shop.open_setup())["setup_id"]
    answer = await shop.confirm(setup, await type_card(shop, account, setup, number))
    assert answer.status_code == 200, answer.text
    default = next(method for method in await shop.methods() if method["is_default"])
    assert default["last4"] == number[-4:]
    assert await shop.stack.pool.fetchval("SELECT provider FROM setup WHERE id = $1", UUID(setup)) == "stripe"


async def type_card(shop: Shop, account: Account, setup: str, number: str) -> str:
    """The token of a card that is typed into Stripe's fields on the card page."""
    async with browser(shop) as frame:
        page = await frame.get(f"/cards/{setup}")
        assert page.status_code == 200
        typed = {"number": number, "exp": "12/40", "cvc": "123"}
        assert (await frame.post(f"/cards/{setup}/token", json=typed, headers=OURS)).status_code == 404
    intent = secret_of(page.text, account.publishable_key).partition("_secret_")[0]
    account.type_card(intent, number)
    return intent


async def confirm_at_the_bank(shop: Shop, account: Account, page: dict[str, Any], *, passed: bool) -> None:
    """Ana answers her bank in Stripe's window on the confirm page."""
    path = page["frame_url"].removeprefix(CARDS)
    async with browser(shop) as frame:

        async def asks() -> bool:
            return 'data-state="ask"' in (await frame.get(path)).text

        await shop.stack.until(asks)
        secret = secret_of((await frame.get(path)).text, account.publishable_key)
        account.authenticate(secret.partition("_secret_")[0], passed=passed)
        assert (await frame.post(path, json={"answer": "done", "secret": secret}, headers=OURS)).status_code == 204
