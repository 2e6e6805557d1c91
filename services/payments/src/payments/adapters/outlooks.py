"""Requests payment previews from subscriptions."""

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from chassis.http.client import ServiceClient
from chassis.http.problems import Problem
from payments.application.ports import Outlook, Prospect
from payments.domain.confirmation import Period
from payments.domain.dues import Due
from payments.domain.shapes import Money

log = structlog.get_logger()


class SubscriptionOutlooks:
    def __init__(self, owner: ServiceClient) -> None:
        self._owner = owner

    async def of(self, merchant_id: UUID, customer_id: UUID) -> Outlook | None:
        path = f"/v1/customers/{customer_id}/payment-preview"
        try:
            answer = (await self._owner.call("GET", path, merchant_id=merchant_id)).json()
        except Problem as problem:
            log.warning("outlook.unavailable", merchant_id=str(merchant_id), status=problem.status, code=problem.code)
            return None
        return Outlook(datetime.fromisoformat(answer["at"]), tuple(_prospect(each) for each in answer["subscriptions"]))


def _prospect(fields: dict[str, Any]) -> Prospect:
    subscription_id = UUID(fields["subscription_id"])
    begun = tuple(
        Due(UUID(each["invoice_id"]), None, Money(**each["amount"]), subscription_id, _period(each["period"]))
        for each in fields["begun"]
    )
    return Prospect(subscription_id, UUID(fields["invoice_id"]), fields["effect"], begun, fields["more"])


def _period(fields: dict[str, str]) -> Period:
    return Period(datetime.fromisoformat(fields["start"]), datetime.fromisoformat(fields["end"]))
