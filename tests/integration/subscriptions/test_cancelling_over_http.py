import asyncio
import json
from typing import Any
from uuid import UUID

import pytest
from integration.subscriptions.conftest import Shop, opened
from integration.subscriptions.stack import Stack


async def active(shop: Shop) -> str:
    started = await shop.subscribe()
    await shop.advance("2023-01-20T00:00:00Z")
    return str(started["id"])


async def test_cancelling_twice_answers_the_same(shop: Shop) -> None:
    url = f"/v1/subscriptions/{await active(shop)}/cancellation"
    first, again = await shop.http.post(url, json={}), await shop.http.post(url, json={"feedback": "other"})
    assert (first.status_code, first.json()) == (202, again.json())


async def test_the_same_key_gives_the_same_answer_also_to_a_refusal(shop: Shop) -> None:
    url = f"/v1/subscriptions/{await active(shop)}/cancellation"
    headers = {"idempotency-key": "withdraw"}
    refused = await shop.http.delete(url, headers=headers)
    await shop.http.post(url, json={})
    again = await shop.http.delete(url, headers=headers)
    assert (refused.status_code, refused.json()) == (409, again.json())
    keyed = {"idempotency-key": "cancel"}
    answers = await asyncio.gather(*(shop.http.post(url, json={}, headers=keyed) for _ in range(3)))
    assert {answer.text for answer in answers} == {answers[0].text}
    other = await shop.http.post(url, json={"feedback": "unused"}, headers=keyed)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_immediately_ends_it_now(shop: Shop) -> None:
    id = await active(shop)
    answer = await shop.http.post(f"/v1/subscriptions/{id}/cancellation", json={"mode": "immediately"})
    assert (answer.json()["mode"], answer.json()["effective_at"][:10]) == ("immediately", "2023-01-20")
    assert (await shop.read(id))["status"] == "canceled"
    over = await shop.http.post(f"/v1/subscriptions/{id}/cancellation", json={})
    assert (over.status_code, over.json()["code"]) == (409, "already_cancelled")
    preview = await shop.http.get(f"/v1/subscriptions/{id}/cancellation/preview")
    assert preview.json()["code"] == "already_cancelled"
    withdrawn = await shop.http.delete(f"/v1/subscriptions/{id}/cancellation")
    assert withdrawn.json()["code"] == "already_cancelled"


async def test_the_merchants_policy_decides_without_a_mode(stack: Stack) -> None:
    shop = await opened(stack, policies={"cancel_mode": "immediately", "unpaid_renewal_on_cancel": "keep"})
    stack.verdict = lambda *_: "insufficient_funds"
    id = (await shop.subscribe())["id"]
    await shop.advance("2023-01-14T12:00:00Z")
    preview = (await shop.http.get(f"/v1/subscriptions/{id}/cancellation/preview")).json()
    assert (preview["mode"], preview["open_amount"], preview["open_invoices"]) == (
        "immediately",
        {"amount_minor": 2999, "currency": "USD"},
        "keep",
    )
    await shop.http.post(f"/v1/subscriptions/{id}/cancellation")
    events = (await shop.http.get(f"/v1/streams/subscription-{id}")).json()["events"]
    assert events[-1]["data"]["open_invoices"] == "keep"


async def test_the_cause_names_the_canceller(shop: Shop) -> None:
    id = await active(shop)
    ana = shop.stack.customer(shop.id, shop.ana)
    await ana.post(f"/v1/subscriptions/{id}/cancellation", json={"mode": "immediately", "feedback": "too_expensive"})
    events = (await shop.http.get(f"/v1/streams/subscription-{id}")).json()["events"]
    assert (events[-1]["data"]["cause"], events[-1]["data"]["feedback"]) == ("customer", "too_expensive")
    assert events[-1]["customerid"] == shop.ana


