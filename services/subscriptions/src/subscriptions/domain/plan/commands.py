"""The commands of a plan."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from subscriptions.domain.plan.terms import Plan


@dataclass(frozen=True, slots=True)
class Publish:
    plan: Plan
    at: datetime


Command: TypeAlias = Publish
