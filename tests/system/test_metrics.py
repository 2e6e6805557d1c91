"""The metrics of each service: requests, lag of relay and consumers, quarantined records."""

import re

import pytest

from support.system_stack import Shop, eventually

OF_ALL = ["http_requests_total", "http_request_duration_seconds_count"]
OF_PUBLISHERS = ["relay_lag_seconds", "relay_cursor_age_seconds", "relay_messages_sent_total", "relay_failures_total"]
OF_CONSUMERS = [
    "consumer_lag_records",
    "consumer_records_total",
    "consumer_quarantined_total",
    "consumer_unknown_types_total",
    "consumer_diverged_total",
]


@pytest.mark.parametrize(
    ("service", "names", "group"),
    [
        ("subscriptions", OF_ALL + OF_PUBLISHERS + OF_CONSUMERS, "subscriptions.renewals"),
        ("payments", OF_ALL + OF_PUBLISHERS + OF_CONSUMERS, "payments.collection"),
        ("invoicing", OF_ALL + OF_PUBLISHERS + OF_CONSUMERS, "invoicing.invoices"),
        ("portal-gateway", OF_ALL + OF_CONSUMERS, "portal-gateway.views"),
    ],
)
async def test_each_service_exposes_its_metrics(a_shop: Shop, service: str, names: list[str], group: str) -> None:
    await a_shop.customer()

    async def shown() -> str:
        return (await a_shop.stack.admin_get(service, "/metrics")).text

    def samples(text: str, name: str) -> list[str]:
        return re.findall(rf"^{name}(?:{{.*}})? [0-9.e+-]+$", text, re.MULTILINE)

    text = await eventually(shown, lambda text: all(samples(text, name) for name in names))
    for name in OF_CONSUMERS:
        assert all(f'group="{group}"' in sample for sample in samples(text, name)), name
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}", text), "labels name routes, never whom they are about"
