import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from uuid import UUID, uuid4

import pytest
from integration.subscriptions.conftest import PREMIUM, TECHSOLUTIONS, Shop, opened, registered
from integration.subscriptions.stack import PAYMENTS, Stack
from PIL import Image

from chassis.event_store.postgres_store import PostgresEventStore
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from subscriptions.adapters import rows
from subscriptions.application.aggregates import PLAN
from subscriptions.domain.period import Interval
from subscriptions.domain.plan.commands import Publish
from subscriptions.domain.plan.terms import Money, Plan
from support.service import OPERATOR

BEARER = {"authorization": f"Bearer {OPERATOR}"}


def picture(kind: str = "PNG", size: tuple[int, int] = (2000, 1000)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "#285cc2").save(out, kind)
    return out.getvalue()


async def test_a_merchant_gets_a_key_that_is_kept_only_as_a_hash(stack: Stack) -> None:
    merchant = await registered(stack)
    assert merchant["api_key"].startswith("sk_test_")
    assert (await stack.merchant(merchant["api_key"]).get("/v1/plans")).status_code == 200
    everything = await stack.written(merchant["id"])
    assert merchant["api_key"] not in everything
    assert hashlib.sha256(merchant["api_key"].encode()).hexdigest() in everything


async def test_a_registration_publishes_all_settings(stack: Stack) -> None:
    merchant = await registered(stack)
    event = (await stack.merchant(merchant["api_key"]).get(f"/v1/streams/merchant-{merchant['id']}")).json()["events"][0]
    assert (event["type"], event["time"]) == ("billing.subscriptions.MerchantConfigured.v1", "2023-01-14T06:00:00Z")
    data = event["data"]
    assert (data["name"], data["invoice_series"], data["sandbox"]) == ("TechSolutions Inc.", "TS", True)
    assert data["legal"] == {**TECHSOLUTIONS["legal"], "country": None}
    assert data["clock_offset_seconds"] < 0
    peer = stack.peer(PAYMENTS)
    known = (await peer.get(f"/v1/merchants/{merchant['id']}")).json()
    assert known == {"id": merchant["id"], **data}
    by_key = await peer.get(f"/v1/keys/{hashlib.sha256(merchant['api_key'].encode()).hexdigest()}")
    assert by_key.json() == known
    assert (await peer.get(f"/v1/keys/{'0' * 64}")).status_code == 404


async def test_a_note_on_invoices_is_set_kept_and_removed(stack: Stack) -> None:
    merchant = await registered(stack)
    http, url = stack.merchant(merchant["api_key"]), f"/v1/merchants/{merchant['id']}"
    note = "Operación no sujeta a IVA.\nExportación de servicios."
    assert (await http.patch(url, json={"invoice_note": note})).json()["invoice_note"] == note
    assert (await http.patch(url, json={"name": "Other"})).json()["invoice_note"] == note
    assert (await http.patch(url, json={"invoice_note": None})).json()["invoice_note"] is None


async def test_only_the_operator_registers_merchants(stack: Stack) -> None:
    merchant = await registered(stack)
    assert (await stack.http.post("/v1/merchants", json=TECHSOLUTIONS)).status_code == 401
    assert (await stack.merchant(merchant["api_key"]).post("/v1/merchants", json=TECHSOLUTIONS)).status_code == 403
    assert (await stack.merchant("sk_test_" + "A" * 43).get("/v1/plans")).status_code == 401


