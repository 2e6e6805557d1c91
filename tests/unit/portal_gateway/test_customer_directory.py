"""Unknown customers are looked up in the subscriptions service once in a while, also when many of them are requested."""

from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from chassis.http.problems import Problem, not_found
from portal_gateway.adapters.links import routes
from portal_gateway.adapters.links.routes import CustomerDirectory, Links

MERCHANT = uuid4()


class NoLinks:
    async def knows(self, merchant_id: UUID, customer_id: UUID) -> bool:
        return False


async def test_a_full_cache_forgets_only_the_least_recently_used_unknown_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "UNKNOWN_MAX", 2)
    looked_up: list[UUID] = []

    async def look_up(merchant_id: UUID, customer_id: UUID) -> Any:
        looked_up.append(customer_id)
        raise not_found()

    directory = CustomerDirectory(cast(Links, NoLinks()), look_up)
    one, two, three = uuid4(), uuid4(), uuid4()
    for customer in (one, two, three, two, three):
        with pytest.raises(Problem):
            await directory.require(MERCHANT, customer)
    assert looked_up == [one, two, three]
