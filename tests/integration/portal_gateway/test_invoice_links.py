"""Links to one invoice: creating, opening and revoking them, and everything that their sessions cannot reach."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from starlette.responses import Response

from billing_contracts import payments
from portal_gateway.application.shared_invoices import BY_CUSTOMER
from support.portal_gateway import story
from support.portal_gateway.gateway import Gateway, Merchant, problem

MAY, JUNE = story.invoice_id(5), story.invoice_id(6)
AMOUNT = {"amount_minor": 2999, "currency": "USD"}
CARD = {"brand": "visa", "last4": "0341"}
PERIOD = {"start": "2023-05-14T00:00:00Z", "end": "2023-06-14T00:00:00Z"}
INVOICE: dict[str, Any] = {
    "id": str(MAY),
    "number": "TS-000005",
    "customer_id": str(story.ANA),
    "subscription_id": str(story.SUBSCRIPTION),
    "issued_on": "2023-05-14",
    "status": "failed",
    "period": PERIOD,
    "period_time_zone": "America/Mexico_City",
    "time_zone": "America/Mexico_City",
    "paid_at": None,
    "total": AMOUNT,
    "net_total": AMOUNT,
    "tax_total": {"amount_minor": 0, "currency": "USD"},
    "tax": None,
    "seller": {"name": "TechSolutions Inc.", "address": "1 Main St"},
    "bill_to": {"name": "Empresa de Ana", "address": "Calle 5", "email": "ana@example.com", "purchase_order": "PO-17"},
    "lines": [
        {"plan_name": "Plan de mayo", "description": "", "period": PERIOD, "quantity": 1, "unit_price": AMOUNT, "total": AMOUNT}
    ],
    "payment_method": CARD,
    "movements": [{"kind": "failed_attempt", "date": "2023-05-14", "reason": "insufficient_funds", "payment_method": CARD}],
}
OTHER_DATA = ("ana@example.com", "PO-17", "0341", "••••", "TS-000006", str(JUNE), "Premium", "insufficient", str(story.ANA))
"""Data of the customer that a payer must not see."""
ALLOWED = {
    ("GET", "/shared-invoice"),
    ("GET", "/shared-invoice/pdf"),
    ("GET", "/shared-invoice/payment"),
    ("GET", "/shared-invoice/confirmation"),
    ("POST", "/shared-invoice/logout"),
    ("GET", "/api/shared-invoice"),
    ("POST", "/api/shared-invoice/setup"),
    ("POST", "/api/shared-invoice/payment"),
    ("POST", "/api/shared-invoice/authentication"),
}
PUBLIC = {
    *(("GET", path) for path in ("/enter", "/ended", "/shared-invoice/closed", "/health/live", "/health/ready", "/metrics")),
    *(("HEAD", path) for path in ("/enter",)),
    *(("GET", path) for path in ("/static/{name}", "/theme/{name}", "/media/{sha256}.webp")),
    *(("POST", path) for path in ("/enter", "/api/session", "/logout")),
}
"""Routes without a session: they open one, end one, or show nothing of a customer."""


@pytest.fixture
async def ana(merchant: Merchant) -> Merchant:
    """A merchant with the customer Ana, who has a card and owes two invoices."""
    await merchant.tell(story.profile(), story.started(), story.issued(5), story.issued(6))
    await merchant.tell(payments.PaymentMethodUpdated(payment_method=story.VISA))
    owners = merchant.gateway.owners
    owners.say("GET", f"/v1/invoices/{MAY}", 200, INVOICE)
    owners.answers["GET", f"/v1/invoices/{MAY}/pdf"] = Response(b"%PDF-1.7", media_type="application/pdf")
    return merchant


async def created(merchant: Merchant, invoice: UUID = MAY, key: str | None = None, **fields: Any) -> httpx.Response:
    async with merchant.back_end() as api:
        headers = {"idempotency-key": key} if key else {}
        return await api.post("/v1/invoice-links", json={"invoice_id": str(invoice), **fields}, headers=headers)


async def link_of(merchant: Merchant) -> str:
    return str((await created(merchant)).json()["url"])


async def refused(gateway: Gateway, link: str) -> None:
    async with gateway.browser() as browser:
        answer = await browser.post("/api/session", json={"token": link})
    assert (answer.status_code, answer.json()["code"]) == (401, "link_refused")
    assert "set-cookie" not in answer.headers


@asynccontextmanager
async def payer(merchant: Merchant, link: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A browser with the session of an invoice link."""
    async with merchant.gateway.browser() as browser:
        entered = await browser.post("/api/session", json={"token": link or await link_of(merchant)})
        assert (entered.status_code, entered.headers["content-location"]) == (204, "/shared-invoice")
        browser.headers["cookie"] = entered.headers["set-cookie"].partition(";")[0]
        browser.headers["x-csrf-token"] = (await browser.get("/api/shared-invoice")).json()["csrf"]
        yield browser