@pytest.mark.parametrize(
    "body",
    [
        {"mode": "someday"},
        {"feedback": "bored"},
        {"comment": "x" * 501},
        {"comment": 7},
        {"effective_at": "2030-01-01T00:00:00Z"},
    ],
)
async def test_a_cancellation_that_cannot_be_changes_nothing(shop: Shop, body: dict[str, Any]) -> None:
    id = await active(shop)
    answer = await shop.http.post(f"/v1/subscriptions/{id}/cancellation", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert (await shop.read(id))["cancellation"] is None


async def test_any_text_is_accepted_as_a_comment(shop: Shop) -> None:
    id = await active(shop)
    comment = "<script>alert(1)</script> 👋🏽\r\nأهلا \u200e+52 1 55 2000 0000"
    answer = await shop.http.post(f"/v1/subscriptions/{id}/cancellation", json={"comment": comment})
    assert (answer.status_code, "card_number_removed" in answer.json()) == (202, False)
    assert await shop.stack.comments(shop.id) == [comment.replace("\r\n", "\n")]


@pytest.mark.parametrize(
    ("comment", "stored"),
    [
        ("nul\x00 \u202eolleh\u202c", "nul olleh"),
        ("cut\ud83d", "cut"),
        ("", None),
        (" \u200b\u3164 ", None),
        ("a\rb", "a\nb"),
    ],
    ids=ascii,
)
async def test_characters_that_cannot_be_stored_do_not_stop_a_cancellation(shop: Shop, comment: str, stored: str | None) -> None:
    id = await active(shop)
    sent: dict[str, Any] = {"content": json.dumps({"comment": comment}), "headers": {"content-type": "application/json"}}
    assert (await shop.http.post(f"/v1/subscriptions/{id}/cancellation", **sent)).status_code == 202
    assert (await shop.read(id))["cancellation"]
    assert await shop.stack.comments(shop.id) == ([stored] if stored else [])


async def test_a_card_number_is_removed_from_a_comment_and_reported(shop: Shop) -> None:
    id = await active(shop)
    sent: dict[str, Any] = {
        "json": {"comment": "my card is 4242.4242.4242.4242 12/30 737"},
        "headers": {"idempotency-key": "once"},
    }
    answers = [await shop.http.post(f"/v1/subscriptions/{id}/cancellation", **sent) for _ in range(2)]
    assert [(each.status_code, each.json()["card_number_removed"]) for each in answers] == [(202, True)] * 2
    assert await shop.stack.comments(shop.id) == ["my card is ••••"]
    assert "4242.4242" not in await shop.stack.written(shop.id)  # four digits alone occur in random ids


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"{", 400), (b'{"feedback": NaN}', 422), (b"[]", 422), (b'"x"', 422), (b"x" * 70_000, 413)],
)
async def test_a_body_that_cannot_be_read_is_a_problem(shop: Shop, content: bytes, status: int) -> None:
    id = await active(shop)
    headers = {"content-type": "application/json"}
    answer = await shop.http.post(f"/v1/subscriptions/{id}/cancellation", content=content, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": 0},
        {"quantity": 1.5},
        {"quantity": True},
        {"started_at": "2023-01-14"},
        {"started_at": "1999-12-31T23:59:59Z"},
        {"customer_id": "ana"},
        {"price": 1},
    ],
)
async def test_a_start_that_cannot_be_is_refused(shop: Shop, changes: dict[str, Any]) -> None:
    body = {"customer_id": shop.ana, "plan_id": shop.plan, **changes}
    answer = await shop.http.post("/v1/subscriptions", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a_start_in_the_future_is_refused(shop: Shop) -> None:
    body = {"customer_id": shop.ana, "plan_id": shop.plan, "started_at": "2023-02-01T00:00:00Z"}
    assert (await shop.http.post("/v1/subscriptions", json=body)).json()["code"] == "start_in_the_future"


async def test_a_repeated_start_starts_one(shop: Shop) -> None:
    headers = {"idempotency-key": "start"}
    body = {"customer_id": shop.ana, "plan_id": shop.plan}
    first, again = [await shop.http.post("/v1/subscriptions", json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, first.json()) == (201, again.json())
    count = "SELECT count(*) FROM subscriptions WHERE merchant_id = $1"
    assert await shop.stack.pool.fetchval(count, UUID(shop.id)) == 1


async def test_a_cancellation_that_meets_the_boundary_is_decided_on_one_stream(shop: Shop) -> None:
    ids = [(await shop.subscribe())["id"] for _ in range(8)]
    await shop.advance("2023-02-14T05:59:50Z")

    async def cancel(id: str, after: float) -> int:
        await asyncio.sleep(after)
        return (await shop.http.post(f"/v1/subscriptions/{id}/cancellation", json={})).status_code

    answers = await asyncio.gather(*(cancel(id, 0.004 * n) for n, id in enumerate(ids)), shop.advance("2023-02-14T07:00:00Z"))
    assert answers[:8] == [202] * 8
    await shop.advance("2023-04-01T00:00:00Z")
    for id in ids:
        published = (await shop.event_names(f"subscription-{id}"))[3:]
        assert (await shop.read(id))["status"] == "canceled"
        assert published[-1] == "SubscriptionCancelled", "nothing follows the end"
        assert published.count("SubscriptionRenewalDue") == published.count("SubscriptionRenewed") <= 1


async def test_cancelling_an_unpaid_subscription_shows_no_access_that_has_ended(stack: Stack) -> None:
    """The preview, the answer and the event have one date: that of the last retry, as published when the charge failed."""
    shop = await opened(stack, policies={"retry_days": [1], "when_retries_end": "unpaid"})
    id = (await shop.subscribe())["id"]
    await shop.advance("2023-02-01T00:00:00Z")
    stack.verdict = lambda *_: "card_declined"
    await shop.advance("2023-03-20T12:00:00Z")
    events = (await shop.http.get(f"/v1/streams/subscription-{id}")).json()["events"]
    (announced,) = {event["data"]["access_until"] for event in events if event["type"].endswith("SubscriptionPastDue.v1")}
    ana = shop.stack.customer(shop.id, shop.ana)
    preview = (await ana.get(f"/v1/subscriptions/{id}/cancellation/preview")).json()
    assert (preview["mode"], preview["access_until"], preview["open_invoices"]) == ("immediately", announced, "void")
    assert preview["effective_at"] > "2023-03-20T12" > preview["access_until"]
    answer = await ana.post(f"/v1/subscriptions/{id}/cancellation")
    assert answer.json()["access_until"] == announced
    last = (await shop.http.get(f"/v1/streams/subscription-{id}")).json()["events"][-1]["data"]
    assert (last["access_until"], last["effective_at"]) == (announced, answer.json()["effective_at"])


async def test_a_scheduled_cancellation_can_be_brought_forward_after_a_preview(shop: Shop) -> None:
    id = await active(shop)
    ana = shop.stack.customer(shop.id, shop.ana)
    promised = (await ana.post(f"/v1/subscriptions/{id}/cancellation")).json()
    preview = (await ana.get(f"/v1/subscriptions/{id}/cancellation/preview", params={"mode": "immediately"})).json()
    assert (preview["mode"], preview["paid_until"], preview["open_amount"]) == ("immediately", promised["effective_at"], None)
    ended = (await ana.post(f"/v1/subscriptions/{id}/cancellation", json={"mode": "immediately"})).json()
    assert ended["mode"] == "immediately"
    assert ended["access_until"] == ended["effective_at"] < promised["effective_at"]
    assert (await shop.read(id))["status"] == "canceled"
