"""Merchants and customers, from the projections of this service or from their owner."""

from datetime import datetime
from uuid import UUID

import asyncpg

from chassis.http.client import ServiceClient
from chassis.http.problems import Problem
from chassis.tenants import Tenant, Tenants
from payments.application.card_setup import Merchant
from payments.application.reactions import ENDED


class KnownMerchants:
    def __init__(self, tenants: Tenants) -> None:
        self._tenants = tenants

    async def merchant(self, merchant_id: UUID) -> Merchant | None:
        tenant = await self._tenants.get(merchant_id)
        return Merchant(tenant.doc["name"], tenant.now().astimezone(tenant.zone)) if tenant else None


class MerchantClock:
    """The merchant's clock. A sandbox's is requested from its owner: its last move may not have arrived here yet."""

    def __init__(self, tenants: Tenants, owner: ServiceClient) -> None:
        self._tenants, self._owner = tenants, owner

    async def now(self, merchant_id: UUID) -> datetime:
        """The projected clock if the owner does not answer. Raises LookupError for an unknown merchant."""
        tenant = await self._tenants.get(merchant_id)
        if tenant is None:
            raise LookupError(f"no merchant {merchant_id}")
        if not tenant.sandbox:
            return tenant.now()
        try:
            answer = await self._owner.call("GET", f"/v1/merchants/{merchant_id}", merchant_id=merchant_id)
        except Problem:
            return tenant.now()
        return Tenant(merchant_id, answer.json()).now()

    async def zone(self, merchant_id: UUID) -> str:
        return await self._tenants.zone(merchant_id)


class KnownCustomers:
    """Customers with a card or a projected document here; others are requested from their owner."""

    def __init__(self, pool: asyncpg.Pool, owner: ServiceClient) -> None:
        self._pool, self._owner = pool, owner

    async def known(self, merchant_id: UUID, customer_id: UUID) -> bool:
        here = await self._pool.fetchval(
            """
            SELECT EXISTS (SELECT FROM payment_method WHERE merchant_id = $1 AND customer_id = $2)
                OR EXISTS (SELECT FROM projection WHERE merchant_id = $1 AND customer_id = $2)
            """,
            merchant_id,
            customer_id,
        )
        return bool(here) or await self._owner_knows(merchant_id, customer_id)

    async def subscribed(self, merchant_id: UUID, customer_id: UUID) -> bool:
        needs_card = await self._pool.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM projection
                WHERE merchant_id = $1 AND customer_id = $2 AND name = 'subscription' AND NOT doc ->> 'status' = ANY($3)
            )
            """,
            merchant_id,
            customer_id,
            list(ENDED),
        )
        return bool(needs_card)

    async def _owner_knows(self, merchant_id: UUID, customer_id: UUID) -> bool:
        path = f"/v1/customers/{customer_id}"
        try:
            await self._owner.call("GET", path, merchant_id=merchant_id)
        except Problem as problem:
            if problem.status == 404:
                return False
            raise
        return True
