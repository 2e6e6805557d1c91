"""The Stripe provider of one merchant against the stand-in, on a real database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
from pydantic import SecretStr

from payments.adapters.stripe.account import NoStripeAccount, StripeAccount, StripeMode
from payments.adapters.stripe.books import StripeBooks
from payments.adapters.stripe.connections import StripeConnections
from payments.adapters.stripe.provider import StripeProvider
from payments.application.card_setup import ProviderFields
from payments.application.charges import ChargeOrder
from payments.domain.shapes import Method, Money
from support.stripe.server import StripeServer
from support.stripe.standin import Account

GOOD = "4242424242424242"
PRICE = Money(2999, "USD")


@dataclass
class StandInAccounts:
    """Accounts of the stand-in, by merchant and mode. The mode that was added last is the one for new cards."""

    added: dict[tuple[UUID, str], StripeAccount] = field(default_factory=dict)
    rejections: list[tuple[UUID, int]] = field(default_factory=list)

    def add(self, merchant_id: UUID, account: Account) -> None:
        mode: StripeMode = "live" if account.mode == "live" else "test"
        self.added.pop((merchant_id, mode), None)
        stored = StripeAccount(merchant_id, mode, account.publishable_key, SecretStr(account.key))
        self.added[merchant_id, mode] = stored

    async def for_merchant(self, merchant_id: UUID, mode: StripeMode | None = None) -> StripeAccount:
        accounts = [each for (merchant, of), each in self.added.items() if merchant == merchant_id and mode in (None, of)]
        if not accounts:
            raise NoStripeAccount
        return accounts[-1]

    async def rejected(self, account: StripeAccount, status: int) -> None:
        self.rejections.append((account.merchant_id, status))


@dataclass
class StripeWorld:
    server: StripeServer
    account: Account
    accounts: StandInAccounts
    books: StripeBooks
    connections: StripeConnections
    provider: StripeProvider
    merchant: UUID
    customer: UUID = field(default_factory=uuid4)

    async def opened(self, setup_id: UUID) -> str:
        """The set-up intent that the card page shows, as the browser gets it."""
        fields = await self.provider.open(self.merchant, self.customer, setup_id)
        assert isinstance(fields, ProviderFields)
        return fields.client_secret.partition("_secret_")[0]

    async def saved(self, number: str = GOOD, *, authenticates: bool = True) -> Method:
        setup_id = uuid4()
        intent = await self.opened(setup_id)
        self.account.type_card(intent, number, authenticates=authenticates)
        return await self.provider.save(self.merchant, self.customer, setup_id, intent)

    async def order(self, number: str = GOOD, *, on_session: bool = False, amount: Money = PRICE) -> ChargeOrder:
        return self.order_with((await self.saved(number)).id, on_session=on_session, amount=amount)

    def order_with(self, method_id: UUID, *, on_session: bool = False, amount: Money = PRICE) -> ChargeOrder:
        now = datetime.now(UTC)
        return ChargeOrder(self.merchant, self.customer, uuid4(), method_id, amount, now, "UTC", on_session=on_session)


@asynccontextmanager
async def stripe_world(server: StripeServer, pool: asyncpg.Pool, *, patience_seconds: float = 10) -> AsyncIterator[StripeWorld]:
    """A new merchant with a test account. At the end, the document of Stripe has accounts no fault with any request or answer."""
    merchant, account, accounts, books = uuid4(), server.account(), StandInAccounts(), StripeBooks(pool)
    accounts.add(merchant, account)
    connections = StripeConnections(
        accounts, books, base_url=server.url, timeout_seconds=patience_seconds, requests_per_second=10_000
    )
    try:
        yield StripeWorld(server, account, accounts, books, connections, StripeProvider(connections, books), merchant)
    finally:
        await connections.close()
    assert server.problems == []