async def test_a_link_shows_its_invoice_as_often_as_it_is_opened(ana: Merchant) -> None:
    answer = await created(ana)
    assert answer.status_code == 201
    assert re.fullmatch(rf"{re.escape(ana.gateway.url)}/enter\?invoice#[0-9a-f-]{{36}}\.[\w-]{{43}}", answer.json()["url"])
    for _ in range(2):
        async with payer(ana, answer.json()["url"]) as browser:
            page = await browser.get("/shared-invoice")
            assert page.status_code == 200
            assert all(text in page.text for text in ("TS-000005", "Plan de mayo", "Empresa de Ana", "29.99"))
            pdf = await browser.get("/shared-invoice/pdf")
            assert (pdf.content, pdf.headers["content-type"]) == (b"%PDF-1.7", "application/pdf")


async def test_its_answers_contain_no_other_data_of_the_customer(ana: Merchant) -> None:
    due = {"due": [{"invoice_id": str(MAY), "number": "TS-000005", "amount": AMOUNT}], "total": AMOUNT}
    setup = {"setup_id": str(uuid4()), "frame_url": "http://cards.example/cards/1", **due}
    ana.gateway.owners.say("POST", "/v1/one-time-payments/setups", 201, setup)
    async with payer(ana) as browser:
        answers = [await browser.get(path) for path in ("/shared-invoice", "/shared-invoice/payment", "/api/shared-invoice")]
        answers.append(await browser.post("/api/shared-invoice/setup", json={}))
        for answer in answers:
            assert answer.status_code in (200, 201)
            assert not [text for text in OTHER_DATA if text in answer.text], answer.request.url
        assert not [text for text in OTHER_DATA if text in str(answers[0].headers)]
    assert answers[2].json()["status"] == "open"


def routes_of(gateway: Gateway) -> Iterator[tuple[str, str]]:
    """All methods and paths of the gateway."""
    for route in iter_route_contexts(gateway.app.routes):
        for method in route.methods or ():
            yield method, str(route.path_format)


async def test_a_session_reaches_nothing_but_its_invoice(ana: Merchant) -> None:
    gateway, reached = ana.gateway, set[tuple[str, str]]()
    routes = set(routes_of(gateway))
    assert routes >= ALLOWED
    assert {("GET", "/"), ("GET", "/api/overview"), ("GET", "/api/stream"), ("GET", "/export.{format}")} <= routes
    values = {
        **{name: str(MAY) for name in ("invoice_id", "link_id", "customer_id", "method_id", "credit_note_id")},
        "subscription_id": str(story.SUBSCRIPTION),
        "format": "csv",
        "action": "remove",
    }
    async with payer(ana) as browser:
        for method, path in sorted(routes - ALLOWED - PUBLIC):
            if path == "/{path}":
                path = "/no/such/page"
            address = path.format_map(values)
            answer = await browser.request(method, address, params={"format": "csv"} if "export" in path else None)
            if answer.status_code not in (401, 403, 404, 405):
                reached.add((method, path))
            assert not [text for text in OTHER_DATA if text in answer.text], address
        assert (await browser.get("/shared-invoice")).status_code == 200
    assert reached == set()
    paths = [path for _, path, _, _ in gateway.owners.requests]
    assert set(paths) <= {f"/v1/invoices/{MAY}"}


async def test_the_session_and_a_portal_session_do_not_end_or_replace_each_other(ana: Merchant) -> None:
    link = await link_of(ana)
    async with ana.signed_in() as browser:
        portal = browser.headers["cookie"]
        entered = await browser.post("/api/session", json={"token": link})
        both = f"{portal}; {entered.headers['set-cookie'].partition(';')[0]}"
        browser.headers["cookie"] = both
        assert (await browser.get("/api/session")).status_code == 200
        assert (await browser.get("/api/shared-invoice")).status_code == 200
        secret = both.rpartition("=")[2]
        browser.headers["cookie"] = f"__Host-portal={secret}"
        assert (await browser.get("/api/session")).status_code == 401
        browser.headers["cookie"] = portal.replace("__Host-portal", "__Host-invoice")
        assert (await browser.get("/api/shared-invoice")).status_code == 401


