"""Answers of Stripe that are no result. All are NoAnswer: where none is expected, the request stays open and is repeated."""

from collections.abc import Mapping
from typing import Any

from payments.application.charges import NoAnswer


class Rejected(NoAnswer):
    """Stripe refused the request in a way that its caller expects."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(str(error.get("code") or error.get("type")))
        self.error = error
        """Stripe's error object."""

    @property
    def code(self) -> str:
        return str(self.error.get("code") or self.error.get("type"))

    def is_missing(self, parameter: str) -> bool:
        """Whether the object that this parameter names does not exist in the account."""
        return self.code == "resource_missing" and self.error.get("param") == parameter


class Broken(NoAnswer):
    """Stripe failed. It may have carried out the request, and it repeats this answer under the same idempotency key."""
