"""One client per Stripe account, created when it is first used."""

import asyncio
import importlib
from typing import TYPE_CHECKING
from uuid import UUID

from payments.adapters.stripe.account import StripeAccount, StripeAccounts, StripeMode
from payments.adapters.stripe.books import StripeBooks
from payments.adapters.stripe.pace import Pace

if TYPE_CHECKING:
    from payments.adapters.stripe.client import StripeApi, Transport

REQUESTS_PER_SECOND_MAX = 20.0
"""Of this process, per account. Stripe accepts 25 per second in test mode and 100 in live mode."""
REQUESTS_AT_ONCE = 20


class StripeConnections:
    def __init__(
        self,
        accounts: StripeAccounts,
        books: StripeBooks,
        *,
        base_url: str | None = None,
        timeout_seconds: float = 20,
        requests_per_second: float = REQUESTS_PER_SECOND_MAX,
    ) -> None:
        """`base_url` replaces Stripe's own address, for tests."""
        self._accounts, self._books, self._base_url = accounts, books, base_url
        self._timeout_seconds, self._requests_per_second = timeout_seconds, requests_per_second
        self._apis: dict[tuple[UUID, StripeMode], StripeApi] = {}
        self._transport: Transport | None = None

    async def of(self, merchant_id: UUID, mode: StripeMode | None = None) -> "StripeApi":
        """None: the mode in which new cards are saved. Raises NoStripeAccount."""
        account = await self._accounts.for_merchant(merchant_id, mode)
        known = self._apis.get((merchant_id, account.mode))
        if known is not None and known.account == account:
            return known
        api = self._apis[merchant_id, account.mode] = await self.to(account)
        return api

    async def to(self, account: StripeAccount) -> "StripeApi":
        """A client of this account, which may not be stored."""
        # In a thread, because loading the library would stop the event loop for half a second.
        client = await asyncio.to_thread(importlib.import_module, "payments.adapters.stripe.client")
        if self._transport is None:
            self._transport = client.Transport()
        api: StripeApi = client.StripeApi(
            account,
            self._accounts,
            self._books,
            self._transport,
            pace=Pace(self._requests_per_second, REQUESTS_AT_ONCE),
            base_url=self._base_url,
            timeout_seconds=self._timeout_seconds,
        )
        return api

    async def close(self) -> None:
        if self._transport is not None:
            await self._transport.close_async()
