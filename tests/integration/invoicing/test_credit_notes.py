"""Credit notes over HTTP, on a real database."""

import asyncio
import csv
import io
import json
import zipfile
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient, Response
from integration.invoicing.stack import Shop, Stack, period, running

from billing_contracts.invoicing import CreditNoteIssued, invoice_id
from billing_contracts.shapes import Tax
from invoicing.adapters.exporting.wording import words_for
from support.invoicing.pdf_documents import text

ANA, LUIS, SUBSCRIPTION = uuid4(), uuid4(), uuid4()
PAID, OWED = (invoice_id(SUBSCRIPTION, period(n)) for n in (0, 1))


@pytest.fixture
async def history(stack: Stack, shop: Shop) -> Shop:
    """Ana has paid the first invoice and owes the second."""
    await stack.deliver(shop.profile(ANA), shop.profile(LUIS))
    await stack.deliver(shop.due(SUBSCRIPTION, ANA, 0), shop.due(SUBSCRIPTION, ANA, 1))
    await stack.deliver(shop.succeeded(SUBSCRIPTION, ANA, 0))
    return shop


async def credit(http: AsyncClient, invoice: UUID = PAID, minor: int | None = None, key: str | None = None) -> Response:
    amount = {"amount": {"amount_minor": minor, "currency": "USD"}} if minor is not None else {}
    headers = {"idempotency-key": key} if key else {}
    return await http.post(f"/v1/invoices/{invoice}/credit-notes", json={"reason": "customer_request"} | amount, headers=headers)


