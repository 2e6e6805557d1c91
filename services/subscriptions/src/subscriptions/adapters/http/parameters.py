"""Ids in paths."""

from typing import Annotated
from uuid import UUID

from fastapi import Path

CustomerId = Annotated[UUID, Path(description="The customer's id.")]
MerchantId = Annotated[UUID, Path(description="The merchant's id.")]
PlanId = Annotated[UUID, Path(description="The plan's id.")]
SubscriptionId = Annotated[UUID, Path(description="The subscription's id.")]
