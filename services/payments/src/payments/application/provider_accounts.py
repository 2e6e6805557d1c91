"""Merchants' own accounts at a payment provider, as the HTTP interface shows and changes them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

AccountMode: TypeAlias = Literal["live", "test"]


@dataclass(frozen=True, slots=True)
class NewAccount:
    """The keys of an account that a merchant connects."""

    merchant_id: UUID
    mode: AccountMode
    """The only mode that the merchant may use."""
    publishable_key: str
    restricted_key: str = field(repr=False)
    hook_secrets: tuple[str, ...] = field(repr=False)
    """Secrets that sign the account's webhooks: one, or both while it is replaced."""
    moved_clock: bool
    """Whether the merchant's clock is not the wall clock."""


@dataclass(frozen=True, slots=True)
class ConnectedAccount:
    """An account without its secrets."""

    mode: AccountMode
    state: Literal["connected", "refused"]
    """`refused` after the provider has refused the key."""
    publishable_key: str
    key_last4: str
    endpoint: UUID
    """In the address of the account's webhooks."""
    hook_secrets: int
    connected_at: datetime
    refused_at: datetime | None


class OtherMode(Exception):
    """A key belongs to the other mode."""


class MovedClock(Exception):
    """The time of a provider cannot be moved, so a merchant with a test clock keeps the sandbox."""


class KeyRefused(Exception):
    """The provider refuses the key, or a call that is needed. The message names it."""


class AnotherAccount(Exception):
    """The merchant's cards are in another account."""


class AccountsDisabled(Exception):
    """The deployment has no key-encryption key: no account can be stored."""


class ChargesRunning(Exception):
    """Charges of the account have no outcome yet, or are to be refunded."""


class MethodsInUse(Exception):
    """Cards of the account are the default of customers with subscriptions."""
