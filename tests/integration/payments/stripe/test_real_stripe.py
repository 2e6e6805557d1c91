"""The provider suite against Stripe's test mode, on request: STRIPE_TEST_KEY and STRIPE_PUBLISHABLE_KEY of a test account.

It makes real requests over the network, and shows what the stand-in cannot: that Stripe behaves as the stand-in does.
"""

import os
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import stripe
from pydantic import SecretStr

from payments.adapters.stripe.account import API_VERSION, StripeAccount
from payments.adapters.stripe.books import StripeBooks
from payments.adapters.stripe.connections import StripeConnections
from payments.adapters.stripe.provider import StripeProvider
from payments.application.card_setup import ProviderFields
from payments.application.provider_ports import Provider
from support.payments.provider_suite import GOOD, REFUSED_WHEN_CHARGED, REFUSED_WHEN_SAVED, ProviderSuite
from support.stripe.world import StandInAccounts

KEY = os.environ.get("STRIPE_TEST_KEY", "")
PUBLISHABLE_KEY = os.environ.get("STRIPE_PUBLISHABLE_KEY", "pk_test_unused")
PUBLISHED_METHODS = {
    GOOD: "pm_card_visa",
    REFUSED_WHEN_SAVED: "pm_card_visa_chargeDeclined",
    REFUSED_WHEN_CHARGED: "pm_card_chargeCustomerFail",
}
"""Stripe's test payment methods, by the number of the test card."""


class TestRealStripe(ProviderSuite):
    __test__ = bool(KEY)
    merchant = uuid4()

    @pytest.fixture
    async def provider(self, pool: asyncpg.Pool) -> AsyncIterator[StripeProvider]:
        accounts, books = StandInAccounts(), StripeBooks(pool)
        accounts.added[self.merchant, "test"] = StripeAccount(self.merchant, "test", PUBLISHABLE_KEY, SecretStr(KEY))
        connections = StripeConnections(accounts, books)
        yield StripeProvider(connections, books)
        await connections.close()

    async def token(self, provider: Provider, setup_id: UUID, number: str, month: int = 12, year: int = 2025) -> str:
        """What Stripe's fields do in the browser."""
        fields = await provider.open(self.merchant, self.customer, setup_id)
        assert isinstance(fields, ProviderFields)
        intent = fields.client_secret.partition("_secret_")[0]
        headers = {"authorization": f"Bearer {KEY}", "stripe-version": API_VERSION}
        form: dict[str, Any] = {"payment_method": PUBLISHED_METHODS[number]}
        async with httpx.AsyncClient(base_url=stripe.DEFAULT_API_BASE, headers=headers, timeout=30) as http:
            confirmed = await http.post(f"/v1/setup_intents/{intent}/confirm", data=form)
        assert confirmed.status_code in (200, 402), confirmed.text
        return intent
