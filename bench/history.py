"""One year of published events of customers with monthly renewals, generated from the contracts' samples."""

import json
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

import billing_contracts
from billing_contracts.envelope import topic_of

MONTHS: Final = 12
_ONCE: Final = (
    "billing.customers.CustomerProfile.v1",
    "billing.payments.PaymentMethodUpdated.v1",
    "billing.subscriptions.SubscriptionStarted.v1",
)
_MONTHLY: Final = {
    "billing.subscriptions.SubscriptionRenewalDue.v1": 2,
    "billing.invoicing.InvoiceIssued.v1": 1,
    "billing.payments.PaymentStarted.v1": 1,
    "billing.payments.PaymentSucceeded.v1": 2,
    "billing.invoicing.InvoicePaid.v1": 2,
    "billing.subscriptions.SubscriptionRenewed.v1": 3,
}
"""In chronological order: event -> its sequence in its stream in the first month."""
EACH: Final = len(_ONCE) + MONTHS * len(_MONTHLY)
"""The number of events of one customer."""
_SAMPLES: Final = Path(billing_contracts.__file__).parents[2] / "samples"
_VARIABLE: Final = {
    "8d132d37-fcff-5da9-acf2-a8f581abbe1f": "customer",
    "cf6b7351-cdce-5100-b54e-12fb70bd11d2": "subscription",
    "ff40078b-6be1-5f0a-b374-512982dd618b": "invoice",
    "ed851289-c101-5a84-8e43-261643e08940": "charge",
    "TS-000001": "number",
    "2023-05-14T15:00:00Z": "start",
    "2023-06-14T15:00:00Z": "end",
    "2023-05-14": "day",
}
"""Value in the samples -> placeholder that differs between customers and months."""
_START: Final = datetime(2023, 5, 14, 15, tzinfo=UTC)


class HistoryRecord(NamedTuple):
    topic: str
    key: bytes
    value: bytes


class _Template:
    def __init__(self, type: str) -> None:
        sample = json.loads((_SAMPLES / f"{type}.1.json").read_text())
        sample |= {"id": "%(id)s", "sequence": "%(sequence)010d"}
        text = json.dumps(_without_nulls(sample), ensure_ascii=False, separators=(",", ":"))
        for value, name in _VARIABLE.items():
            text = text.replace(value, f"%({name})s")
        self._topic, self._value = topic_of(type), text
        self.of_subscription = "SubscriptionRenew" in type
        self._key = f"{sample['merchantid']}/{json.loads(text)['subject']}"

    def __call__(self, values: Mapping[str, Any]) -> HistoryRecord:
        return HistoryRecord(self._topic, (self._key % values).encode(), (self._value % values).encode())


def history(events: int) -> Iterator[HistoryRecord]:
    """The first `events` records, month by month and within a month customer by customer, as on live topics. Reproducible."""
    chance = random.Random(7)
    once, monthly = [_Template(type) for type in _ONCE], [(_Template(type), place) for type, place in _MONTHLY.items()]
    customers = [(_id(chance), _id(chance)) for _ in range(-(-events // EACH))]

    def all_of_it() -> Iterator[HistoryRecord]:
        number = 0
        for month in range(MONTHS):
            start, end = (_START + timedelta(days=30 * (month + ahead)) for ahead in (0, 1))
            when = {"start": f"{start:%FT%TZ}", "end": f"{end:%FT%TZ}", "day": f"{start:%F}"}
            for customer, subscription in customers:
                number += 1
                ids = {"customer": customer, "subscription": subscription, "invoice": _id(chance), "charge": _id(chance)}
                values = when | ids | {"number": f"TS-{number:06}", "sequence": 1}
                if month == 0:
                    for template in once:
                        yield template(values | {"id": _id(chance)})
                for template, place in monthly:
                    own = place + 2 * month if template.of_subscription else place
                    yield template(values | {"id": _id(chance), "sequence": own})

    return islice(all_of_it(), events)


def _id(chance: random.Random) -> str:
    return str(UUID(int=chance.getrandbits(128)))


def _without_nulls(value: Any) -> Any:
    """The value without null fields, which messages omit."""
    return {name: _without_nulls(each) for name, each in value.items() if each is not None} if isinstance(value, dict) else value
