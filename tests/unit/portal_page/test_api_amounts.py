"""Every amount in the customer's JSON has a text in the format of the region."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest

from portal_gateway.adapters.api.representations import overview
from portal_gateway.application.presentation.common import money
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.view import View
from portal_gateway.domain.view import InvoiceStatus
from support.portal_page import scenes

TAXED = scenes.merchant(tax={"name": "IVA", "rate_basis_points": 2100, "inclusive": False})
VIEWS: dict[str, View] = {
    "active": scenes.view(),
    "trialing": scenes.view(scenes.subscription("trialing")),
    "owing": scenes.owing(),
    "ending": scenes.view(scenes.ending()),
    "several": scenes.view(scenes.subscription(), scenes.subscription("canceled", ended_at=scenes.instant(2023, 5, 14))),
    "taxed": replace(scenes.view(), merchant=TAXED),
    "every invoice": scenes.view(invoices=[scenes.invoice(14, status) for status in get_args(InvoiceStatus)]),
}


def amounts(body: Any) -> Iterator[dict[str, Any]]:
    if isinstance(body, dict):
        if "amount_minor" in body:
            yield body
        for value in body.values():
            yield from amounts(value)
    elif isinstance(body, list):
        for value in body:
            yield from amounts(value)


@pytest.mark.parametrize("code", ["es", "en"])
@pytest.mark.parametrize("state", VIEWS)
def test_each_amount_of_the_overview_has_a_text(state: str, code: str) -> None:
    language = catalogues().language(code, "ES" if code == "es" else "US")
    values = list(amounts(overview(VIEWS[state], language, None)))
    assert len(values) >= 3
    assert [amount.get("text") for amount in values] == [
        money(language, {"amount_minor": it["amount_minor"], "currency": it["currency"]}) for it in values
    ]
