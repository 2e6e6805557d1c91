"""What the pages of this origin need, and how long they wait for a provider."""

import asyncio
from dataclasses import dataclass
from typing import Final

from payments.application.card_setup import CardFields, SetUp
from payments.application.charges import Challenge, ChargeOrder, NoAnswer, NoProvider
from payments.application.ports import Authentications, Merchants, OpenSetUps
from payments.application.provider_ports import CardProvider, ChallengeAnswers, Tokeniser

PROVIDER_SECONDS: Final = 4


@dataclass(frozen=True, slots=True)
class CardPagePorts:
    """`tokeniser` and `bank` belong to the provider that leaves its fields and its bank's questions to this service.

    None where that provider is not used.
    """

    setups: OpenSetUps
    merchants: Merchants
    provider: CardProvider
    tokeniser: Tokeniser | None
    authentications: Authentications
    bank: ChallengeAnswers | None

    async def fields(self, setup: SetUp) -> CardFields:
        """Raises NoAnswer."""
        try:
            async with asyncio.timeout(PROVIDER_SECONDS):
                return await self.provider.open(setup.merchant_id, setup.customer_id, setup.id)
        except (TimeoutError, NoProvider):
            raise NoAnswer from None

    async def challenge(self, order: ChargeOrder) -> Challenge | None:
        """Raises NoAnswer."""
        try:
            async with asyncio.timeout(PROVIDER_SECONDS):
                return await self.provider.challenge(order)
        except TimeoutError:
            raise NoAnswer from None
