"""The rules of a merchant: settings, API keys and test clock."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from subscriptions.domain.merchant.commands import Command, IssueKey, Reconfigure, Register, RevokeKey, SetClock
from subscriptions.domain.merchant.events import ApiKey, ClockSet, Event, KeyIssued, KeyRevoked, Reconfigured, Registered
from subscriptions.domain.merchant.profile import MerchantProfile
from subscriptions.domain.merchant.refusals import (
    AlreadyRegistered,
    ClockRunsForward,
    LastKey,
    NoSuchKey,
    NoSuchMerchant,
    NotASandbox,
    TooManyKeys,
)

ACTIVE_KEYS_MAX = 20
"""API keys of a merchant that are not revoked."""
REVOKED_KEYS_MAX = 100
"""Revoked keys that are still listed."""


@dataclass(frozen=True, slots=True)
class Merchant:
    profile: MerchantProfile
    invoice_series: str
    """Prefix of every invoice number; it never changes."""
    sandbox: bool
    keys: tuple[ApiKey, ...]
    clock_offset_seconds: float = 0
    """The merchant's clock is the wall clock plus this; zero unless it is a test clock."""


def decide(command: Command, it: Merchant | None) -> list[Event]:
    match command:
        case Register():
            return register(command, it)
        case Reconfigure():
            return reconfigure(command, existing(it))
        case IssueKey():
            return issue_key(command, existing(it))
        case RevokeKey():
            return revoke_key(command, existing(it))
        case SetClock():
            return set_clock(command, existing(it))


def register(command: Register, it: Merchant | None) -> list[Event]:
    if it is not None:
        raise AlreadyRegistered
    if command.clock_starts_at is not None and not command.sandbox:
        raise NotASandbox
    at = command.clock_starts_at or command.wall
    offset = (at - command.wall).total_seconds()
    return [Registered(command.profile, command.invoice_series, command.sandbox, command.key, offset, at)]


def reconfigure(command: Reconfigure, it: Merchant) -> list[Event]:
    profile = command.patch.apply(it.profile)
    return [] if profile == it.profile else [Reconfigured(profile, command.at)]


def issue_key(command: IssueKey, it: Merchant) -> list[Event]:
    if any(key.id == command.key.id for key in it.keys):
        return []  # a repetition of the same request
    if sum(not key.revoked for key in it.keys) >= ACTIVE_KEYS_MAX:
        raise TooManyKeys
    return [KeyIssued(command.key, command.at)]


def revoke_key(command: RevokeKey, it: Merchant) -> list[Event]:
    key = next((key for key in it.keys if key.id == command.id), None)
    if key is None:
        raise NoSuchKey
    if key.revoked:
        return []
    if not any(other for other in it.keys if other.id != key.id and not other.revoked):
        raise LastKey
    return [KeyRevoked(key.id, command.at)]


def set_clock(command: SetClock, it: Merchant) -> list[Event]:
    if not it.sandbox:
        raise NotASandbox
    offset = (command.to - command.wall).total_seconds()
    if offset < it.clock_offset_seconds:
        raise ClockRunsForward
    return [ClockSet(offset, command.to)]


def existing(it: Merchant | None) -> Merchant:
    if it is None:
        raise NoSuchMerchant
    return it


def evolve(it: Merchant | None, event: Event) -> Merchant:
    if isinstance(event, Registered):
        return Merchant(event.profile, event.invoice_series, event.sandbox, (event.key,), event.clock_offset_seconds)
    assert it is not None, "a stream begins with Registered"
    match event:
        case Reconfigured(profile):
            return replace(it, profile=profile)
        case KeyIssued(key):
            return replace(it, keys=(*it.keys, key))
        case KeyRevoked(id):
            keys = tuple(replace(key, revoked=key.revoked or key.id == id) for key in it.keys)
            return replace(it, keys=_without_oldest_revoked(keys))
        case ClockSet(offset):
            return replace(it, clock_offset_seconds=offset)
        case _:
            assert_never(event)


def _without_oldest_revoked(keys: Sequence[ApiKey]) -> tuple[ApiKey, ...]:
    """Each public event of the merchant lists its keys, and must stay small."""
    revoked = [key.id for key in keys if key.revoked]
    dropped = set(revoked[: max(0, len(revoked) - REVOKED_KEYS_MAX)])
    return tuple(key for key in keys if key.id not in dropped)
