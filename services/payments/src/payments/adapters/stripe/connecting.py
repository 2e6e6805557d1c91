"""Connects a merchant's account: reads with its keys what the service needs, and changes nothing there."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import SecretStr

from payments.adapters.stripe.account import StripeAccount
from payments.adapters.stripe.accounts import PostgresStripeAccounts
from payments.adapters.stripe.connections import StripeConnections
from payments.adapters.stripe.errors import Rejected
from payments.application.provider_accounts import AnotherAccount, ConnectedAccount, KeyRefused, MovedClock, NewAccount, OtherMode

_REFUSED = ("invalid_request_error",)
"""The type of Stripe's errors for an unknown key, a missing permission and an unknown object."""


@dataclass(frozen=True, slots=True)
class StripeOnboarding:
    pool: asyncpg.Pool
    accounts: PostgresStripeAccounts
    connections: StripeConnections

    async def connected(self, merchant_id: UUID) -> ConnectedAccount | None:
        stored = await self.accounts.stored(merchant_id)
        if stored is None:
            return None
        account = stored.account
        return ConnectedAccount(
            mode=account.mode,
            state="connected" if stored.state == "connected" else "refused",
            publishable_key=account.publishable_key,
            key_last4=account.key.get_secret_value()[-4:],
            endpoint=stored.endpoint,
            hook_secrets=len(stored.hook_secrets),
            connected_at=stored.connected_at,
            refused_at=stored.refused_at,
        )

    async def connect(self, new: NewAccount) -> None:
        try:
            account = StripeAccount(new.merchant_id, new.mode, new.publishable_key, SecretStr(new.restricted_key))
        except ValueError:
            raise OtherMode from None
        if new.moved_clock:
            raise MovedClock
        self.accounts.require_encryption()
        await self._check(account)
        await self.accounts.store(account, new.hook_secrets)

    async def disconnect(self, merchant_id: UUID) -> bool:
        return await self.accounts.disconnect(merchant_id)

    async def _check(self, account: StripeAccount) -> None:
        """Raises KeyRefused, AnotherAccount, and NoAnswer, also if an answer belongs to the other mode."""
        api = await self.connections.to(account)
        intents = api.ask(lambda v1, options: v1.payment_intents.list_async({"limit": 1}, options), expects=_REFUSED)
        await _readable("payment intents", intents)
        events = api.ask(lambda v1, options: v1.events.list_async({"limit": 1}, options), expects=_REFUSED)
        await _readable("events", events)
        disputes = api.ask(lambda v1, options: v1.disputes.list_async({"limit": 1}, options), expects=_REFUSED)
        await _readable("disputes", disputes)
        sql = "SELECT reference FROM stripe_setup WHERE merchant_id = $1 AND mode = $2 LIMIT 1"
        if (known := await self.pool.fetchval(sql, account.merchant_id, account.mode)) is None:
            return
        setup = api.ask(lambda v1, options: v1.setup_intents.retrieve_async(known, {}, options), expects=_REFUSED)
        await _readable("setup intents", setup)


async def _readable(what: str, answer: Awaitable[Any]) -> None:
    """Raises KeyRefused, and AnotherAccount for an object of ours that the account lacks."""
    try:
        await answer
    except Rejected as rejected:
        if rejected.code == "resource_missing":
            raise AnotherAccount from None
        raise KeyRefused(f"The key cannot read {what}: {rejected.code}") from None