async def test_only_hashes_are_stored(ana: Merchant) -> None:
    link = await link_of(ana)
    async with payer(ana, link) as browser:
        cookie = browser.headers["cookie"].partition("=")[2]
    for table in ("invoice_link", "invoice_session", "idempotency"):
        rows = await ana.gateway.pool.fetch(f"SELECT it::text AS it FROM {table} it")
        assert not [row for row in rows if link.rpartition(".")[2] in row["it"] or cookie in row["it"]]


async def test_tampered_expired_revoked_and_unknown_links_get_the_same_answer(ana: Merchant) -> None:
    link = await link_of(ana)
    last = "A" if link[-1] != "A" else "E"
    await refused(ana.gateway, link[:-1] + last)
    await refused(ana.gateway, f"{ana.gateway.url}/enter?invoice#{uuid4()}.{link.rpartition('.')[2]}")
    async with payer(ana, link) as browser:
        await ana.gateway.pool.execute("UPDATE invoice_link SET expires_at = now() WHERE merchant_id = $1", ana.id)
        await refused(ana.gateway, link)
        assert (await browser.get("/shared-invoice")).status_code == 200  # as with portal links: a session outlives the expiry


async def test_revoking_a_link_ends_its_sessions(ana: Merchant) -> None:
    answer = (await created(ana)).json()
    async with payer(ana, answer["url"]) as browser, ana.back_end() as api:
        assert (await api.delete(f"/v1/invoice-links/{answer['id']}")).status_code == 204
        page = await browser.get("/shared-invoice")
        assert (page.status_code, 'data-code="not_opened"' in page.text) == (401, True)
        refusal = await browser.get("/api/shared-invoice")
        assert (refusal.status_code, refusal.json()["code"]) == (401, "invoice_session_required")
        [listed] = (await api.get("/v1/invoice-links", params={"invoice_id": str(MAY)})).json()["items"]
        assert listed["revoked_at"]
        assert listed["used_at"]
        assert (await api.delete(f"/v1/invoice-links/{uuid4()}")).status_code == 404
    await refused(ana.gateway, answer["url"])


async def test_revoking_all_links_of_a_customer_revokes_invoice_links_of_no_other_customer(ana: Merchant) -> None:
    link, other, of_claudio = await link_of(ana), uuid4(), uuid4()
    ana.gateway.owners.say("GET", f"/v1/invoices/{other}", 200, INVOICE | {"id": str(other), "customer_id": str(of_claudio)})
    link_of_claudio = (await created(ana, other)).json()["url"]
    async with payer(ana, link) as browser, ana.back_end() as api, ana.gateway.browser() as another:
        assert (await api.delete("/v1/portal-links", params={"customer_id": str(story.ANA)})).status_code == 204
        assert (await browser.get("/api/shared-invoice")).json()["code"] == "invoice_session_required"
        await refused(ana.gateway, link)
        assert (await another.post("/api/session", json={"token": link_of_claudio})).status_code == 204


async def test_another_merchant_neither_creates_nor_lists_nor_revokes(ana: Merchant, gateway: Gateway) -> None:
    answer, other = (await created(ana)).json(), await gateway.merchant()
    gateway.owners.answers.clear()
    assert (await created(other)).status_code == 404
    async with other.back_end() as api:
        assert (await api.get("/v1/invoice-links", params={"invoice_id": str(MAY)})).status_code == 404
        assert (await api.delete(f"/v1/invoice-links/{answer['id']}")).status_code == 404


async def test_an_invoice_that_has_not_arrived_is_looked_up(merchant: Merchant) -> None:
    assert (await created(merchant)).status_code == 404
    merchant.gateway.owners.say("GET", f"/v1/invoices/{MAY}", 200, INVOICE)
    assert (await created(merchant)).status_code == 201


async def test_a_repetition_gets_the_same_link(ana: Merchant) -> None:
    first, again = await created(ana, key="k"), await created(ana, key="k")
    assert first.json() == again.json()
    assert (await created(ana, key="k", locale="en")).status_code == 422
    assert (await created(ana, expires_in=30 * 86_400 + 1)).status_code == 422