async def test_a_part_then_the_rest_of_a_paid_invoice_is_credited(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http:
        first, rest = await credit(http, minor=1000), await credit(http)
        whole = (await http.get(f"/v1/invoices/{PAID}")).json()
        assert (await credit(http)).json()["code"] == "nothing_to_credit"
    assert (first.status_code, rest.status_code) == (201, 201)
    assert (first.json()["number"], rest.json()["number"]) == ("TS-NC-000001", "TS-NC-000002")
    assert [each.json()["total"]["amount_minor"] for each in (first, rest)] == [-1000, -1999]
    assert first.json()["refund"]["status"] == "requested"
    assert (whole["status"], whole["credited"]["amount_minor"]) == ("paid", 2999)
    assert [note["number"] for note in whole["credit_notes"]] == ["TS-NC-000001", "TS-NC-000002"]
    notes = [(it["kind"], it["detail"], it["amount"]["amount_minor"], it["reference"]) for it in whole["movements"][2:]]
    assert notes == [("void", "credit_note", -1000, "TS-NC-000001"), ("void", "credit_note", -1999, "TS-NC-000002")]
    published = [it for it in await stack.announced(history) if it.type == CreditNoteIssued.TYPE]
    assert [it.data["number"] for it in published] == ["TS-NC-000001", "TS-NC-000002"]


async def test_a_repeated_request_is_one_credit_note(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http:
        answers = await asyncio.gather(*(credit(http, minor=1000, key="once") for _ in range(5)))
        other = await credit(http, minor=1001, key="once")
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].status_code == 201
    assert other.json()["code"] == "idempotency_key_reused"
    assert await stack.count(history, "credit_notes") == 1


async def test_refused_requests_change_nothing(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http:
        for answer, status, code in (
            (await credit(http, OWED), 409, "invoice_unpaid"),
            (await credit(http, minor=3000), 409, "credit_exceeds_invoice"),
            (await credit(http, uuid4()), 404, "not_found"),
            (await credit(http, minor=0), 422, "invalid_request"),
            (await credit(http, minor=-5), 422, "invalid_request"),
            (await credit(http, minor=2**60), 422, "invalid_request"),
            (await http.post(f"/v1/invoices/{PAID}/credit-notes", json={"reason": "because"}), 422, "invalid_request"),
            (await http.post(f"/v1/invoices/{PAID}/credit-notes", json={}), 422, "invalid_request"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        euros = {"reason": "goodwill", "amount": {"amount_minor": 1, "currency": "EUR"}}
        answer = await http.post(f"/v1/invoices/{PAID}/credit-notes", json=euros)
        assert answer.json()["code"] == "credit_exceeds_invoice"
        await http.post(f"/v1/invoices/{OWED}/void")
        assert (await credit(http, OWED)).json()["code"] == "invoice_void"
    assert await stack.count(history, "credit_notes") == 0
    assert [name for (name,) in await stack.rows(history, "SELECT name FROM series WHERE merchant_id = $1")] == ["TS"]


async def test_requests_at_once_never_credit_more_than_the_invoice(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http:
        answers = await asyncio.gather(*(credit(http, minor=1000) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, *[409] * 6]
    assert await stack.rows(history, "SELECT credited FROM invoices WHERE merchant_id = $1 AND credited > 0") == [(2000,)]


async def paid_invoices(stack: Stack, shop: Shop, count: int) -> list[UUID]:
    invoices = []
    for n in range(count):
        subscription = uuid4()
        await stack.deliver(shop.due(subscription, ANA, n))
        await stack.deliver(shop.succeeded(subscription, ANA, n))
        invoices.append(invoice_id(subscription, period(n)))
    return invoices


async def test_numbers_have_no_gap_when_two_processes_credit_many_invoices_at_once(stack: Stack, history: Shop) -> None:
    """Each process reads the last number before it writes: the one that comes second finds it taken, and takes the next."""
    invoices = await paid_invoices(stack, history, 12)
    async with running(stack.database) as other, stack.merchant(history) as here, other.merchant(history) as there:
        refused = await asyncio.gather(*(credit(here, invoice, 5000) for invoice in invoices[:4]))
        halves = (here, invoices[:6]), (there, invoices[6:])
        answers = await asyncio.gather(*(credit(http, invoice, 10) for http, half in halves for invoice in half))
    assert {answer.status_code for answer in refused} == {409}
    assert sorted(answer.json()["number"] for answer in answers) == [f"TS-NC-{n:06}" for n in range(1, 13)]
    sql = "SELECT name, last FROM series WHERE merchant_id = $1 AND name LIKE '%-NC'"
    assert await stack.rows(history, sql) == [("TS-NC", 12)]


async def test_the_refund_settles_the_credit_note(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http:
        note = (await credit(http, minor=1000)).json()
        refunded = history.refund_of(note, ANA)
        await stack.deliver(refunded)
        await stack.deliver(refunded)
        read = (await http.get(f"/v1/credit-notes/{note['id']}")).json()
        whole = (await http.get(f"/v1/invoices/{PAID}")).json()
    assert read["refund"] == {
        "status": "made",
        "at": "2020-01-14T12:00:00Z",
        "reference": "re_1",
        "payment_method": {"brand": "visa", "last4": "4242"},
    }
    assert (whole["credited"]["amount_minor"], whole["refunded"]["amount_minor"]) == (1000, 1000)
    assert sum(it["amount"]["amount_minor"] for it in whole["movements"]) == 0
    assert whole["movements"][-1]["credit_note_id"] == note["id"]


async def test_a_refund_that_failed_leaves_the_customer_owed(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http:
        note = (await credit(http, minor=1000)).json()
        await stack.deliver(history.refund_of(note, ANA, code="expired_or_canceled_card"))
        whole = (await http.get(f"/v1/invoices/{PAID}")).json()
    assert whole["credit_notes"][0]["refund"]["status"] == "failed"
    assert (whole["movements"][-1]["kind"], whole["movements"][-1]["status"]) == ("refund", "failed")
    assert sum(it["amount"]["amount_minor"] for it in whole["movements"]) == -1000


async def test_a_refund_that_the_bank_returned_leaves_the_customer_owed(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http:
        note = (await credit(http, minor=1000)).json()
        await stack.deliver(history.refund_of(note, ANA))
        returned = history.refund_of(note, ANA, sequence=3, code="lost_or_stolen_card", made_before=True)
        await stack.deliver(returned)
        await stack.deliver(returned)
        whole = (await http.get(f"/v1/invoices/{PAID}")).json()
    assert whole["credit_notes"][0]["refund"]["status"] == "failed"
    assert (whole["credited"]["amount_minor"], whole["refunded"]["amount_minor"]) == (1000, 0)
    assert [it["amount"]["amount_minor"] for it in whole["movements"] if it["kind"] == "refund"] == [1000, -1000]
    assert sum(it["amount"]["amount_minor"] for it in whole["movements"]) == -1000


async def test_the_document_is_the_same_bytes_each_time_also_after_the_refund(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http, stack.customer(history, ANA) as portal:
        note = (await credit(http, minor=1000)).json()
        first = await portal.get(f"/v1/credit-notes/{note['id']}/pdf")
        await stack.deliver(history.refund_of(note, ANA))
        second = await http.get(f"/v1/credit-notes/{note['id']}/pdf")
    assert first.content == second.content
    assert first.headers["content-disposition"] == 'inline; filename="TS-NC-000001.pdf"'
    shown = text(first.content).replace("\u00a0", " ")
    for part in ("TS-NC-000001", "TS-000001", "Ana García"):
        assert part in shown


async def test_the_list_is_newest_first_page_by_page_and_narrowed(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http:
        for minor in (100, 200, 300):
            await credit(http, minor=minor)
        first = (await http.get("/v1/credit-notes?limit=2")).json()
        rest = (await http.get(f"/v1/credit-notes?limit=2&cursor={first['next_cursor']}")).json()
        numbers = [note["number"] for page in (first, rest) for note in page["items"]]
        assert numbers == ["TS-NC-000003", "TS-NC-000002", "TS-NC-000001"]
        assert rest["next_cursor"] is None
        assert len((await http.get(f"/v1/credit-notes?invoice_id={PAID}")).json()["items"]) == 3
        assert (await http.get(f"/v1/credit-notes?invoice_id={OWED}")).json()["items"] == []
        assert (await http.get(f"/v1/credit-notes?customer_id={LUIS}")).json()["items"] == []


async def test_a_customer_reads_their_own_and_issues_none(stack: Stack, history: Shop) -> None:
    other = Shop("OT")
    await stack.deliver(other.configured())
    async with stack.merchant(history) as http:
        note = (await credit(http, minor=1000)).json()["id"]
    async with stack.customer(history, ANA) as ana:
        assert (await ana.get(f"/v1/invoices/{PAID}")).json()["credit_notes"][0]["id"] == note
        assert (await credit(ana)).status_code == 403
    async with stack.customer(history, LUIS) as luis, stack.merchant(other) as http:
        for path in (f"/v1/credit-notes/{note}", f"/v1/credit-notes/{note}/pdf"):
            assert (await http.get(path)).status_code == 404
            assert (await luis.get(path)).status_code in (403, 404)


async def test_the_history_has_the_credit_note_and_its_refund(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http:
        note = (await credit(http, minor=1000)).json()
        await stack.deliver(history.refund_of(note, ANA))
        table = (await http.get(f"/v1/customers/{ANA}/export?format=csv&locale=es")).content.decode("utf-8-sig")
        lines = (await http.get(f"/v1/customers/{ANA}/export?format=ndjson")).text.splitlines()
    rows = {row["Movimiento"]: row for row in csv.DictReader(io.StringIO(table, newline=""), delimiter=table[5])}
    words = words_for("es").known
    credited_row, refunded_row = rows[words["credit_note"]], rows[words["refund"]]
    assert (credited_row["Total"], credited_row["Motivo"]) == ("-10.00", words["customer_request"])
    assert credited_row["Referencia"].endswith("TS-NC-000001")
    assert (refunded_row["Total"], refunded_row["Motivo"]) == ("10.00", words["credit_note"])
    objects: list[dict[str, Any]] = [json.loads(line) for line in lines]
    (credited,) = [it for it in objects if it["detail"] == "credit_note"]
    assert (credited["kind"], credited["total_minor"], credited["net_minor"]) == ("void", -1000, -1000)
    assert {it["kind"] for it in objects} <= {"invoice", "payment", "void", "refund"}


async def test_a_chargeback_is_in_the_history_and_is_no_refund(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http:
        note = (await credit(http, minor=1000)).json()
        await stack.deliver(history.refund_of(note, ANA))
        closed = history.dispute_closed(SUBSCRIPTION, ANA)
        won = history.dispute_closed(SUBSCRIPTION, ANA, outcome="won", returned=False)
        await stack.deliver(won, closed, closed)
        whole = (await http.get(f"/v1/invoices/{PAID}")).json()
        table = (await http.get(f"/v1/customers/{ANA}/export?format=csv&locale=es")).content.decode("utf-8-sig")
        lines = (await http.get(f"/v1/customers/{ANA}/export?format=ndjson")).text.splitlines()
    assert (whole["status"], whole["refunded"]["amount_minor"]) == ("paid", 1000)
    assert [(it["kind"], it["detail"]) for it in whole["movements"][-2:]] == [("refund", None), ("refund", "chargeback")]
    rows = {row["Movimiento"]: row for row in csv.DictReader(io.StringIO(table, newline=""), delimiter=table[5])}
    words = words_for("es").known
    row = rows[words["chargeback"]]
    assert (row["Total"], row["Motivo"], row["Referencia"]) == ("29.99", words["dispute_lost"], "dp_1")
    (line,) = [it for it in map(json.loads, lines) if it["detail"] == "chargeback"]
    assert (line["kind"], line["total_minor"], line["reason"], line["status"]) == ("refund", 2999, "dispute_lost", "succeeded")


async def test_the_tax_of_partial_credit_notes_sums_to_the_invoices(stack: Stack, shop: Shop) -> None:
    subscription = uuid4()
    tax = Tax(name="IVA", rate_basis_points=1600, inclusive=True)
    await stack.deliver(shop.configured(2, tax=tax), shop.profile(ANA))
    await stack.deliver(shop.due(subscription, ANA, 0))
    await stack.deliver(shop.succeeded(subscription, ANA, 0))
    invoice = invoice_id(subscription, period(0))
    async with stack.merchant(shop) as http:
        notes = [(await credit(http, invoice, minor)).json() for minor in (333, 333, 334, None)]
        whole = (await http.get(f"/v1/invoices/{invoice}")).json()
    for name in ("net_total", "tax_total", "total"):
        assert -sum(note[name]["amount_minor"] for note in notes) == whole[name]["amount_minor"]


async def test_the_archive_has_the_credit_notes_for_the_invoices_of_its_year(stack: Stack, history: Shop) -> None:
    await stack.deliver(history.due(SUBSCRIPTION, ANA, 12))
    await stack.deliver(history.succeeded(SUBSCRIPTION, ANA, 12))
    later = invoice_id(SUBSCRIPTION, period(12))
    async with stack.merchant(history) as http:
        for invoice, minor in ((PAID, 1000), (later, 500), (PAID, 300)):
            assert (await credit(http, invoice, minor)).status_code == 201
        archives = [
            zipfile.ZipFile(io.BytesIO((await http.get(f"/v1/customers/{ANA}/export?format=zip{year}")).content))
            for year in ("", "&year=2020", "&year=2021")
        ]
    notes = [[name for name in archive.namelist() if name.startswith("notas-de-credito/")] for archive in archives]
    files = [f"notas-de-credito/TS-NC-{n:06}.pdf" for n in (1, 2, 3)]
    assert notes == [files, [files[0], files[2]], [files[1]]]
    assert [len(archive.namelist()) for archive in archives] == [1 + 3 + 3, 1 + 2 + 2, 1 + 1 + 1]
    for archive, names in zip(archives, notes, strict=True):
        table = archive.read("historial-de-pagos.csv").decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(table, newline=""), delimiter=table[5]))
        numbers = {row["Referencia"] for row in rows if row["Movimiento"] == words_for("es").known["credit_note"]}
        assert numbers == {name.rpartition("/")[2].removesuffix(".pdf") for name in names}
        assert all("Ana García" in text(archive.read(name)) for name in names)
