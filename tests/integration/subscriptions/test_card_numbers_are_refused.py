"""No text that a merchant types can contain a card number, in any notation."""

import re
from typing import Any

import pytest
from integration.subscriptions.conftest import ANA, PREMIUM, TECHSOLUTIONS, Shop

from support.service import OPERATOR

CARD = "4242 4242-4242 4242"
DISGUISED = "4242.4242\u00a04242–4242"
FIELDS: list[tuple[str, str, dict[str, Any], tuple[str, ...]]] = [
    ("POST", "/v1/customers", ANA, ("name",)),
    ("POST", "/v1/customers", ANA, ("address",)),
    ("POST", "/v1/customers", ANA, ("tax_id",)),
    ("POST", "/v1/customers", ANA, ("purchase_order",)),
    ("PATCH", "/v1/merchants/{id}", {}, ("invoice_note",)),
    ("PATCH", "/v1/customers/{ana}", {}, ("name",)),
    ("PATCH", "/v1/customers/{ana}", {}, ("address",)),
    ("POST", "/v1/plans", PREMIUM, ("name",)),
    ("POST", "/v1/plans", PREMIUM, ("description",)),
    ("POST", "/v1/plans", {**PREMIUM, "tax": {"name": "IVA", "rate_basis_points": 1600}}, ("tax", "name")),
    ("POST", "/v1/merchants", TECHSOLUTIONS, ("name",)),
    ("POST", "/v1/merchants", TECHSOLUTIONS, ("legal", "name")),
    ("POST", "/v1/merchants", TECHSOLUTIONS, ("legal", "address")),
    ("PATCH", "/v1/merchants/{id}", {}, ("name",)),
]


@pytest.mark.parametrize("card", [CARD, DISGUISED], ids=ascii)
@pytest.mark.parametrize(("method", "path", "body", "field"), FIELDS, ids=lambda part: str(part)[:45])
async def test_it_is_refused_by_its_field_and_repeated_nowhere(
    shop: Shop, card: str, method: str, path: str, body: dict[str, Any], field: tuple[str, ...]
) -> None:
    sent = {**body, field[0]: {**body[field[0]], field[1]: f"Call {card}"} if len(field) > 1 else f"Call {card}"}
    http = shop.stack.client(OPERATOR) if (method, path) == ("POST", "/v1/merchants") else shop.http
    url = path.format(ana=shop.ana, id=shop.id)
    answer = await http.request(method, url, json=sent)
    assert answer.status_code == 422, answer.text
    errors = {error["pointer"]: error["code"] for error in answer.json()["errors"]}
    assert errors == {"/" + "/".join(field): "card_number_refused"}
    assert digits(CARD) not in digits(answer.text)
    assert digits(CARD) not in digits(await shop.stack.written(shop.id))


def digits(text: str) -> str:
    """Without what may separate them; a run of four alone may stand in an id."""
    return re.sub(r"[\s.–-]", "", text)
