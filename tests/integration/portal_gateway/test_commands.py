"""Commands are forwarded to their service and stored until their events arrive; refusals are forwarded unchanged."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse

from billing_contracts import payments
from chassis.http.service_tokens import Verifier
from support.portal_gateway import story
from support.portal_gateway.gateway import KEY, Merchant, problem
from support.portal_gateway.story import MASTERCARD, VISA, invoice_id

STREAM = f"subscription-{story.SUBSCRIPTION}"
OF_GATEWAY = f"/api/subscriptions/{story.SUBSCRIPTION}/cancellation"
OF_OWNER = f"/v1/subscriptions/{story.SUBSCRIPTION}/cancellation"
SETUPS = f"/v1/customers/{story.ANA}/setups"
CARD = f"/v1/customers/{story.ANA}/default-payment-method"
NEW_CARD: dict[str, Any] = {"setup_id": "setup-1", "token": "tok", "charge_invoices": []}
ACCEPTED = {"aggregate": STREAM, "version": 4, "effective_at": "2023-06-14T09:00:00Z", "mode": "at_period_end"}


@pytest.fixture
async def ana(merchant: Merchant) -> Merchant:
    card = payments.PaymentMethodUpdated(payment_method=VISA)
    await merchant.tell(story.profile(), story.started(), story.renewal_due(5), card, story.issued(5), story.renewed(5))
    return merchant


async def pending(browser: httpx.AsyncClient) -> list[dict[str, Any]]:
    commands: list[dict[str, Any]] = (await browser.get("/api/overview")).json()["pending"]
    return commands


async def test_a_cancellation_is_forwarded_in_the_customers_name(ana: Merchant) -> None:
    ana.gateway.owners.say("POST", OF_OWNER, 202, ACCEPTED)
    async with ana.signed_in() as browser:
        body = {"feedback": "unused", "comment": "No la uso"}
        answer = await browser.post(OF_GATEWAY, json=body, headers={"idempotency-key": "click-1"})
    assert (answer.status_code, answer.json()) == (202, ACCEPTED)
    [(_, _, sent, headers)] = ana.gateway.owners.requests
    assert (sent, headers["idempotency-key"]) == (body, "click-1")
    keys = json.dumps({"keys": [KEY.as_dict(private=False)]})
    claims = Verifier("subscriptions", keys).verify(headers["authorization"].removeprefix("Bearer "))
    assert (claims.issuer, claims.merchant_id, claims.customer_id) == ("portal-gateway", ana.id, story.ANA)
    assert claims.session


async def test_an_accepted_cancellation_is_pending_until_its_event_arrives(ana: Merchant) -> None:
    ana.gateway.owners.say("POST", OF_OWNER, 202, ACCEPTED)
    async with ana.signed_in() as browser:
        for _ in range(2):
            await browser.post(OF_GATEWAY, headers={"idempotency-key": "click-1"})
        [waiting] = await pending(browser)
        assert (waiting["kind"], waiting["aggregate"], waiting["version"]) == ("cancellation", STREAM, 4)
        assert waiting["detail"] == {"mode": "at_period_end", "effective_at": "2023-06-14T09:00:00Z"}

        await ana.tell(story.cancellation_scheduled(6))
        shown = (await browser.get("/api/overview")).json()
        assert shown["pending"] == []
        assert shown["subscriptions"][0]["cancellation"]["mode"] == "at_period_end"
    count_query = "SELECT count(*) FROM accepted_command WHERE merchant_id = $1"
    assert await ana.gateway.pool.fetchval(count_query, ana.id) == 0


async def test_an_accepted_cancellation_is_confirmed_even_if_it_cannot_be_stored(ana: Merchant) -> None:
    ana.gateway.owners.say("POST", OF_OWNER, 202, ACCEPTED)
    async with ana.signed_in() as browser, ana.gateway.pool.acquire() as other:
        async with other.transaction():
            await other.execute("LOCK TABLE accepted_command IN SHARE MODE")
            answer = await browser.post(OF_GATEWAY, headers={"idempotency-key": "click-1"}, timeout=30)
        assert (answer.status_code, answer.json()) == (202, ACCEPTED)
        assert await pending(browser) == []


async def test_a_cancellation_can_be_withdrawn(ana: Merchant) -> None:
    ana.gateway.owners.say("DELETE", OF_OWNER, 202, {"aggregate": STREAM, "version": 5})
    async with ana.signed_in() as browser:
        answer = await browser.delete(OF_GATEWAY)
        assert (answer.status_code, answer.json()) == (202, {"aggregate": STREAM, "version": 5})
        assert [it["kind"] for it in await pending(browser)] == ["cancellation_withdrawn"]


async def test_the_preview_has_the_text_of_each_amount(ana: Merchant) -> None:
    debt = {"amount_minor": 2999, "currency": "USD"}
    preview = {"mode": "at_period_end", "effective_at": "x", "access_until": "x", "open_amount": debt, "open_invoices": "void"}
    ana.gateway.owners.say("GET", f"{OF_OWNER}/preview", 200, preview)
    async with ana.signed_in() as browser:
        answer = await browser.get(f"{OF_GATEWAY}/preview")
    assert answer.json() == preview | {"open_amount": {**debt, "text": "29.99 USD"}, "frequency_text": "29.99 USD al mes"}


@pytest.mark.parametrize(("status", "code"), [(409, "already_cancelled"), (404, "not_found"), (422, "idempotency_key_reused")])
async def test_a_refusal_is_forwarded_and_stores_nothing(ana: Merchant, status: int, code: str) -> None:
    for method in ("POST", "DELETE"):
        ana.gateway.owners.answers[method, OF_OWNER] = problem(status, code)
    async with ana.signed_in() as browser:
        for answer in (await browser.post(OF_GATEWAY, json={}), await browser.delete(OF_GATEWAY)):
            assert (answer.status_code, answer.json()["code"]) == (status, code)
            assert answer.json()["detail"]
        assert await pending(browser) == []


@pytest.mark.parametrize(
    "body",
    [
        {"mode": "now"},
        {"feedback": "because"},
        {"comment": "x" * 501},
        {"comment": 7},
        {"customer_id": str(story.ANA)},
        [],
    ],
    ids=lambda body: str(body)[:30],
)
async def test_an_invalid_cancellation_is_not_forwarded(ana: Merchant, body: Any) -> None:
    async with ana.signed_in() as browser:
        answer = await browser.post(OF_GATEWAY, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert ana.gateway.owners.requests == []


async def test_a_card_number_in_a_comment_is_removed_and_the_cancellation_forwarded(ana: Merchant) -> None:
    ana.gateway.owners.say("POST", OF_OWNER, 202, ACCEPTED)
    async with ana.signed_in() as browser:
        removed = await browser.post(OF_GATEWAY, json={"comment": "my card is 4242 4242 4242 4242"})
        telephone = await browser.post(OF_GATEWAY, json={"comment": "call +52 1 55 2000 0000"})
    assert (removed.status_code, removed.json()) == (202, {**ACCEPTED, "card_number_removed": True})
    assert (telephone.status_code, telephone.json()) == (202, ACCEPTED)
    assert [sent["comment"] for _, _, sent, _ in ana.gateway.owners.requests] == ["my card is ••••", "call +52 1 55 2000 0000"]


UNREADABLE = {
    "half": b"{",
    "not a number": b'{"comment": NaN}',
    "infinity": b'{"comment": 1e309}',
    "deep": b"[" * 50_000,
    "not UTF-8": b"\xff",
    "a form": b"comment=x",
    "70 kB": b'{"comment": "' + b"x" * 70_000,
}


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE)
async def test_a_malformed_body_is_not_forwarded(ana: Merchant, raw: bytes) -> None:
    async with ana.signed_in() as browser:
        answer = await browser.post(OF_GATEWAY, content=raw, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 413, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert ana.gateway.owners.requests == []


async def test_an_unreachable_service_is_reported_at_once_and_nothing_changes(ana: Merchant) -> None:
    ana.gateway.owners.answers["POST", OF_OWNER] = problem(503, "service_unavailable")
    async with ana.signed_in() as browser:
        answer = await browser.post(OF_GATEWAY, json={})
        assert (answer.status_code, answer.json()["code"]) == (503, "service_unavailable")
        assert await pending(browser) == []
        assert (await browser.get("/api/overview")).status_code == 200


async def test_after_a_failure_of_the_service_the_outcome_is_unknown(ana: Merchant) -> None:
    for failed in (problem(500, "internal_error"), PlainTextResponse("upstream connect error", 502)):
        ana.gateway.owners.answers["POST", OF_OWNER] = failed
        async with ana.signed_in() as browser:
            answer = await browser.post(OF_GATEWAY, json={})
            assert (answer.status_code, answer.json()["code"]) == (504, "outcome_unknown")
            assert await pending(browser) == []


async def test_card_entry_lists_what_is_owed(ana: Merchant) -> None:
    amount = {"amount_minor": 2999, "currency": "USD"}
    setup = {
        "setup_id": "setup-1",
        "frame_url": "http://localhost:4242/cards/setup-1",
        "due": [{"invoice_id": str(invoice_id(5)), "number": "TS-000005", "amount": amount}],
        "total": amount,
    }
    ana.gateway.owners.say("POST", SETUPS, 201, setup)
    async with ana.signed_in() as browser:
        answer = await browser.post("/api/payment-method/setup")
    assert (answer.status_code, answer.json()["total"]["text"]) == (201, "29.99 USD")
    [(_, _, sent, _)] = ana.gateway.owners.requests
    assert sent == {"locale": "es-419", "colour": "#1f57c3", "portal_origin": ana.gateway.url}


async def test_a_new_card_and_its_charges_are_pending(ana: Merchant) -> None:
    face = {"id": str(MASTERCARD.id), "brand": "mastercard", "last4": "4444", "exp_month": 1, "exp_year": 2030}
    charge = {"invoice_id": str(invoice_id(5)), "aggregate": f"payment-{invoice_id(5)}", "version": 3}
    updated = {"aggregate": f"wallet-{story.ANA}", "version": 2, "payment_method": face, "charges": [charge]}
    ana.gateway.owners.say("PUT", CARD, 200, updated)
    async with ana.signed_in() as browser:
        answer = await browser.put("/api/payment-method", json=NEW_CARD | {"charge_invoices": [str(invoice_id(5))]})
        assert (answer.status_code, answer.json()) == (200, updated)
        assert {it["kind"]: it["detail"] for it in await pending(browser)} == {
            "payment_method": face,
            "charge": {"invoice_id": str(invoice_id(5))},
        }
        await ana.tell(payments.PaymentMethodUpdated(payment_method=MASTERCARD))
        assert [it["kind"] for it in await pending(browser)] == ["charge"]


async def test_due_changed_is_forwarded_with_the_new_list(ana: Merchant) -> None:
    ana.gateway.owners.answers["PUT", CARD] = problem(409, "due_changed", due=[], total=None)
    async with ana.signed_in() as browser:
        answer = await browser.put("/api/payment-method", json=NEW_CARD)
    assert (answer.status_code, answer.json()["due"], answer.json()["total"]) == (409, [], None)


async def test_five_declined_cards_an_hour_are_the_limit(ana: Merchant) -> None:
    ana.gateway.owners.answers["PUT", CARD] = problem(402, "card_declined")
    async with ana.signed_in() as browser:
        answers = [await browser.put("/api/payment-method", json=NEW_CARD) for _ in range(6)]
    assert [answer.json()["code"] for answer in answers] == ["card_declined"] * 5 + ["too_many_requests"]
    assert len(ana.gateway.owners.requests) == 5


@pytest.mark.parametrize(
    "body",
    [{}, NEW_CARD | {"charge_invoices": ["x"]}, NEW_CARD | {"number": "4242424242424242"}, NEW_CARD | {"token": ""}],
    ids=["empty", "no invoice", "a card's number", "no token"],
)
async def test_there_is_no_field_for_a_card_number(ana: Merchant, body: Any) -> None:
    async with ana.signed_in() as browser:
        answer = await browser.put("/api/payment-method", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "4242424242424242" not in answer.text
    assert ana.gateway.owners.requests == []


async def test_limits_hold_for_concurrent_requests(ana: Merchant) -> None:
    ana.gateway.owners.say("POST", SETUPS, 201, {"setup_id": "s", "frame_url": "x", "due": [], "total": None})
    async with ana.signed_in() as browser:

        async def answered() -> int:
            """On a slow disk a count can wait longer than PostgreSQL allows; 503 then means that nothing was counted."""
            while (answer := await browser.post("/api/payment-method/setup")).status_code == 503:
                await asyncio.sleep(0.1)
            return answer.status_code

        assert sorted(await asyncio.gather(*(answered() for _ in range(65)))) == [201] * 60 + [429] * 5
