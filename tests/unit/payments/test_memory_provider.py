from uuid import UUID

import pytest
from unit.payments.memory_provider import MemoryProvider

from payments.application.provider_ports import Provider
from support.payments.provider_suite import MerchantClockSuite


class TestMemoryProvider(MerchantClockSuite):
    @pytest.fixture
    def provider(self) -> MemoryProvider:
        return MemoryProvider()

    async def token(self, provider: Provider, setup_id: UUID, number: str, month: int = 12, year: int = 2025) -> str:
        assert isinstance(provider, MemoryProvider)
        return provider.tokenise(self.merchant, setup_id, number, month, year)
