import asyncio
import json
from uuid import uuid4

import pytest
from integration.invoicing.stack import PLAN, PRICE, Shop, Stack, month, period

from billing_contracts.invoicing import invoice_id
from billing_contracts.shapes import Tax

ANA, LUIS = uuid4(), uuid4()


async def test_a_renewal_becomes_an_invoice_event_without_the_buyer(stack: Stack, shop: Shop) -> None:
    subscription = uuid4()
    await stack.deliver(shop.profile(ANA), shop.due(subscription, ANA))
    (issued,) = await stack.announced(shop)
    assert issued.subject == f"invoice-{invoice_id(subscription, period(0))}"
    assert (issued.time, issued.customerid, issued.sequence) == (month(0), ANA, 1)
    assert (issued.data["number"], issued.data["issued_on"], issued.data["period_number"]) == ("TS-000001", "2020-01-14", 1)
    assert issued.data["total"] == {"amount_minor": 2999, "currency": "USD"}
    assert issued.data["seller"]["tax_id"] == "TSO010203AB4"
    ((body, value),) = await stack.rows(shop, "SELECT body::text, convert_from(value, 'utf8') FROM events WHERE merchant_id = $1")
    assert not any(personal in body + value for personal in ("Ana", "Mayor", "ana@"))


async def test_the_cause_is_followed(stack: Stack, shop: Shop) -> None:
    due = shop.due(uuid4(), ANA)
    await stack.deliver(shop.profile(ANA), due)
    cause = json.loads(due.value or b"")
    (issued,) = await stack.announced(shop)
    assert (str(issued.causationid), str(issued.correlationid)) == (cause["id"], cause["correlationid"])


async def test_an_invoice_keeps_the_note_and_the_purchase_order_with_which_it_was_issued(stack: Stack) -> None:
    shop, subscription = Shop("NT"), uuid4()
    await stack.deliver(shop.configured(invoice_note="Operación no sujeta."))
    await stack.deliver(shop.profile(ANA, country="ES", purchase_order="OC-1"), shop.due(subscription, ANA))
    await stack.deliver(shop.configured(2, invoice_note=None), shop.profile(ANA, 2, purchase_order="OC-2"))
    (issued,) = await stack.announced(shop)
    assert issued.data["note"] == "Operación no sujeta."
    async with stack.merchant(shop) as http:
        shown = (await http.get(f"/v1/invoices/{invoice_id(subscription, period(0))}")).json()
    buyer = shown["bill_to"]
    assert (shown["note"], buyer["country"], buyer["purchase_order"]) == ("Operación no sujeta.", "ES", "OC-1")


async def test_a_repeated_renewal_has_one_invoice(stack: Stack, shop: Shop) -> None:
    subscription, other = uuid4(), uuid4()
    first = shop.due(subscription, ANA)
    await stack.deliver(shop.profile(ANA), first, first)
    await stack.deliver(first, shop.due(subscription, ANA))  # the same event, and another one with the same content
    await stack.deliver(shop.due(other, ANA, 1))
    assert await stack.numbers(shop) == [("TS-000001", "2020-01-14"), ("TS-000002", "2020-02-14")]


async def test_an_invoice_waits_until_the_customers_revision_is_known(stack: Stack, shop: Shop) -> None:
    subscription = uuid4()
    await stack.deliver(shop.profile(ANA, 1), shop.due(subscription, ANA, revision=2), shop.due(uuid4(), LUIS))
    assert await stack.announced(shop) == []
    await stack.deliver(shop.profile(LUIS))
    assert len(await stack.announced(shop)) == 1
    await stack.deliver(shop.profile(ANA, 3, name="Ana García López"))
    assert [n for n, _ in await stack.numbers(shop)] == ["TS-000001", "TS-000002"]
    async with stack.merchant(shop) as http:
        shown = (await http.get(f"/v1/invoices/{invoice_id(subscription, period(0))}")).json()
    assert shown["bill_to"]["name"] == "Ana García López"
    assert await stack.count(shop, "parked_issues") == 0


async def test_an_invoice_waits_until_the_merchant_is_known(stack: Stack) -> None:
    shop = Shop("EJ")
    await stack.deliver(shop.profile(ANA), shop.due(uuid4(), ANA))
    assert await stack.announced(shop) == []
    await stack.deliver(shop.configured())
    assert await stack.numbers(shop) == [("EJ-000001", "2020-01-14")]


