"""The commands of a merchant."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from subscriptions.domain.merchant.events import ApiKey
from subscriptions.domain.merchant.profile import MerchantProfile, ProfilePatch


@dataclass(frozen=True, slots=True)
class Register:
    profile: MerchantProfile
    invoice_series: str
    sandbox: bool
    key: ApiKey
    wall: datetime
    """The present, by the wall clock."""
    clock_starts_at: datetime | None = None
    """Start of a sandbox's clock. None: the present."""


@dataclass(frozen=True, slots=True)
class Reconfigure:
    patch: ProfilePatch
    at: datetime


@dataclass(frozen=True, slots=True)
class IssueKey:
    key: ApiKey
    at: datetime


@dataclass(frozen=True, slots=True)
class RevokeKey:
    id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SetClock:
    to: datetime
    wall: datetime
    """The present, by the wall clock."""


Command: TypeAlias = Register | Reconfigure | IssueKey | RevokeKey | SetClock