async def test_the_customer_creates_and_revokes_links_to_own_invoices_only(ana: Merchant) -> None:
    async with ana.signed_in() as browser:
        answer = await browser.post(f"/api/invoices/{MAY}/links")
        assert answer.status_code == 201
        async with payer(ana, answer.json()["url"]):
            pass
        assert (await browser.post(f"/api/invoices/{JUNE}/links")).status_code == 404  # the invoicing service does not know it
        page = await browser.post(f"/invoices/{MAY}/link", data={"csrf": browser.headers["x-csrf-token"]})
        assert f"{ana.gateway.url}/enter?invoice#" in page.text
        assert (await browser.post(f"/invoices/{MAY}/link", data={"csrf": "x"})).status_code == 409
        assert (await browser.delete(f"/api/invoices/{JUNE}/links")).status_code == 404
        assert (await browser.delete(f"/api/invoices/{MAY}/links")).status_code == 204
    await refused(ana.gateway, answer.json()["url"])
    creators = await ana.gateway.pool.fetch("SELECT DISTINCT created_by FROM invoice_link WHERE merchant_id = $1", ana.id)
    assert [row["created_by"] for row in creators] == [BY_CUSTOMER]


async def test_a_customer_creates_a_limited_number_of_links(ana: Merchant) -> None:
    async with ana.signed_in() as browser:
        statuses = [(await browser.post(f"/api/invoices/{MAY}/links")).status_code for _ in range(21)]
    assert statuses == [201] * 20 + [429]


async def test_a_payment_is_passed_on_for_this_invoice_only(ana: Merchant) -> None:
    begun = {"id": str(uuid4()), "invoice_id": str(MAY), "aggregate": f"payment-{MAY}", "version": 3, "due": [], "total": AMOUNT}
    card = {"id": str(uuid4()), "brand": "visa", "last4": "1111", "exp_month": 12, "exp_year": 2030}
    ana.gateway.owners.say("POST", "/v1/one-time-payments", 201, {**begun, "payment_method": card})
    body = {"setup_id": str(uuid4()), "token": "tok", **AMOUNT}
    async with payer(ana) as browser:
        assert (await browser.post("/api/shared-invoice/payment", json={**body, "invoice_id": str(JUNE)})).status_code == 422
        answer = await browser.post("/api/shared-invoice/payment", json=body, headers={"idempotency-key": "k"})
        assert answer.status_code == 201
        assert answer.json()["card"] == {"brand": "visa", "last4": "1111"}
        sent = [(body, headers) for _, path, body, headers in ana.gateway.owners.requests if path == "/v1/one-time-payments"]
        assert [request for request, _ in sent] == [{**body, "invoice_id": str(MAY)}]
        assert sent[0][1]["idempotency-key"] == "k"
        shown = (await browser.get("/api/shared-invoice")).json()
        assert (shown["status"], shown["payable"]) == ("processing", False)
        assert (await browser.get("/shared-invoice/payment")).status_code == 303
        browser.headers["x-csrf-token"] = "x" * 43
        assert (await browser.post("/api/shared-invoice/payment", json=body)).status_code == 409


async def test_the_session_that_pays_confirms_its_charge_at_the_bank_and_no_other_does(ana: Merchant) -> None:
    asks = story.charge(payments.PaymentAuthenticationRequired, 5, until="2026-11-30T12:15:00Z")
    charge = str(asks.charge_id)  # type: ignore[attr-defined]
    begun = {"id": charge, "invoice_id": str(MAY), "aggregate": f"payment-{MAY}", "version": 2, "due": [], "total": AMOUNT}
    card = {"id": str(uuid4()), "brand": "visa", "last4": "3184", "exp_month": 12, "exp_year": 2030}
    owners, path = ana.gateway.owners, f"/v1/one-time-payments/{charge}/authentication"
    owners.say("POST", "/v1/one-time-payments", 201, {**begun, "payment_method": card})
    owners.say("POST", path, 201, {"setup_id": str(uuid4()), "frame_url": f"http://cards.example/cards/1/confirm/{charge}"})
    async with payer(ana) as browser, payer(ana) as other:
        nothing = await browser.post("/api/shared-invoice/authentication")
        assert (nothing.status_code, nothing.json()["code"]) == (404, "not_found")
        body = {"setup_id": str(uuid4()), "token": "tok", **AMOUNT}
        assert (await browser.post("/api/shared-invoice/payment", json=body)).status_code == 201
        assert (await browser.get("/shared-invoice/confirmation")).status_code == 303
        await ana.tell(story.charge(payments.PaymentStarted, 5), asks)
        states = [(await each.get("/api/shared-invoice")).json() for each in (browser, other)]
        assert [(state["status"], state["authenticate_until"]) for state in states] == [
            ("processing", "2026-11-30T12:15:00Z"),
            ("processing", None),
        ]
        pages = [(await each.get("/shared-invoice/confirmation")).status_code for each in (browser, other)]
        assert pages == [200, 303]
        answers = [await each.post("/api/shared-invoice/authentication") for each in (browser, other)]
        assert [answer.status_code for answer in answers] == [201, 404]
        assert answers[0].json()["frame_url"].endswith(f"/confirm/{charge}")
        [sent] = [body for _, called, body, _ in owners.requests if called == path]
        assert (sent["locale"], sent["portal_origin"]) == ("es-419", ana.gateway.url)