async def test_profile_and_renewal_that_arrive_at_the_same_moment_do_not_miss_each_other(stack: Stack, shop: Shop) -> None:
    customers = [uuid4() for _ in range(30)]
    deliveries = [
        stack.deliver(record) for customer in customers for record in (shop.due(uuid4(), customer), shop.profile(customer))
    ]
    await asyncio.gather(*deliveries)
    assert [n for n, _ in await stack.numbers(shop)] == [f"TS-{n:06d}" for n in range(1, 31)]


async def test_concurrent_issuing_leaves_no_gap_and_dates_never_go_back(stack: Stack, shop: Shop) -> None:
    other = Shop("OT")
    await stack.deliver(other.configured(), shop.profile(ANA), other.profile(ANA))
    batches = [
        [merchant.due(uuid4(), ANA, (7 * batch + n) % 40) for n in range(5) for merchant in (shop, other)] for batch in range(8)
    ]
    await asyncio.gather(*(stack.deliver(*batch) for batch in batches))
    for merchant in (shop, other):
        numbers = await stack.numbers(merchant)
        assert [n for n, _ in numbers] == [f"{merchant.series}-{n:06d}" for n in range(1, 41)]
        days = [day for _, day in numbers]
        assert days == sorted(days)


async def test_a_renewal_that_sells_nothing_takes_no_number(stack: Stack, shop: Shop) -> None:
    await stack.deliver(shop.profile(ANA), shop.due(uuid4(), ANA, quantity=0), shop.due(uuid4(), ANA))
    assert [n for n, _ in await stack.numbers(shop)] == ["TS-000001"]
    assert await stack.count(shop, "bill_to") == 1


async def test_the_plans_tax_goes_before_the_merchants(stack: Stack, shop: Shop) -> None:
    await stack.deliver(shop.profile(ANA), shop.configured(2, tax=Tax(name="IVA", rate_basis_points=1600)))
    taxed = PLAN.model_copy(update={"tax": Tax(name="IEPS", rate_basis_points=800, inclusive=True)})
    await stack.deliver(shop.due(uuid4(), ANA), shop.due(uuid4(), ANA, plan=taxed))
    first, second = sorted((it.data for it in await stack.announced(shop)), key=lambda data: str(data["number"]))
    assert (first["tax"]["name"], first["tax_total"]["amount_minor"], first["total"]["amount_minor"]) == ("IVA", 480, 3479)
    assert (second["tax"]["name"], second["tax_total"]["amount_minor"], second["total"]["amount_minor"]) == ("IEPS", 222, 2999)


async def test_an_outcome_of_a_charge_is_the_invoices(stack: Stack, shop: Shop) -> None:
    subscription = uuid4()
    await stack.deliver(shop.profile(ANA), shop.due(subscription, ANA))
    failed, succeeded = shop.failed(subscription, ANA), shop.succeeded(subscription, ANA)
    await stack.deliver(failed, succeeded, failed)
    await stack.deliver(succeeded)
    published = [it.type.split(".")[2] for it in await stack.announced(shop)]
    assert published == ["InvoiceIssued", "InvoicePaymentFailed", "InvoicePaid"]
    rows = await stack.rows(shop, "SELECT version, status, settled_at FROM invoices WHERE merchant_id = $1")
    assert rows == [(3, "paid", month(0))]


async def test_cancelling_voids_what_is_open_and_nothing_that_is_paid(stack: Stack, shop: Shop) -> None:
    subscription = uuid4()
    await stack.deliver(shop.profile(ANA), shop.due(subscription, ANA, 0), shop.due(subscription, ANA, 1), shop.due(uuid4(), ANA))
    await stack.deliver(shop.succeeded(subscription, ANA, 0))
    await stack.deliver(shop.cancelled(subscription, ANA, month(2)))
    voided = [it for it in await stack.announced(shop) if it.type.endswith("InvoiceVoided.v1")]
    assert [it.subject for it in voided] == [f"invoice-{invoice_id(subscription, period(1))}"]
    assert (voided[0].time, voided[0].data["reason"]) == (month(2), "subscription_cancelled")


async def test_cancelling_with_the_debt_kept_voids_nothing(stack: Stack, shop: Shop) -> None:
    subscription = uuid4()
    await stack.deliver(shop.profile(ANA), shop.due(subscription, ANA))
    await stack.deliver(shop.cancelled(subscription, ANA, month(2), open_invoices="keep"))
    assert len(await stack.announced(shop)) == 1


