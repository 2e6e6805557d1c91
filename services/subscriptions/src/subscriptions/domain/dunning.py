"""What a merchant wants done about what is not paid."""

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
    """When a cancellation that does not say takes effect."""
    unpaid_renewal_on_cancel: OpenInvoices = "void"
    retry_days: tuple[int, ...] = (1, 3, 5, 7)
    """Days after the first failure."""
    when_retries_end: WhenRetriesEnd = WhenRetriesEnd.CANCEL


@dataclass(frozen=True, slots=True)
class Dunning:
    """How one unpaid period is pursued: fixed at its first failure, because the customer is told."""

    retries: tuple[datetime, ...]
    ends_at: datetime
    """Until when the customer keeps access."""
    then: WhenRetriesEnd
    open_invoices: OpenInvoices

    def next_retry(self, after: datetime) -> datetime | None:
        return next((retry for retry in self.retries if retry > after), None)


def begin(policies: Policies, first_failure: datetime) -> Dunning:
    retries = tuple(first_failure + timedelta(days=days) for days in sorted(policies.retry_days))
    ends_at = retries[-1] if retries else first_failure
    return Dunning(retries, ends_at, policies.when_retries_end, policies.unpaid_renewal_on_cancel)
