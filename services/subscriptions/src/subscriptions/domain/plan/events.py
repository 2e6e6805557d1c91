"""The events of a plan."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from subscriptions.domain.plan.terms import Plan


@dataclass(frozen=True, slots=True)
class Published:
    plan: Plan
    at: datetime


Event: TypeAlias = Published
