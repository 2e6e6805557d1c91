"""The merchant's policies for cancellations and unpaid periods, and the dunning that follows from them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

CancelMode = Literal["at_period_end", "immediately"]
OpenInvoices = Literal["void", "keep"]


class WhenRetriesEnd(StrEnum):
    CANCEL = "cancel"
    UNPAID = "unpaid"


@dataclass(frozen=True, slots=True)
class Policies:
    cancel_mode: CancelMode = "at_period_end"
    """When a cancellation without a mode takes effect."""
    unpaid_renewal_on_cancel: OpenInvoices = "void"
    retry_days: tuple[int, ...] = (1, 3, 5, 7)
    """Days after the first failure."""
    when_retries_end: WhenRetriesEnd = WhenRetriesEnd.CANCEL


@dataclass(frozen=True, slots=True)
class Dunning:
    """The schedule of one unpaid period. It is fixed at the first failure, because the customer is informed of it."""

    retries: tuple[datetime, ...]
    ends_at: datetime
    """End of the customer's access."""
    then: WhenRetriesEnd
    open_invoices: OpenInvoices

    def next_retry(self, after: datetime) -> datetime | None:
        return next((retry for retry in self.retries if retry > after), None)


def begin(policies: Policies, first_failure: datetime) -> Dunning:
    retries = tuple(first_failure + timedelta(days=days) for days in sorted(policies.retry_days))
    ends_at = retries[-1] if retries else first_failure
    return Dunning(retries, ends_at, policies.when_retries_end, policies.unpaid_renewal_on_cancel)
