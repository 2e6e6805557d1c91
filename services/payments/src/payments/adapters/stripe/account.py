"""A merchant's Stripe account, as the adapter needs it; and the port to where accounts are stored."""

from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

from pydantic import SecretStr

from payments.application.charges import NotConnected

API_VERSION = "2026-08-26.dahlia"
"""The version that the pinned library, the checked OpenAPI document and the page's script have in common."""
StripeMode: TypeAlias = Literal["live", "test"]


@dataclass(frozen=True, slots=True)
class StripeAccount:
    """Raises ValueError if a key belongs to the other mode. The error does not contain the key."""

    merchant_id: UUID
    mode: StripeMode
    publishable_key: str
    """For the browser: `pk_test_…` or `pk_live_…`"""
    key: SecretStr = field(repr=False)
    """A restricted or secret key: `rk_test_…` or `sk_live_…`, for example."""
    account_id: str | None = None
    """`acct_…` if the key is a platform's. None: the account that the key belongs to."""

    def __post_init__(self) -> None:
        if not self.publishable_key.startswith(f"pk_{self.mode}_"):
            raise ValueError(f"the publishable key is not one of {self.mode} mode")
        if not self.key.get_secret_value().startswith((f"rk_{self.mode}_", f"sk_{self.mode}_")):
            raise ValueError(f"the restricted key is not one of {self.mode} mode")


class NoStripeAccount(NotConnected):
    """The merchant has no connected account in this mode. Nothing was requested."""


class StripeAccounts(Protocol):
    async def for_merchant(self, merchant_id: UUID, mode: StripeMode | None = None) -> StripeAccount:
        """The merchant's account. None: of the mode in which new cards are saved.

        Cards and charges stay in the mode in which they began, and are requested with that mode. Raises NoStripeAccount.
        """
        ...

    async def rejected(self, account: StripeAccount, status: int) -> None:
        """Stripe refused the account's key. 401: it is unknown, expired or revoked. 403: it lacks a permission."""
        ...
