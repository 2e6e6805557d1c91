import asyncio
import logging
from uuid import UUID, uuid4

import pytest
from httpx import Response
from integration.payments.stack import CARDS, PORTAL, Shop

from payments.adapters.setups import DECLINES_PER_HOUR_MAX

VISA, MASTERCARD, DECLINED = "4242424242424242", "5555555555554444", "4000000000000002"
OWED = {"amount_minor": 2999, "currency": "USD"}


async def past_due(shop: Shop) -> str:
    """Ana owes an invoice: her card was declined."""
    await shop.add("tok_saves_then_declines")
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "failed", "card_declined"))
    return str(invoice)


async def default(shop: Shop) -> str:
    return next(str(method["last4"]) for method in await shop.methods() if method["is_default"])


async def agreed(shop: Shop) -> int:
    """The charges that begin when another one fails."""
    sql = "SELECT count(*) FROM agreed_charge WHERE merchant_id = $1"
    return int(await shop.stack.pool.fetchval(sql, shop.merchant.id))


def problem(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_new_card_becomes_the_default(shop: Shop) -> None:
    await shop.add("tok_visa")
    opened = await shop.open_setup()
    assert opened["frame_url"] == f"{CARDS}/cards/{opened['setup_id']}"
    assert (opened["due"], opened["total"]) == ([], None)
    typed = (await shop.stack.type_card(opened["setup_id"], MASTERCARD)).json()
    assert (typed["brand"], typed["last4"], typed["exp"]) == ("mastercard", "4444", "12/2025")
    answer = await shop.confirm(opened["setup_id"], typed["token"])
    assert answer.status_code == 200
    body = answer.json()
    assert (body["aggregate"], body["version"], body["charges"]) == (f"wallet-{shop.ana}", 2, [])
    assert body["payment_method"]["last4"] == "4444"
    assert await default(shop) == "4444"


async def test_what_is_owed_is_listed_first_and_charged_at_once(shop: Shop) -> None:
    invoice = await past_due(shop)
    opened = await shop.open_setup()
    assert opened["due"] == [{"invoice_id": invoice, "number": "TS-000001", "amount": OWED}]
    assert opened["total"] == OWED
    token = (await shop.stack.type_card(opened["setup_id"])).json()["token"]
    answer = await shop.confirm(opened["setup_id"], token, invoice)
    assert answer.json()["charges"] == [{"invoice_id": invoice, "aggregate": f"payment-{invoice}", "version": 3}]
    await shop.stack.until_events(f"payment-{invoice}", "PaymentStarted", "PaymentFailed", "PaymentStarted", "PaymentSucceeded")


async def test_only_what_was_listed_is_charged(shop: Shop) -> None:
    invoice = await past_due(shop)
    assert (await shop.change_card(VISA)).status_code == 200
    await asyncio.sleep(0.5)
    assert [number for number, *_ in await shop.charges(UUID(invoice))] == [1]


async def test_a_declined_card_leaves_the_old_one(shop: Shop) -> None:
    await shop.add("tok_visa")
    for number, code in (
        (DECLINED, "card_declined"),
        ("4000000000009995", "insufficient_funds"),
        ("4000000000000069", "expired_card"),
        ("4000000000000127", "incorrect_cvc"),
    ):
        assert problem(await shop.change_card(number)) == (402, code)
    assert await default(shop) == "4242"
    assert await shop.stack.event_names(f"wallet-{shop.ana}") == ["PaymentMethodUpdated"]


async def test_after_a_decline_the_same_page_takes_another_card(shop: Shop) -> None:
    setup = (await shop.open_setup())["setup_id"]
    first = (await shop.stack.type_card(setup, DECLINED)).json()["token"]
    assert problem(await shop.confirm(setup, first)) == (402, "card_declined")
    second = (await shop.stack.type_card(setup)).json()["token"]
    assert (await shop.confirm(setup, second)).status_code == 200


async def test_who_tries_many_declined_cards_has_to_wait(shop: Shop) -> None:
    setup = (await shop.open_setup())["setup_id"]
    for _ in range(DECLINES_PER_HOUR_MAX):
        token = (await shop.stack.type_card(setup, DECLINED)).json()["token"]
        assert problem(await shop.confirm(setup, token)) == (402, "card_declined")
    answer = await shop.confirm(setup, "whatever")
    assert problem(answer) == (429, "too_many_declines")
    assert 3500 < int(answer.headers["retry-after"]) <= 3600
    assert problem(await shop.stack.type_card(setup)) == (429, "too_many_declines")


async def test_a_changed_list_is_shown_before_anything_is_charged(shop: Shop) -> None:
    first = await past_due(shop)
    setup = (await shop.open_setup())["setup_id"]
    second = await shop.issue()
    token = (await shop.stack.type_card(setup)).json()["token"]
    answer = await shop.confirm(setup, token, first)
    assert problem(answer) == (409, "due_changed")
    assert [due["invoice_id"] for due in answer.json()["due"]] == [first, str(second)]
    assert answer.json()["total"] == {"amount_minor": 5998, "currency": "USD"}
    assert await default(shop) == "0341"
    await shop.until_charges(second, (1, "failed", "card_declined"))
    assert (await shop.confirm(setup, token, first, second)).status_code == 200
    await shop.until_charges(second, (1, "failed", "card_declined"), (2, "succeeded", None))


async def test_nothing_foreign_can_be_listed(shop: Shop) -> None:
    setup = (await shop.open_setup())["setup_id"]
    token = (await shop.stack.type_card(setup)).json()["token"]
    assert problem(await shop.confirm(setup, token, uuid4())) == (409, "due_changed")


async def test_a_set_up_is_good_for_its_own_session_and_customer_once(shop: Shop) -> None:
    setup = (await shop.open_setup())["setup_id"]
    token = (await shop.stack.type_card(setup)).json()["token"]
    assert problem(await shop.confirm(setup, token, session="another")) == (404, "not_found")
    stranger = uuid4()
    body = {"setup_id": setup, "token": token}
    answer = await shop.portal(customer=stranger).put(f"/v1/customers/{stranger}/default-payment-method", json=body)
    assert problem(answer) == (404, "not_found")
    assert (await shop.confirm(setup, token)).status_code == 200
    assert problem(await shop.confirm(setup, token)) == (404, "not_found")
    assert problem(await shop.stack.type_card(setup)) == (404, "not_found")


async def test_a_token_of_another_set_up_is_worth_nothing(shop: Shop) -> None:
    one, other = (await shop.open_setup())["setup_id"], (await shop.open_setup())["setup_id"]
    token = (await shop.stack.type_card(one)).json()["token"]
    assert problem(await shop.confirm(other, token)) == (422, "invalid_token")


async def test_a_double_click_changes_the_card_and_charges_once(shop: Shop) -> None:
    invoice = await past_due(shop)
    setup = (await shop.open_setup())["setup_id"]
    token = (await shop.stack.type_card(setup)).json()["token"]
    answers = await asyncio.gather(*(shop.confirm(setup, token, invoice) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404, 404]
    await shop.until_charges(UUID(invoice), (1, "failed", "card_declined"), (2, "succeeded", None))


async def test_a_repeated_request_gets_the_first_answer(shop: Shop) -> None:
    invoice = await past_due(shop)
    setup = (await shop.open_setup())["setup_id"]
    token = (await shop.stack.type_card(setup)).json()["token"]
    answers = [await shop.confirm(setup, token, invoice, key="click") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.text for answer in answers}) == 1
    assert problem(await shop.confirm(setup, "other", invoice, key="click")) == (422, "idempotency_key_reused")


async def test_repetitions_at_the_same_time_get_one_answer(shop: Shop) -> None:
    invoice = await past_due(shop)
    setup = (await shop.open_setup())["setup_id"]
    token = (await shop.stack.type_card(setup)).json()["token"]
    answers = await asyncio.gather(*(shop.confirm(setup, token, invoice, key="click") for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len({answer.text for answer in answers}) == 1
    await shop.until_charges(UUID(invoice), (1, "failed", "card_declined"), (2, "succeeded", None))


async def test_an_opening_that_is_repeated_is_one(shop: Shop) -> None:
    path, headers = f"/v1/customers/{shop.ana}/setups", {"idempotency-key": "open"}
    answers = [await shop.portal().post(path, json={"locale": "es"}, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()


async def refusals(shop: Shop) -> int:
    counted: int = await shop.stack.pool.fetchval("SELECT count(*) FROM card_refusal WHERE merchant_id = $1", shop.merchant.id)
    return counted


async def test_a_repeated_refusal_is_the_same_and_counted_once(shop: Shop) -> None:
    setup = (await shop.open_setup())["setup_id"]
    token = (await shop.stack.type_card(setup, DECLINED)).json()["token"]
    answers = [await shop.confirm(setup, token, key="click") for _ in range(3)]
    assert {problem(answer) for answer in answers} == {(402, "card_declined")}
    assert await refusals(shop) == 1


async def test_refusals_at_the_same_time_get_one_answer_and_count_once(shop: Shop) -> None:
    setup = (await shop.open_setup())["setup_id"]
    token = (await shop.stack.type_card(setup, DECLINED)).json()["token"]
    answers = await asyncio.gather(*(shop.confirm(setup, token, key="click") for _ in range(5)))
    assert {problem(answer) for answer in answers} == {(402, "card_declined")}
    assert await refusals(shop) == 1


async def test_a_card_that_comes_while_an_old_charge_hangs_is_not_lost(shop: Shop) -> None:
    await shop.add("tok_saves_then_declines")
    await shop.stack.misbehave(shop.merchant.id, "late", 5)
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "unknown", None))
    answer = await shop.change_card(VISA, invoice)
    assert answer.json()["charges"] == [{"invoice_id": str(invoice), "aggregate": f"payment-{invoice}", "version": 2}]
    assert len(await shop.charges(invoice)) == 1
    await shop.stack.misbehave(shop.merchant.id, "normal")
    await shop.until_charges(invoice, (1, "failed", "card_declined"), (2, "succeeded", None))


async def test_an_agreement_is_charged_once_no_charge_is_open(shop: Shop) -> None:
    invoice = await past_due(shop)
    card = await shop.add("tok_visa")
    row = (shop.merchant.id, invoice, shop.ana, card["id"])
    await shop.stack.pool.execute("INSERT INTO agreed_charge VALUES ($1, $2, $3, $4)", *row)
    await shop.until_charges(UUID(invoice), (1, "failed", "card_declined"), (2, "succeeded", None))
    assert await agreed(shop) == 0


async def test_a_card_that_was_removed_is_not_charged_for_what_was_agreed(shop: Shop) -> None:
    old = (await shop.add("tok_saves_then_declines"))["id"]
    await shop.stack.misbehave(shop.merchant.id, "late", 5)
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "unknown", None))
    new = (await shop.change_card(VISA, invoice)).json()["payment_method"]["id"]
    assert await agreed(shop) == 1
    third = {"token": "tok_amex", "make_default": False}  # the only card would stay while something is owed
    assert (await shop.http.post(f"/v1/customers/{shop.ana}/payment-methods", json=third)).status_code == 201
    await shop.end()
    for card in (old, new):
        assert (await shop.http.delete(f"/v1/payment-methods/{card}")).status_code == 202
    assert await agreed(shop) == 0
    await shop.stack.misbehave(shop.merchant.id, "normal")
    await shop.until_charges(invoice, (1, "failed", "card_declined"))
    await asyncio.sleep(1)
    assert await shop.charges(invoice) == [(1, "failed", "card_declined")]


async def test_an_agreement_on_a_card_that_is_gone_is_not_honoured(shop: Shop) -> None:
    invoice = await past_due(shop)
    card = (await shop.add("tok_visa"))["id"]
    assert (await shop.http.delete(f"/v1/payment-methods/{card}")).status_code == 202
    row = (shop.merchant.id, invoice, shop.ana, card)
    await shop.stack.pool.execute("INSERT INTO agreed_charge VALUES ($1, $2, $3, $4)", *row)
    await asyncio.sleep(1)
    assert await shop.charges(UUID(invoice)) == [(1, "failed", "card_declined")]


async def test_an_unavailable_provider_is_reported_and_changes_nothing(shop: Shop) -> None:
    await shop.add("tok_visa")
    setup = (await shop.open_setup())["setup_id"]
    token = (await shop.stack.type_card(setup, MASTERCARD)).json()["token"]
    await shop.stack.misbehave(shop.merchant.id, "hang", 3600)
    assert problem(await shop.confirm(setup, token)) == (503, "service_unavailable")
    assert await default(shop) == "4242"
    await shop.stack.misbehave(shop.merchant.id, "normal")
    assert (await shop.confirm(setup, token)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"locale": "<script>"},
        {"locale": "es", "colour": "red"},
        {"locale": "es", "portal_origin": "https://elsewhere.example"},
        {"locale": "es", "more": 1},
    ],
)
async def test_an_invalid_set_up_request_is_refused(shop: Shop, body: dict[str, str]) -> None:
    assert (await shop.portal().post(f"/v1/customers/{shop.ana}/setups", json=body)).status_code == 422
    assert PORTAL not in body.values()


async def test_the_number_is_nowhere_afterwards(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    setup = (await shop.open_setup())["setup_id"]
    for number, cvc in ((VISA, "987"), ("4111111111111111", "123"), ("4242424242424241", "123")):
        typed = await shop.stack.type_card(setup, number, cvc)
        assert number not in typed.text
    await shop.confirm(setup, (await shop.stack.type_card(setup, VISA, "987")).json()["token"])
    tables = await shop.stack.pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    dump = caplog.text
    for table in tables:
        dump += "".join(row[0] for row in await shop.stack.pool.fetch(f'SELECT t::text FROM "{table[0]}" t'))
        dump += "".join(str(row) for row in await shop.stack.pool.fetch(f'SELECT * FROM "{table[0]}"'))
    for number in (VISA, "4111111111111111", "4242424242424241"):
        assert number not in dump
    assert "4242" in dump, "the last four digits are there, so the dump is one"
