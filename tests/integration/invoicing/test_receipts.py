"""Receipts over HTTP, on a real database."""

from uuid import UUID, uuid4

import pytest
from integration.invoicing.stack import PLAN, Shop, Stack, month, period

from billing_contracts.invoicing import invoice_id
from billing_contracts.money import Money
from support.invoicing.pdf_documents import opened, text

ANA, LUIS, SUBSCRIPTION, FREE = uuid4(), uuid4(), uuid4(), uuid4()
PAID, OWED = (invoice_id(SUBSCRIPTION, period(n)) for n in (0, 1))


def receipt(invoice: UUID = PAID) -> str:
    return f"/v1/invoices/{invoice}/receipt/pdf"


def shown(pdf: bytes) -> str:
    return text(pdf).replace("\u00a0", " ")


@pytest.fixture
async def history(stack: Stack, shop: Shop) -> Shop:
    """Ana has paid the first invoice and owes the second."""
    await stack.deliver(shop.profile(ANA), shop.profile(LUIS))
    await stack.deliver(shop.due(SUBSCRIPTION, ANA, 0), shop.due(SUBSCRIPTION, ANA, 1))
    await stack.deliver(shop.failed(SUBSCRIPTION, ANA, 1), shop.succeeded(SUBSCRIPTION, ANA, 0))
    return shop


async def test_a_paid_invoice_has_a_receipt_for_merchant_and_customer(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http, stack.customer(history, ANA) as portal:
        answer, own = await http.get(receipt()), await portal.get(receipt())
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["content-disposition"] == 'inline; filename="recibo-TS-000001.pdf"'
    assert answer.content == own.content
    assert len(opened(answer.content).pages) == 1
    for part in ("Recibo", "TS-000001", "14 de enero de 2020", "Visa •••• 4242", "ch_1", "29.99 USD", "Ana García"):
        assert part in shown(answer.content)


async def test_a_receipt_shows_each_refund_once_it_is_made(stack: Stack, history: Shop) -> None:
    body = {"reason": "customer_request", "amount": {"amount_minor": 1000, "currency": "USD"}}
    async with stack.merchant(history) as http:
        note = (await http.post(f"/v1/invoices/{PAID}/credit-notes", json=body)).json()
        requested = (await http.get(receipt())).content
        await stack.deliver(history.refund_of(note, ANA))
        refunded = (await http.get(receipt())).content
    assert "TS-NC-000001" not in shown(requested)
    for part in ("re_1", "TS-NC-000001", "-10.00 USD", "19.99 USD"):
        assert part in shown(refunded)


async def test_the_payment_of_a_void_invoice_has_a_receipt_with_its_refund(stack: Stack, history: Shop) -> None:
    await stack.deliver(history.cancelled(SUBSCRIPTION, ANA, month(1), open_invoices="void"))
    await stack.deliver(history.succeeded(SUBSCRIPTION, ANA, 1), history.refunded(SUBSCRIPTION, ANA, 1))
    async with stack.merchant(history) as http:
        assert (await http.get(f"/v1/invoices/{OWED}")).json()["status"] == "void"
        document = shown((await http.get(receipt(OWED))).content)
    assert "-29.99 USD" in document
    assert "0.00 USD" in document


async def test_without_a_payment_there_is_no_receipt(stack: Stack, history: Shop) -> None:
    free = invoice_id(FREE, period(0))
    nothing = Money(amount_minor=0, currency="USD")
    await stack.deliver(history.due(FREE, ANA, 0, plan=PLAN.model_copy(update={"price": nothing})))
    await stack.deliver(history.succeeded(FREE, ANA, 0, amount=nothing, payment_method=None))
    async with stack.merchant(history) as http:
        assert (await http.get(f"/v1/invoices/{free}")).json()["status"] == "paid"
        for invoice in (OWED, free, uuid4()):
            answer = await http.get(receipt(invoice))
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert (await http.get("/v1/invoices/none/receipt/pdf")).status_code == 422


async def test_a_receipt_of_others_is_not_found(stack: Stack, history: Shop) -> None:
    other = Shop("OT")
    await stack.deliver(other.configured())
    async with stack.customer(history, LUIS) as luis, stack.merchant(other) as http:
        assert (await luis.get(receipt())).status_code == 404
        assert (await http.get(receipt())).status_code == 404


async def test_after_the_erasure_the_receipt_has_no_buyer(stack: Stack, history: Shop) -> None:
    await stack.rows(history, "DELETE FROM customer_keys WHERE merchant_id = $1")
    async with stack.merchant(history) as http:
        document = (await http.get(receipt())).content
    assert "Ana García" not in shown(document)
    assert "29.99 USD" in shown(document)
