"""Names, addresses and descriptions contain no hidden characters and none that change the reading order of a page."""

from typing import Any

import pytest
from integration.subscriptions.conftest import ANA, PREMIUM, TECHSOLUTIONS, Shop

from support.service import OPERATOR

FIELDS: list[tuple[str, str, dict[str, Any], tuple[str, ...]]] = [
    ("POST", "/v1/customers", ANA, ("name",)),
    ("POST", "/v1/customers", ANA, ("address",)),
    ("POST", "/v1/customers", ANA, ("tax_id",)),
    ("POST", "/v1/customers", ANA, ("purchase_order",)),
    ("PATCH", "/v1/merchants/{id}", {}, ("invoice_note",)),
    ("PATCH", "/v1/customers/{ana}", {}, ("name",)),
    ("POST", "/v1/plans", PREMIUM, ("name",)),
    ("POST", "/v1/plans", PREMIUM, ("description",)),
    ("POST", "/v1/plans", {**PREMIUM, "tax": {"name": "IVA", "rate_basis_points": 1600}}, ("tax", "name")),
    ("POST", "/v1/merchants", TECHSOLUTIONS, ("name",)),
    ("POST", "/v1/merchants", TECHSOLUTIONS, ("legal", "address")),
    ("PATCH", "/v1/merchants/{id}", {}, ("name",)),
]


async def answered(
    shop: Shop, operation: tuple[str, str, dict[str, Any], tuple[str, ...]], text: str
) -> tuple[int, dict[str, str]]:
    """The status, and the code of each field that is refused."""
    method, path, body, field = operation
    sent = {**body, field[0]: {**body[field[0]], field[1]: text} if len(field) > 1 else text}
    http = shop.stack.client(OPERATOR) if (method, path) == ("POST", "/v1/merchants") else shop.http
    answer = await http.request(method, path.format(ana=shop.ana, id=shop.id), json=sent)
    return answer.status_code, {error["pointer"]: error["code"] for error in answer.json().get("errors", ())}


@pytest.mark.parametrize("operation", FIELDS, ids=lambda operation: f"{operation[1]} {'.'.join(operation[3])}")
async def test_hidden_and_misleading_characters_are_refused(shop: Shop, operation: Any) -> None:
    pointer = "/" + "/".join(operation[3])
    for text, code in (
        ("Ana \u202eaícraG", "misleading_characters"),
        ("\u2067Ana\u2069", "misleading_characters"),
        ("Ana \ue000", "misleading_characters"),
        ("Ana \ufdd0", "misleading_characters"),
        ("Ana\x85García", "control_characters"),
        ("\u3164", "nothing_visible"),
        ("\u200d\u200e", "nothing_visible"),
    ):
        assert await answered(shop, operation, text) == (422, {pointer: code}), ascii(text)


async def test_a_line_stays_one_line_with_any_line_ending(shop: Shop) -> None:
    for end in ("\n", "\u2028", "\u2029"):
        assert await answered(shop, FIELDS[0], f"Ana{end}García") == (422, {"/name": "one_line"})


async def test_a_misleading_email_address_is_refused(shop: Shop) -> None:
    operation = ("POST", "/v1/customers", ANA, ("email",))
    assert await answered(shop, operation, "ana@\u202emoc.elpmaxe") == (422, {"/email": "misleading_characters"})


@pytest.mark.parametrize("name", ["می\u200cخواهم", "👩\u200d💻 Ada", "Ana \u200e(עדי\u200f)"], ids=ascii)
async def test_characters_that_scripts_need_are_stored_unchanged(shop: Shop, name: str) -> None:
    answer = await shop.http.post("/v1/customers", json={**ANA, "name": name})
    assert (answer.status_code, answer.json()["name"]) == (201, name)
