"""Chooses the provider: of new cards by the merchant, of existing ones and of charges by what was recorded with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import asyncpg

from chassis.tenants import Tenants
from payments.application.card_setup import CardFields
from payments.application.charges import (
    Challenge,
    ChargeOrder,
    DisputeReport,
    NoAnswer,
    NoProvider,
    NotConnected,
    Outcome,
    RefundOrder,
    RefundOutcome,
    Refused,
    Status,
    UnknownCharge,
)
from payments.application.provider_ports import Provider
from payments.domain.shapes import SANDBOX, STRIPE, FailureCode, Method, Remedy


@dataclass(frozen=True, slots=True)
class ProviderRouter:
    """A Provider that delegates each call to one of several."""

    pool: asyncpg.Pool
    tenants: Tenants
    providers: Mapping[str, Provider]
    default: str
    """The provider of merchants without an account."""
    production: bool
    """Whether the sandbox takes no more cards and begins no more charges."""

    async def of_merchant(self, merchant_id: UUID) -> str:
        """The provider of the merchant's new cards. Raises NoProvider.

        A merchant with a test clock has the sandbox: no other provider's time can be moved.
        """
        connected = await self.pool.fetchval("SELECT EXISTS (SELECT FROM stripe_account WHERE merchant_id = $1)", merchant_id)
        tenant = await self.tenants.get(merchant_id)
        if tenant is not None and tenant.offset:
            name = SANDBOX
        else:
            name = STRIPE if connected else self.default
        if (name == SANDBOX and self.production) or (name == STRIPE and not connected):
            raise NoProvider
        return name

    async def open(self, merchant_id: UUID, customer_id: UUID, setup_id: UUID) -> CardFields:
        """The first call records the provider: a set-up stays with it. Raises NoProvider."""
        name = await self.pool.fetchval(
            "UPDATE setup SET provider = coalesce(provider, $3) WHERE merchant_id = $1 AND id = $2 RETURNING provider",
            merchant_id,
            setup_id,
            await self.of_merchant(merchant_id),
        )
        return await self.providers[name].open(merchant_id, customer_id, setup_id)

    async def save(self, merchant_id: UUID, customer_id: UUID, setup_id: UUID, token: str) -> Method:
        """A page that an earlier release showed had the sandbox's fields."""
        sql = "SELECT provider FROM setup WHERE merchant_id = $1 AND id = $2"
        name = await self.pool.fetchval(sql, merchant_id, setup_id) or SANDBOX
        return replace(await self.providers[name].save(merchant_id, customer_id, setup_id, token), provider=name)

    async def attach(self, merchant_id: UUID, customer_id: UUID, token: str, at: datetime, zone: str) -> Method:
        name = await self.of_merchant(merchant_id)
        return replace(await self.providers[name].attach(merchant_id, customer_id, token, at, zone), provider=name)

    async def imported(self, merchant_id: UUID, customer_id: UUID, token: str, *, keep: bool) -> Method:
        """Into the provider of the merchant's new cards. Raises NoProvider."""
        name = await self.of_merchant(merchant_id)
        return replace(await self.providers[name].imported(merchant_id, customer_id, token, keep=keep), provider=name)

    async def read(self, merchant_id: UUID, customer_id: UUID, method_id: UUID) -> Method | None:
        sql = "SELECT provider FROM payment_method WHERE merchant_id = $1 AND id = $2 AND customer_id = $3"
        name = await self.pool.fetchval(sql, merchant_id, method_id, customer_id)
        method = await self.providers[name].read(merchant_id, customer_id, method_id) if name else None
        return replace(method, provider=name) if method else None

    async def forget(self, merchant_id: UUID, customer_id: UUID, method_id: UUID) -> None:
        sql = """
            SELECT provider FROM payment_method WHERE merchant_id = $1 AND id = $2 AND customer_id = $3
            UNION ALL SELECT provider FROM one_time_method WHERE merchant_id = $1 AND method_id = $2 AND customer_id = $3
            LIMIT 1
            """
        if name := await self.pool.fetchval(sql, merchant_id, method_id, customer_id):
            await self.providers[name].forget(merchant_id, customer_id, method_id)

    async def charge(self, order: ChargeOrder) -> Outcome:
        """A charge that was not requested before its provider was disconnected ends: no money is taken for it."""
        provider = self.providers[order.provider]
        if order.provider == SANDBOX and self.production:
            status = await provider.status(order)
            if isinstance(status, UnknownCharge):
                return Refused(FailureCode.NO_PAYMENT_METHOD, remedy=Remedy.ANOTHER_CARD)
        try:
            return await provider.charge(order)
        except NotConnected:
            status = await provider.cancel(order)
            if isinstance(status, Refused):
                return replace(status, remedy=Remedy.ANOTHER_CARD)
            raise NoAnswer from None

    async def challenge(self, order: ChargeOrder) -> Challenge | None:
        return await self.providers[order.provider].challenge(order)

    async def status(self, order: ChargeOrder) -> Status:
        return await self.providers[order.provider].status(order)

    async def cancel(self, order: ChargeOrder) -> Status:
        return await self.providers[order.provider].cancel(order)

    async def refund(self, order: RefundOrder) -> RefundOutcome:
        return await self.providers[order.charge.provider].refund(order)

    async def disputes(self, order: ChargeOrder) -> Sequence[DisputeReport]:
        return await self.providers[order.provider].disputes(order)
