"""Who sells: a merchant's identity, looks, policies, keys and clock."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias, assert_never

from subscriptions.domain.dunning import Policies
from subscriptions.domain.plan.plan import Tax

KEYS_IN_FORCE = 20
"""API keys that a merchant may have at a time."""
REVOKED_KEPT = 100
"""Revoked keys that are still listed."""


@dataclass(frozen=True, slots=True)
class LegalIdentity:
    name: str
    address: str
    tax_id: str | None = None


@dataclass(frozen=True, slots=True)
class Branding:
    logo_media_id: str | None = None
    colour: str | None = None
    """`#rrggbb`"""
    terms_url: str | None = None
    privacy_url: str | None = None
    contact_email: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What a merchant decides about itself."""

    name: str
    legal: LegalIdentity
    locale: str
    time_zone: str
    """IANA"""
    branding: Branding
    policies: Policies
    tax: Tax | None = None
    return_origins: tuple[str, ...] = ()
    """Sites of its own that the portal may lead its customers back to: `https://shop.example`."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    id: str
    sha256: str
    scopes: tuple[str, ...] = ("*",)
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Merchant:
    profile: Profile
    invoice_series: str
    """Leads every invoice number; never changes."""
    sandbox: bool
    keys: tuple[ApiKey, ...]
    clock_offset_seconds: float = 0
    """The merchant's clock is the wall clock plus this; zero but for a test clock."""


@dataclass(frozen=True, slots=True)
class Register:
    profile: Profile
    invoice_series: str
    sandbox: bool
    key: ApiKey
    wall: datetime
    clock_starts_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reconfigure:
    change: Callable[[Profile], Profile]
    """Makes the new profile of the one that is there by then: others change it too."""
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


@dataclass(frozen=True, slots=True)
class Registered:
    profile: Profile
    invoice_series: str
    sandbox: bool
    key: ApiKey
    clock_offset_seconds: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Reconfigured:
    profile: Profile
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


MerchantCommand: TypeAlias = Register | Reconfigure | IssueKey | RevokeKey | SetClock
MerchantEvent: TypeAlias = Registered | Reconfigured | KeyIssued | KeyRevoked | ClockSet


class MerchantRefusal(Exception):
    """A rule forbids the command; nothing has changed."""


class NoSuchMerchant(MerchantRefusal): ...


class AlreadyRegistered(MerchantRefusal): ...


class NoSuchKey(MerchantRefusal): ...


class TooManyKeys(MerchantRefusal):
    """One has to be revoked before another is issued."""


class LastKey(MerchantRefusal):
    """Without a key nobody could act for the merchant any more."""


class NotASandbox(MerchantRefusal):
    """Only a sandbox has a clock that can be set."""


class ClockRunsForward(MerchantRefusal): ...


def decide(command: MerchantCommand, it: Merchant | None) -> list[MerchantEvent]:
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


def register(command: Register, it: Merchant | None) -> list[MerchantEvent]:
    if it is not None:
        raise AlreadyRegistered
    if command.clock_starts_at is not None and not command.sandbox:
        raise NotASandbox
    at = command.clock_starts_at or command.wall
    offset = (at - command.wall).total_seconds()
    return [Registered(command.profile, command.invoice_series, command.sandbox, command.key, offset, at)]


def reconfigure(command: Reconfigure, it: Merchant) -> list[MerchantEvent]:
    profile = command.change(it.profile)
    return [] if profile == it.profile else [Reconfigured(profile, command.at)]


def issue_key(command: IssueKey, it: Merchant) -> list[MerchantEvent]:
    if any(key.id == command.key.id for key in it.keys):
        return []  # the same request again
    if sum(not key.revoked for key in it.keys) >= KEYS_IN_FORCE:
        raise TooManyKeys
    return [KeyIssued(command.key, command.at)]


def revoke_key(command: RevokeKey, it: Merchant) -> list[MerchantEvent]:
    key = next((key for key in it.keys if key.id == command.id), None)
    if key is None:
        raise NoSuchKey
    if key.revoked:
        return []
    if not any(other for other in it.keys if other.id != key.id and not other.revoked):
        raise LastKey
    return [KeyRevoked(key.id, command.at)]


def set_clock(command: SetClock, it: Merchant) -> list[MerchantEvent]:
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


def evolve(it: Merchant | None, event: MerchantEvent) -> Merchant:
    if isinstance(event, Registered):
        return Merchant(event.profile, event.invoice_series, event.sandbox, (event.key,), event.clock_offset_seconds)
    assert it is not None, "a stream begins with Registered"
    match event:
        case Reconfigured(profile):
            return replace(it, profile=profile)
        case KeyIssued(key):
            return replace(it, keys=(*it.keys, key))
        case KeyRevoked(id):
            return replace(it, keys=_known(replace(key, revoked=key.revoked or key.id == id) for key in it.keys))
        case ClockSet(offset):
            return replace(it, clock_offset_seconds=offset)
        case _:
            assert_never(event)


def _known(keys: Iterable[ApiKey]) -> tuple[ApiKey, ...]:
    """Without the oldest that were revoked: every message about the merchant lists its keys, and must stay small."""
    listed = tuple(keys)
    revoked = [key.id for key in listed if key.revoked]
    forgotten = set(revoked[: max(0, len(revoked) - REVOKED_KEPT)])
    return tuple(key for key in listed if key.id not in forgotten)


_LEGAL_FORM = re.compile(r"inc|llc|ltd|limited|corp|co|gmbh|ag|sas?|sl|srl|bv|plc|sapi|de|cv|rl", re.IGNORECASE)


def series_of(name: str) -> str:
    """The letters that lead a merchant's invoice numbers: `TS` of `TechSolutions Inc.`; `INV` when there are none."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().replace(".", "")
    words = [word for word in re.findall(r"[A-Za-z0-9]+", ascii_name) if not _LEGAL_FORM.fullmatch(word)]
    initials = [initial for word in words for initial in re.findall(r"^[a-z0-9]|[A-Z](?=[a-z])|^[A-Z]", word)]
    if len(initials) < 2:
        initials = list("".join(words)[:2])
    return "".join(initials)[:4].upper() or "INV"