async def test_refused_payments_change_nothing_and_declined_cards_are_limited(ana: Merchant) -> None:
    body = {"setup_id": str(uuid4()), "token": "tok", **AMOUNT}
    owners = ana.gateway.owners
    async with payer(ana) as browser:
        more = {"due": [{"invoice_id": str(MAY), "number": "TS-000005", "amount": AMOUNT}], "total": AMOUNT}
        owners.answers["POST", "/v1/one-time-payments"] = problem(409, "amount_changed", **more)
        changed = await browser.post("/api/shared-invoice/payment", json=body)
        assert (changed.status_code, changed.json()["lines"][0]["amount_text"]) == (409, "29.99 USD")
        owners.answers["POST", "/v1/one-time-payments"] = problem(402, "card_declined")
        answers = [await browser.post("/api/shared-invoice/payment", json=body) for _ in range(6)]
        assert [answer.status_code for answer in answers] == [402] * 5 + [429]
        assert (await browser.get("/api/shared-invoice")).json()["status"] == "open"


@pytest.mark.parametrize("status", ["paid", "void", "uncollectible", "refunded"])
async def test_a_settled_invoice_has_no_button(ana: Merchant, status: str) -> None:
    settled = {**INVOICE, "status": status, "paid_at": "2023-05-20T12:00:00Z"}
    async with payer(ana) as browser:
        ana.gateway.owners.say("GET", f"/v1/invoices/{MAY}", 200, settled)
        await ana.gateway.pool.execute("DELETE FROM projection WHERE merchant_id = $1 AND name = 'invoice'", ana.id)
        page = (await browser.get("/shared-invoice")).text
        assert 'id="pay"' not in page
        assert f'data-shared="{status}"' in page
        assert not json.loads((await browser.get("/api/shared-invoice")).text)["payable"]
        assert (await browser.get("/shared-invoice/payment")).status_code == 303


async def test_previews_do_not_use_a_link_and_the_token_stays_out_of_requests(ana: Merchant) -> None:
    link = await link_of(ana)
    async with ana.gateway.browser() as browser:
        for method in ("HEAD", "GET"):
            answer = await browser.request(method, link)
            assert (answer.status_code, answer.headers["referrer-policy"]) == (200, "no-referrer")
        used = await ana.gateway.pool.fetchval("SELECT count(used_at) FROM invoice_link WHERE merchant_id = $1", ana.id)
        assert used == 0
        entered = await browser.post("/enter", data={"link": link})
        assert (entered.status_code, entered.headers["location"]) == (303, "/shared-invoice")


async def test_a_refusal_has_no_navigation_to_the_portal(ana: Merchant) -> None:
    async with payer(ana) as browser:
        ana.gateway.owners.answers["GET", f"/v1/invoices/{MAY}"] = problem(503, "service_unavailable")
        page = await browser.get("/shared-invoice")
        assert page.status_code == 503
        assert 'href="/shared-invoice"' in page.text
        assert not [place for place in ('action="/logout"', 'href="/"', "live.js", "data-csrf") if place in page.text]


async def test_logging_out_ends_the_session(ana: Merchant) -> None:
    async with payer(ana) as browser:
        csrf = browser.headers.pop("x-csrf-token")
        assert (await browser.post("/shared-invoice/logout", data={"csrf": "x" * 43})).status_code == 409
        left = await browser.post("/shared-invoice/logout", data={"csrf": csrf})
        assert (left.status_code, left.headers["location"]) == (303, "/shared-invoice/closed")
        assert "Max-Age=0" in left.headers["set-cookie"]
        assert (await browser.get("/shared-invoice")).status_code == 401
        assert (await browser.get("/shared-invoice/closed")).status_code == 200


async def test_erasing_the_customer_deletes_links_and_sessions(ana: Merchant) -> None:
    async with payer(ana) as browser:
        await ana.erase()
        assert (await browser.get("/shared-invoice")).status_code == 401
    for table in ("invoice_link", "invoice_session"):
        assert not await ana.gateway.pool.fetchval(f"SELECT count(*) FROM {table} WHERE merchant_id = $1", ana.id)