async def test_a_repeated_registration_gets_the_same_key(stack: Stack) -> None:
    headers = {**BEARER, "idempotency-key": "setup-1"}
    first = await stack.http.post("/v1/merchants", json=TECHSOLUTIONS, headers=headers)
    again = await stack.http.post("/v1/merchants", json=TECHSOLUTIONS, headers=headers)
    assert (first.status_code, first.json()) == (201, again.json())
    other = await stack.http.post("/v1/merchants", json={**TECHSOLUTIONS, "name": "Other"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "4242 4242 4242 4242"}, "/name"),
        ({"name": "a\u0000b"}, "/name"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone"),
        ({"locale": "spanish"}, "/locale"),
        ({"branding": {"colour": "blue"}}, "/branding/colour"),
        ({"branding": {"terms_url": "javascript:alert(1)"}}, "/branding/terms_url"),
        ({"branding": {"logo_media_id": "0" * 64}}, "/branding/logo_media_id"),
        ({"return_origins": ["https://shop.example", "https://shop.example/"]}, "/return_origins/1"),
        ({"return_origins": ["https://me@shop.example"]}, "/return_origins/0"),
        ({"return_origins": ["http://shop.example"]}, "/return_origins/0"),
        ({"return_origins": ["https://*"]}, "/return_origins/0"),
        ({"policies": {"retry_days": [3, 1]}}, "/policies/retry_days"),
        ({"policies": {"retry_days": [0]}}, "/policies/retry_days/0"),
        ({"policies": {"cancel_mode": "never"}}, "/policies/cancel_mode"),
        ({"legal": {"name": "X"}}, "/legal/address"),
        ({"legal": {**TECHSOLUTIONS["legal"], "country": "Mexico"}}, "/legal/country"),
        ({"invoice_note": "x" * 501}, "/invoice_note"),
        ({"clock_starts_at": "2023-01-14T06:00:00"}, "/clock_starts_at"),
        ({"clock_starts_at": 1}, "/clock_starts_at"),
        ({"clock_starts_at": "0001-01-01T00:00:00Z"}, "/clock_starts_at"),
        ({"invoice_series": "ts"}, "/invoice_series"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_an_invalid_merchant_is_refused_by_field(stack: Stack, changes: dict[str, object], pointer: str) -> None:
    before = await stack.pool.fetchval("SELECT count(*) FROM events")
    answer = await stack.http.post("/v1/merchants", json={**TECHSOLUTIONS, **changes}, headers=BEARER)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert await stack.pool.fetchval("SELECT count(*) FROM events") == before


async def test_a_live_merchant_has_the_walls_clock(stack: Stack) -> None:
    body = {**TECHSOLUTIONS, "sandbox": False}
    refused = await stack.http.post("/v1/merchants", json=body, headers=BEARER)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_a_sandbox")
    live = await stack.http.post("/v1/merchants", json={**body, "clock_starts_at": None}, headers=BEARER)
    assert live.json()["api_key"].startswith("sk_live_")
    http = stack.merchant(live.json()["api_key"])
    assert (await http.get("/v1/test-clock")).json()["code"] == "not_a_sandbox"
    assert (await http.post("/v1/test-clock/advance", json={"to": "2100-01-01T00:00:00Z"})).status_code == 403


async def test_a_merchant_changes_only_its_own_settings(stack: Stack) -> None:
    ours, theirs = await opened(stack), await opened(stack, name="Otra Casa")
    media = (await ours.http.post("/v1/media", content=picture())).json()["media_id"]
    changed = await ours.http.patch(f"/v1/merchants/{ours.id}", json={"branding": {"logo_media_id": media}})
    assert changed.json()["branding"]["logo_media_id"] == media
    assert changed.json()["branding"]["colour"] == "#285cc2"
    sites = ["https://shop.example", "http://localhost:3000"]
    changed = await ours.http.patch(f"/v1/merchants/{ours.id}", json={"return_origins": sites})
    assert changed.json()["return_origins"] == sites
    renamed = await ours.http.patch(f"/v1/merchants/{ours.id}", json={"locale": "es-AR"})
    assert renamed.json()["return_origins"] == sites
    foreign = await theirs.http.patch(f"/v1/merchants/{ours.id}", json={"name": "Hijacked"})
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")
    borrowed = await theirs.http.patch(f"/v1/merchants/{theirs.id}", json={"branding": {"logo_media_id": media}})
    assert borrowed.json()["errors"][0]["code"] == "unknown_media"
    assert (await ours.http.get(f"/v1/merchants/{ours.id}")).json()["name"] == "TechSolutions Inc."


async def test_changes_at_the_same_time_all_hold(shop: Shop) -> None:
    url, tax = f"/v1/merchants/{shop.id}", {"name": "IVA", "rate_basis_points": 1600, "inclusive": False}
    changes = ({"policies": {"cancel_mode": "immediately"}}, {"policies": {"retry_days": [2]}}, {"tax": tax})
    answers = await asyncio.gather(*(shop.http.patch(url, json=change) for change in changes))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    now = (await shop.http.get(url)).json()
    assert (now["policies"]["cancel_mode"], now["policies"]["retry_days"]) == ("immediately", [2])
    assert now["tax"] == tax


async def test_keys_are_rotated_without_a_gap(shop: Shop) -> None:
    old = hashlib.sha256(shop.key.encode()).hexdigest()[:16]
    last = await shop.http.delete(f"/v1/keys/key_{old}")
    assert (last.status_code, last.json()["code"]) == (409, "last_key")
    new = (await shop.http.post("/v1/keys")).json()
    renewed = shop.stack.merchant(new["api_key"])
    assert (await renewed.delete(f"/v1/keys/key_{old}")).status_code == 204
    assert (await shop.http.get("/v1/plans")).status_code == 401
    assert (await renewed.get("/v1/plans")).status_code == 200


async def test_keys_are_listed_without_their_secrets(shop: Shop) -> None:
    new = (await shop.http.post("/v1/keys")).json()
    old = f"key_{hashlib.sha256(shop.key.encode()).hexdigest()[:16]}"
    listed = await shop.stack.merchant(new["api_key"]).get("/v1/keys")
    assert listed.json() == {
        "items": [
            {"id": old, "scopes": ["*"], "revoked": False, "current": False},
            {"id": new["id"], "scopes": ["*"], "revoked": False, "current": True},
        ],
        "next_cursor": None,
    }
    assert (await shop.http.delete(f"/v1/keys/{new['id']}")).status_code == 204
    assert [key["revoked"] for key in (await shop.http.get("/v1/keys")).json()["items"]] == [False, True]
    ana = shop.stack.customer(shop.id, shop.ana)
    assert (await ana.get("/v1/keys")).status_code == 403


async def test_a_repeated_issue_shows_the_same_key(shop: Shop) -> None:
    headers = {"idempotency-key": "rotation-7"}
    first, again = [await shop.http.post("/v1/keys", headers=headers) for _ in range(2)]
    assert (first.status_code, first.json()) == (201, again.json())
    assert (await shop.stack.merchant(first.json()["api_key"]).get("/v1/plans")).status_code == 200
    assert len((await shop.http.get("/v1/keys")).json()["items"]) == 2
    other = await shop.http.post("/v1/keys", headers=headers, content=b"{}")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    elsewhere = await opened(shop.stack)
    assert (await elsewhere.http.post("/v1/keys", headers=headers)).json()["api_key"] != first.json()["api_key"]
    everything = await shop.stack.pool.fetchval("SELECT string_agg(t::text, '') FROM idempotency t")
    assert first.json()["api_key"] not in everything + await shop.stack.written(shop.id)
    await shop.stack.pool.execute("DELETE FROM idempotency WHERE key = 'rotation-7'")  # as after a day
    assert (await shop.http.post("/v1/keys", headers=headers)).json() == first.json()


async def test_a_merchant_cannot_have_keys_without_end(shop: Shop) -> None:
    answers = [await shop.http.post("/v1/keys") for _ in range(20)]
    assert [answer.status_code for answer in answers] == [201] * 19 + [409]
    assert answers[-1].json()["code"] == "too_many_keys"
    assert (await shop.http.delete(f"/v1/keys/{answers[0].json()['id']}")).status_code == 204
    assert (await shop.http.post("/v1/keys")).status_code == 201


@pytest.mark.parametrize("id", ["a%00b", "key_0", "key_" + "A" * 16, "key_" + "0" * 16 + "%0A"])
async def test_an_id_that_no_key_can_have_is_a_clear_error(shop: Shop, id: str) -> None:
    for headers in ({}, {"idempotency-key": "rotation-1"}):
        answer = await shop.http.delete(f"/v1/keys/{id}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/path/id"]


async def test_a_picture_is_encoded_again_and_shown_to_services(shop: Shop) -> None:
    uploaded = await shop.http.post("/v1/media", content=picture("JPEG"))
    assert uploaded.status_code == 201
    id = uploaded.json()["media_id"]
    assert uploaded.json() == {"media_id": id, "width": 512, "height": 256}
    shown = await shop.stack.peer().get(f"/v1/media/{id}")
    assert shown.headers["content-type"] == "image/webp"
    assert hashlib.sha256(shown.content).hexdigest() == id
    other = await opened(shop.stack, name="Otra Casa")
    assert (await other.http.get(f"/v1/media/{id}")).status_code == 404


@pytest.mark.parametrize(
    "content",
    [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\nbroken", picture("GIF", (9, 9)), picture()[:200]],
)
async def test_content_that_is_not_a_picture_is_refused(shop: Shop, content: bytes) -> None:
    answer = await shop.http.post("/v1/media", content=content)
    assert (answer.status_code, answer.json()["code"]) == (422, "not_a_picture")
    assert answer.json()["title"] == "Only PNG, JPEG and WebP pictures are taken, each as the whole body"


async def test_the_content_type_of_an_upload_is_ignored(shop: Shop) -> None:
    types = [None, "image/png", "image/svg+xml", "application/octet-stream", "application/x-www-form-urlencoded", "text/html"]
    ids = set()
    for kind in types:
        answer = await shop.http.post("/v1/media", content=picture(), headers={"content-type": kind} if kind else {})
        assert answer.status_code == 201
        ids.add(answer.json()["media_id"])
    assert len(ids) == 1
    for wrapped in ({"files": {"file": ("logo.png", picture(), "image/png")}}, {"json": {"data": "iVBORw0KGgo="}}):
        assert (await shop.http.post("/v1/media", **wrapped)).json()["code"] == "not_a_picture"


async def test_a_decompression_bomb_is_refused_with_a_reason(shop: Shop) -> None:
    answer = await shop.http.post("/v1/media", content=picture(size=(5000, 5000)))
    assert (answer.status_code, answer.json()["code"]) == (422, "too_many_pixels")


async def test_an_upload_repeated_under_its_key_is_one(shop: Shop) -> None:
    first, again = [await shop.http.post("/v1/media", content=picture(), headers={"idempotency-key": "logo"}) for _ in range(2)]
    other = await shop.http.post("/v1/media", content=picture("JPEG"), headers={"idempotency-key": "logo"})
    assert (first.status_code, again.json()) == (201, first.json())
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_only_a_merchant_uploads_pictures(shop: Shop) -> None:
    answer = await shop.stack.merchant("sk_test_" + "x" * 43).post("/v1/media", content=picture())
    assert answer.status_code == 401


async def test_a_picture_of_more_than_a_mebibyte_is_refused(shop: Shop) -> None:
    assert (await shop.http.post("/v1/media", content=b"x" * (1024 * 1024 + 1))).status_code == 413


async def test_plans_are_listed_page_by_page(shop: Shop) -> None:
    for name in ("Básico", "Total"):
        assert (await shop.http.post("/v1/plans", json={**PREMIUM, "name": name})).status_code == 201
    first = (await shop.http.get("/v1/plans", params={"limit": 2})).json()
    rest = (await shop.http.get("/v1/plans", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [plan["name"] for plan in (*first["items"], *rest["items"])] == ["Premium Mensual", "Básico", "Total"]
    assert rest["next_cursor"] is None
    assert (await shop.http.get("/v1/plans", params={"limit": -1})).status_code == 422
    tampered = await shop.http.get("/v1/plans", params={"cursor": first["next_cursor"][:-2] + "AA"})
    assert (tampered.status_code, tampered.json()["code"]) == (422, "invalid_cursor")


@pytest.mark.parametrize(
    "changes",
    [
        {"price": {"amount_minor": 29.99, "currency": "USD"}},
        {"price": {"amount_minor": "2999", "currency": "USD"}},
        {"price": {"amount_minor": 0, "currency": "USD"}},
        {"price": {"amount_minor": 2**63, "currency": "USD"}},
        {"price": {"amount_minor": 2999, "currency": "usd"}},
        {"interval": {"unit": "fortnight"}},
        {"interval": {"unit": "month", "count": 0}},
        {"tax": {"name": "IVA", "rate_basis_points": 10_001}},
        {"image_media_id": "f" * 64},
        {"description": "pay with 4000-0000-0000-0341"},
        {"trial_days": 14},
    ],
)
async def test_a_plan_that_cannot_be_is_refused(shop: Shop, changes: dict[str, object]) -> None:
    answer = await shop.http.post("/v1/plans", json={**PREMIUM, **changes})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


NOT_SOLD = ["XXX", "XTS", "XUA", "XSU", "XDR", "XAU", "XAG", "CHE", "CHW", "COU", "MXV", "USN", "BOV", "UYI", "ZZZ", "HRK"]


@pytest.mark.parametrize("currency", NOT_SOLD)
async def test_a_plan_in_what_is_no_currency_is_refused(shop: Shop, currency: str) -> None:
    answer = await shop.http.post("/v1/plans", json={**PREMIUM, "price": {"amount_minor": 2999, "currency": currency}})
    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [("/price/currency", "unknown_currency")]
    assert len((await shop.http.get("/v1/plans")).json()["items"]) == 1


@pytest.mark.parametrize("currency", ["CLF", "UYW", "JPY", "KWD", "XCG"])
async def test_a_plan_in_a_currency_of_any_number_of_decimals_is_sold(shop: Shop, currency: str) -> None:
    price = {"amount_minor": 29_990, "currency": currency}
    answer = await shop.http.post("/v1/plans", json={**PREMIUM, "price": price})
    assert (answer.status_code, answer.json()["price"]) == (201, price)
    assert (await shop.subscribe(plan_id=answer.json()["id"]))["plan"]["price"] == price


async def test_the_price_of_a_period_is_limited_with_quantity_and_tax(shop: Shop) -> None:
    plan = (
        await shop.http.post("/v1/plans", json={**PREMIUM, "price": {"amount_minor": 999_999_999_999, "currency": "EUR"}})
    ).json()
    order = {"customer_id": shop.ana, "plan_id": plan["id"], "quantity": 9_007}
    headers = {"idempotency-key": "dear"}
    refused, again = [
        await shop.http.post("/v1/subscriptions", json={**order, "quantity": 9_008}, headers=headers) for _ in range(2)
    ]
    assert (refused.status_code, refused.json()["code"]) == (422, "amount_too_large")
    assert "9007199254740991" in refused.json()["title"]
    assert again.json() == refused.json()
    started = await shop.http.post("/v1/subscriptions", json=order, headers={"idempotency-key": "fits"})
    assert started.status_code == 201
    merchant = f"/v1/merchants/{shop.id}"
    tax = {"name": "IVA", "rate_basis_points": 1}
    for harmless in ({**tax, "inclusive": True}, {**tax, "rate_basis_points": 0}):
        assert (await shop.http.patch(merchant, json={"tax": harmless})).status_code == 200
    refused = await shop.http.patch(merchant, json={"tax": tax})
    assert (refused.status_code, refused.json()["code"]) == (422, "amount_too_large")
    assert (await shop.http.get(merchant)).json()["tax"]["rate_basis_points"] == 0
    ended = await shop.http.post(f"/v1/subscriptions/{started.json()['id']}/cancellation", json={"mode": "immediately"})
    assert ended.status_code == 202
    assert (await shop.http.patch(merchant, json={"tax": tax})).status_code == 200
    assert (await shop.http.post("/v1/subscriptions", json=order)).json()["code"] == "amount_too_large"
    repeated = await shop.http.post("/v1/subscriptions", json=order, headers={"idempotency-key": "fits"})
    assert repeated.json() == started.json(), "what was answered stays answered"


async def test_an_old_plan_with_an_invalid_currency_is_readable_and_cannot_be_sold(shop: Shop) -> None:
    await published_before(shop, "XXX")
    (_, plan) = (await shop.http.get("/v1/plans")).json()["items"]
    assert (await shop.http.get(f"/v1/plans/{plan['id']}")).json() == plan
    assert plan["price"] == {"amount_minor": 2999, "currency": "XXX"}
    refused = await shop.http.post("/v1/subscriptions", json={"customer_id": shop.ana, "plan_id": plan["id"]})
    assert (refused.status_code, refused.json()["code"]) == (422, "currency_not_sold")


async def published_before(shop: Shop, currency: str) -> None:
    """A plan in a code that was taken by an earlier version."""
    plan = Plan(uuid4(), "Premium Mensual", "Suscripción", Money(2999, currency), Interval("month"))
    async with PostgresEventStore(shop.stack.pool) as store:
        handler = CommandHandler(store, replace(PLAN, rows=rows.of_plan))
        await handler.handle(Context.beginning(UUID(shop.id), "test"), plan.id, Publish(plan, datetime(2023, 1, 14, tzinfo=UTC)))
