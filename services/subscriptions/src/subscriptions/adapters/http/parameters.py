"""Ids and choices in paths and queries."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from subscriptions.domain.dunning import CancelMode

CustomerId = Annotated[UUID, Path(description="The customer's id.")]
MerchantId = Annotated[UUID, Path(description="The merchant's id.")]
PlanId = Annotated[UUID, Path(description="The plan's id.")]
SubscriptionId = Annotated[UUID, Path(description="The subscription's id.")]
Mode = Annotated[
    CancelMode | None, Query(description="When the cancellation would take effect. The merchant's policy when absent.")
]
