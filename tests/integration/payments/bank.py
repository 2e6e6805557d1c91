"""The bank of the sandbox: what the page for a charge reads, and the answers that are given there."""

from typing import Any
from uuid import UUID

from integration.payments.stack import Shop

from payments.adapters import rows
from payments.adapters.authentications import PostgresAuthentications
from payments.adapters.sandbox.challenges import Challenges
from payments.adapters.sandbox.ledger import LedgerPool
from payments.adapters.sandbox.provider import Sandbox
from payments.application.card_setup import OpenAuthentication


class Bank:
    """The customer's answers on the page for a charge."""

    def __init__(self, shop: Shop, ledger: LedgerPool) -> None:
        self.shop, self.ledger = shop, ledger
        self.pages = PostgresAuthentications(shop.stack.pool, rows)

    async def page(self, begun: dict[str, Any]) -> OpenAuthentication | None:
        return await self.pages.open(UUID(begun["setup_id"]), UUID(begun["id"]))

    async def secret(self, begun: dict[str, Any]) -> str:
        """Waits until the charge waits for the customer."""
        await self.shop.stack.until(lambda: self.waits(begun))
        page = await self.page(begun)
        assert page
        challenge = await Sandbox(self.ledger).challenge(page.order)
        assert challenge
        return challenge.secret

    async def waits(self, begun: dict[str, Any]) -> bool:
        sql = "SELECT authenticate_until IS NOT NULL AND status = 'open' FROM attempt WHERE charge_id = $1"
        return bool(await self.shop.stack.pool.fetchval(sql, UUID(begun["id"])))

    async def approve(self, begun: dict[str, Any]) -> None:
        await Challenges(self.ledger).approve(self.shop.merchant.id, UUID(begun["id"]), await self.secret(begun))
        await self.pages.wake(self.shop.merchant.id, UUID(begun["id"]))

    async def reject(self, begun: dict[str, Any]) -> None:
        await Challenges(self.ledger).reject(self.shop.merchant.id, UUID(begun["id"]), await self.secret(begun))
        await self.pages.wake(self.shop.merchant.id, UUID(begun["id"]))

    async def leave(self, begun: dict[str, Any]) -> None:
        """The charge waits, and the quarter of an hour passes without an answer."""
        await self.secret(begun)
        sql = "UPDATE attempt SET authenticate_until = now(), call_at = now() WHERE charge_id = $1"
        await self.shop.stack.pool.execute(sql, UUID(begun["id"]))
