"""The events of a merchant."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from subscriptions.domain.merchant.profile import MerchantProfile


@dataclass(frozen=True, slots=True)
class ApiKey:
    id: str
    sha256: str
    """SHA-256 of the key, in hex. The key is not stored."""
    scopes: tuple[str, ...] = ("*",)
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Registered:
    profile: MerchantProfile
    invoice_series: str
    sandbox: bool
    key: ApiKey
    clock_offset_seconds: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Reconfigured:
    profile: MerchantProfile
    at: datetime


@dataclass(frozen=True, slots=True)
class KeyIssued:
    key: ApiKey
    at: datetime


@dataclass(frozen=True, slots=True)
class KeyRevoked:
    id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ClockSet:
    clock_offset_seconds: float
    at: datetime


Event: TypeAlias = Registered | Reconfigured | KeyIssued | KeyRevoked | ClockSet
