"""The overview follows from the public events of the services."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from billing_contracts import payments, shapes
from portal_gateway.application.customer_view import INVOICES_ON_THE_PAGE
from portal_gateway.application.presentation.invoices import STATUSES
from portal_gateway.application.presentation.price import PLUS_TAXES
from support.portal_gateway import story
from support.portal_gateway.gateway import Gateway, Merchant, record
from support.portal_gateway.story import MASTERCARD, VISA
from support.portal_page.sentences import spanish

HOUR_SECONDS = 3600
CLAUDIO = UUID("0190a000-0000-7000-8000-0000000000a2")


@pytest.fixture
async def ana(merchant: Merchant) -> Merchant:
    """Ana as in the specification, with the clock stopped at 20 May 2023."""
    offset = (datetime(2023, 5, 20, 12, tzinfo=UTC) - datetime.now(UTC)).total_seconds()
    await merchant.configured(clock_offset_seconds=offset)
    card = payments.PaymentMethodUpdated(payment_method=VISA)
    await merchant.tell(
        story.profile(), story.started(), story.renewal_due(5), card, story.issued(5), story.paid(5), story.renewed(5)
    )
    return merchant


async def overview(merchant: Merchant, **parameters: Any) -> dict[str, Any]:
    async with merchant.signed_in() as browser:
        answer = await browser.get("/api/overview", params=parameters)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_the_overview_matches_the_specification(ana: Merchant) -> None:
    shown = await overview(ana)
    assert shown["company"] == {
        "name": "TechSolutions Inc.",
        "logo_url": None,
        "colour": "#1f57c3",
        "contact_email": None,
        "terms_url": "https://techsolutions.example/terms",
        "privacy_url": None,
    }
    assert shown["customer"] == {"name": "Ana García", "email": "ana@example.com", "locale": "es-MX"}
    [subscription] = shown["subscriptions"]
    assert subscription["plan"]["name"] == "Premium Mensual"
    assert subscription["period_total"] == {"amount_minor": 2999, "currency": "USD", "text": "29.99 USD"}
    assert subscription["frequency_text"].startswith("29.99 USD")
    assert "14 de junio de 2023" in subscription["renewal_text"]
    assert subscription["renews_on"] == "2023-06-14"
    assert (shown["payment_method"]["brand"], shown["payment_method"]["last4"]) == ("visa", "4242")
    assert shown["payment_method"]["state"] == "valid"
    assert "12/2025" in shown["payment_method"]["text"]
    [invoice] = shown["invoices"]["items"]
    assert (invoice["status"], invoice["total"]["text"]) == ("paid", "29.99 USD")
    assert invoice["status_text"] == spanish(STATUSES["paid"])
    assert shown["invoices"]["next_cursor"] is None
    assert shown["pending"] == []


async def test_each_customer_sees_only_their_own(ana: Merchant) -> None:
    await ana.tell(story.profile("Claudio"), subject=f"customer-{CLAUDIO}", customer=CLAUDIO)
    async with ana.signed_in(CLAUDIO) as browser:
        shown = (await browser.get("/api/overview")).json()
        assert (shown["customer"]["name"], shown["subscriptions"], shown["payment_method"]) == ("Claudio", [], None)
        assert (await browser.get("/api/invoices")).json() == {"items": [], "next_cursor": None}
        answers = [await browser.get(f"/api/invoices/{id}") for id in (story.invoice_id(5), uuid4())]
        assert answers[0].status_code == answers[1].status_code == 404
        assert answers[0].json() == answers[1].json()


async def test_an_ended_subscriptions_unpaid_invoice_is_owed_until_it_is_paid_at_any_age(merchant: Merchant) -> None:
    await merchant.tell(story.profile(), story.started(), story.issued(4), story.past_due(4), story.cancelled(5, "keep"))
    for more in range(INVOICES_ON_THE_PAGE):
        newer = story.issued(5).model_copy(update={"number": f"TS-0001{more:02}"})
        await merchant.tell(newer, subject=f"invoice-{uuid4()}")
    assert (await overview(merchant))["subscriptions"][0]["debt"]["amount"]["amount_minor"] == 2999
    await merchant.tell(story.paid(4))
    shown = await overview(merchant)
    assert shown["subscriptions"][0]["debt"] is None
    assert len(shown["invoices"]["items"]) == INVOICES_ON_THE_PAGE


async def test_a_change_raises_the_revision_and_a_repetition_does_not(ana: Merchant) -> None:
    before = (await overview(ana))["revision"]
    changed = ana.envelope(payments.PaymentMethodUpdated(payment_method=MASTERCARD))
    for _ in range(2):
        await ana.gateway.feed(record(changed))
    assert (await overview(ana))["revision"] == before + 1


async def test_concurrent_batches_lose_no_changes(gateway: Gateway) -> None:
    merchant = await gateway.merchant()
    events: list[Any] = [story.profile(), story.started(), payments.PaymentMethodUpdated(payment_method=VISA), story.issued(5)]
    await asyncio.gather(*(merchant.tell(event) for event in events))
    shown = await overview(merchant)
    assert shown["customer"]["name"] == "Ana García"
    assert len(shown["subscriptions"]) == len(shown["invoices"]["items"]) == 1
    assert shown["payment_method"]["last4"] == "4242"


async def test_a_page_waits_for_the_event_of_its_customers_command(ana: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal_gateway.application.portal.WAIT_SECONDS_MAX", HOUR_SECONDS)
    async with ana.signed_in() as browser:

        async def later() -> None:
            await asyncio.sleep(0.3)
            await ana.tell(story.cancellation_scheduled(6))

        arriving = asyncio.create_task(later())
        shown = (await browser.get("/api/overview", params={"after": f"subscription-{story.SUBSCRIPTION}:4"})).json()
        await arriving
        assert shown["subscriptions"][0]["cancellation"]["effective_at"] == "2023-06-14T09:00:00Z"
        assert shown["subscriptions"][0]["renews_on"] is None


async def test_a_page_is_shown_without_an_event_that_does_not_arrive(ana: Merchant) -> None:
    async with ana.signed_in() as browser:
        answer = await browser.get("/api/overview", params={"after": f"subscription-{story.SUBSCRIPTION}:9"})
    assert answer.status_code == 200
    assert answer.json()["subscriptions"][0]["cancellation"] is None


@pytest.mark.parametrize("after", ["", "x", "subscription-1:2", f"subscription-{story.SUBSCRIPTION}:-1", "%00"])
async def test_an_invalid_position_is_not_waited_for(ana: Merchant, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal_gateway.application.portal.WAIT_SECONDS_MAX", HOUR_SECONDS)
    async with ana.signed_in() as browser:
        assert (await browser.get("/api/overview", params={"after": after})).status_code == 200


async def test_the_overview_has_the_age_of_its_facts(ana: Merchant) -> None:
    assert (await overview(ana))["stale"] is True  # no service has published a watermark yet
    note = """
        INSERT INTO freshness SELECT service, $1 FROM unnest('{subscriptions,payments,invoicing}'::text[]) AS service
        ON CONFLICT (service) DO UPDATE SET as_of = excluded.as_of
    """
    pool, now = ana.gateway.pool, datetime.now(UTC)
    await pool.execute(note, now)
    assert (await overview(ana))["stale"] is False
    await pool.execute("UPDATE freshness SET as_of = $1 WHERE service = 'payments'", now - timedelta(seconds=20))
    shown = await overview(ana)
    assert (shown["stale"], shown["as_of"]) == (True, (now - timedelta(seconds=20)).isoformat().replace("+00:00", "Z"))
    await pool.execute("DELETE FROM freshness")


async def test_the_tax_is_unknown_while_an_event_of_the_merchant_is_missing(ana: Merchant) -> None:
    known = (await overview(ana))["subscriptions"][0]["frequency_text"]
    ana.sequences[f"merchant-{ana.id}"] += 1
    await ana.configured(tax=shapes.Tax(name="IVA", rate_basis_points=2100))
    await ana.gateway.pool.execute(
        "UPDATE projection SET stale_since = stale_since - interval '6 s' WHERE merchant_id = $1 AND name = 'merchant'", ana.id
    )
    assert (await overview(ana))["subscriptions"][0]["frequency_text"] == spanish(PLUS_TAXES, price=known)


async def test_a_missing_event_makes_its_subscription_stale(ana: Merchant) -> None:
    ana.sequences[f"subscription-{story.SUBSCRIPTION}"] += 1
    await ana.tell(story.cancellation_scheduled(6))
    assert (await overview(ana))["subscriptions"][0]["stale"] is False
    await ana.gateway.pool.execute(
        "UPDATE projection SET stale_since = stale_since - interval '6 s' WHERE merchant_id = $1", ana.id
    )
    [subscription] = (await overview(ana))["subscriptions"]
    assert (subscription["stale"], subscription["cancellation"]) == (True, None)


async def test_the_language_is_the_customers_unless_the_request_names_another(ana: Merchant) -> None:
    assert "14 de junio" in (await overview(ana))["subscriptions"][0]["renewal_text"]
    assert "June 14" in (await overview(ana, lang="en"))["subscriptions"][0]["renewal_text"]


async def test_a_new_merchant_is_known_by_its_key(gateway: Gateway) -> None:
    merchant = await gateway.merchant()
    await merchant.tell(story.profile())
    await gateway.pool.execute("DELETE FROM projection WHERE merchant_id = $1 AND name = 'merchant'", merchant.id)
    assert (await overview(merchant))["company"]["name"] == "TechSolutions Inc."