async def test_a_renewal_cancelled_before_its_invoice_gets_none(stack: Stack, shop: Shop) -> None:
    parked, hasty = uuid4(), uuid4()
    await stack.deliver(shop.due(parked, LUIS))
    await stack.deliver(shop.profile(ANA), shop.due(hasty, ANA), shop.cancelled(hasty, ANA, month(0)))
    await stack.deliver(shop.cancelled(parked, LUIS, month(1)), shop.profile(LUIS))
    assert await stack.announced(shop) == []
    assert await stack.count(shop, "parked_issues") == 0


async def test_a_refunded_payment_of_a_void_invoice_sums_to_zero(stack: Stack, shop: Shop) -> None:
    subscription = uuid4()
    await stack.deliver(shop.profile(ANA), shop.due(subscription, ANA))
    await stack.deliver(shop.cancelled(subscription, ANA, month(1)))
    await stack.deliver(shop.succeeded(subscription, ANA), shop.refunded(subscription, ANA))
    rows = await stack.rows(shop, "SELECT kind, total FROM movements WHERE merchant_id = $1 ORDER BY position")
    assert rows == [("invoice", 2999), ("void", -2999), ("payment", -2999), ("refund", 2999)]
    assert await stack.rows(shop, "SELECT status FROM invoices WHERE merchant_id = $1") == [("void",)]


@pytest.mark.parametrize("order", ["cancelled first", "both at once", "paid first"])
async def test_the_invoice_of_a_given_up_period_stays_void_in_any_order_of_topics(stack: Stack, shop: Shop, order: str) -> None:
    subscription = uuid4()
    await stack.deliver(shop.profile(ANA), shop.due(subscription, ANA))
    records = shop.cancelled(subscription, ANA, month(0), unpaid_period=period(0)), shop.succeeded(subscription, ANA)
    if order == "both at once":
        await stack.deliver(*records)
    else:
        for record in records if order == "cancelled first" else reversed(records):
            await stack.deliver(record)
    await stack.deliver(shop.refunded(subscription, ANA))
    assert await stack.rows(shop, "SELECT status FROM invoices WHERE merchant_id = $1") == [("void",)]
    assert (await stack.announced(shop))[-1].type == "billing.invoicing.InvoiceVoided.v1"
    assert await stack.rows(shop, "SELECT sum(total) FROM movements WHERE merchant_id = $1") == [(0,)]


async def test_a_charge_of_another_amount_pays_nothing(stack: Stack, shop: Shop) -> None:
    subscription = uuid4()
    await stack.deliver(shop.profile(ANA), shop.due(subscription, ANA))
    await stack.deliver(shop.succeeded(subscription, ANA, amount=PRICE.model_copy(update={"amount_minor": 1})))
    assert len(await stack.announced(shop)) == 1


async def test_an_erased_customer_keeps_what_the_law_keeps_and_is_forgotten_elsewhere(stack: Stack, shop: Shop) -> None:
    subscription = uuid4()
    await stack.deliver(shop.profile(ANA), shop.due(subscription, ANA), shop.due(uuid4(), LUIS))
    await stack.deliver(shop.erased(ANA), shop.erased(LUIS))
    assert await stack.rows(shop, "SELECT aggregate FROM projection WHERE merchant_id = $1 AND name = 'customer'") == []
    assert await stack.count(shop, "parked_issues") == 0
    async with stack.merchant(shop) as http:
        shown = (await http.get(f"/v1/invoices/{invoice_id(subscription, period(0))}")).json()
    assert shown["bill_to"]["name"] == "Ana García"


async def test_reading_everything_again_after_an_erasure_changes_nothing(stack: Stack, shop: Shop) -> None:
    subscription = uuid4()
    batches = [[shop.profile(ANA), shop.due(subscription, ANA)], [shop.succeeded(subscription, ANA)], [shop.erased(ANA)]]
    for batch in batches:
        await stack.deliver(*batch)
    before = await stack.announced(shop)
    for batch in batches:
        await stack.deliver(*batch)
    assert await stack.announced(shop) == before
    assert await stack.count(shop, "movements") == 2


async def test_no_name_is_readable_without_the_key(stack: Stack, shop: Shop) -> None:
    await stack.deliver(shop.profile(ANA), shop.due(uuid4(), ANA))
    ((sealed,),) = await stack.rows(shop, "SELECT sealed FROM bill_to WHERE merchant_id = $1")
    assert b"Ana" not in sealed
    assert b"Mayor" not in sealed
