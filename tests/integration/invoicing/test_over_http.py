import asyncio
import csv
import io
import json
import re
import zipfile
from uuid import UUID, uuid4

import pytest
from integration.invoicing.stack import Shop, Stack, period

from billing_contracts.invoicing import invoice_id
from invoicing.adapters.exporting.wording import CODES, COLUMNS
from support.invoicing.pdf_documents import text

ANA, LUIS = uuid4(), uuid4()
SUBSCRIPTION = uuid4()
FIRST, SECOND, THIRD = (invoice_id(SUBSCRIPTION, period(n)) for n in (0, 1, 12))


@pytest.fixture
async def history(stack: Stack, shop: Shop) -> Shop:
    """Ana paid the first, failed to pay the second, owes the third; Luis has one of his own."""
    await stack.deliver(shop.profile(ANA), shop.profile(LUIS))
    for n in (0, 1, 12):
        await stack.deliver(shop.due(SUBSCRIPTION, ANA, n))
    await stack.deliver(shop.due(uuid4(), LUIS, 12))
    await stack.deliver(shop.succeeded(SUBSCRIPTION, ANA, 0), shop.failed(SUBSCRIPTION, ANA, 1))
    return shop


async def test_the_list_is_newest_first_page_by_page(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http:
        first = (await http.get("/v1/invoices", params={"limit": 3})).json()
        rest = (await http.get("/v1/invoices", params={"limit": 3, "cursor": first["next_cursor"]})).json()
    numbers = [item["number"] for page in (first, rest) for item in page["items"]]
    assert numbers == ["TS-000004", "TS-000003", "TS-000002", "TS-000001"]
    assert rest["next_cursor"] is None


async def test_the_list_can_be_narrowed(stack: Stack, history: Shop) -> None:
    async def listed(**params: str | int) -> list[str]:
        async with stack.merchant(history) as http:
            return [item["number"] for item in (await http.get("/v1/invoices", params=params)).json()["items"]]

    assert await listed(year=2021) == ["TS-000004", "TS-000003"]
    assert await listed(status="paid") == ["TS-000001"]
    assert await listed(customer_id=str(LUIS)) == ["TS-000004"]
    assert await listed(customer_id=str(uuid4())) == []


async def test_a_customer_sees_their_own_and_nothing_else(stack: Stack, history: Shop) -> None:
    async with stack.customer(history, LUIS) as http:
        assert (await http.get("/v1/invoices", params={"customer_id": str(ANA)})).status_code == 403
        unknown = await http.get(f"/v1/invoices/{uuid4()}")
        for path in (f"/v1/invoices/{FIRST}", f"/v1/invoices/{FIRST}/pdf", f"/v1/customers/{ANA}/export"):
            answer = await http.get(path)
            assert (answer.status_code, answer.json()) == (404, unknown.json())
        assert (await http.post(f"/v1/invoices/{FIRST}/void")).status_code == 403


async def test_another_merchant_finds_nothing(stack: Stack, history: Shop) -> None:
    other = Shop("OT")
    await stack.deliver(other.configured())
    async with stack.merchant(other) as http:
        assert (await http.get("/v1/invoices")).json()["items"] == []
        for path in (f"/v1/invoices/{FIRST}", f"/v1/invoices/{FIRST}/pdf", f"/v1/customers/{ANA}/export"):
            assert (await http.get(path)).status_code == 404
        assert (await http.post(f"/v1/invoices/{SECOND}/void")).status_code == 404
    async with stack.customer(other, ANA) as http:
        assert (await http.get(f"/v1/invoices/{FIRST}")).status_code == 404


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=-1", "limit=101", "limit=x", "cursor=x", "cursor=AAAA", "status=draft", "year=0", "customer_id=7"]
)
async def test_an_invalid_query_is_refused(stack: Stack, history: Shop, query: str) -> None:
    async with stack.merchant(history) as http:
        answer = await http.get(f"/v1/invoices?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_tampered_cursor_is_refused(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http:
        cursor = (await http.get("/v1/invoices?limit=1")).json()["next_cursor"]
        flipped = cursor[:30] + ("A" if cursor[30] != "A" else "B") + cursor[31:]
        assert (await http.get(f"/v1/invoices?cursor={flipped}")).json()["code"] == "invalid_cursor"


async def test_an_invoice_has_all_details(stack: Stack, history: Shop) -> None:
    async with stack.customer(history, ANA) as http:
        paid = (await http.get(f"/v1/invoices/{FIRST}")).json()
        failed = (await http.get(f"/v1/invoices/{SECOND}")).json()
    assert (paid["status"], paid["version"], paid["paid_at"]) == ("paid", 2, "2020-01-14T12:00:00Z")
    assert (paid["payment_method"]["brand"], paid["payment_method"]["last4"]) == ("visa", "4242")
    assert paid["bill_to"] == {
        "name": "Ana García",
        "email": "ana@example.com",
        "address": "Calle Mayor 1\nMadrid",
        "tax_id": None,
        "country": None,
        "purchase_order": None,
    }
    assert paid["lines"][0]["total"] == paid["total"] == {"amount_minor": 2999, "currency": "USD"}
    assert [(it["kind"], it["amount"]["amount_minor"]) for it in paid["movements"]] == [("invoice", 2999), ("payment", -2999)]
    assert failed["status"] == "open"
    assert failed["movements"][1] == {
        "date": "2020-02-14",
        "at": "2020-02-14T12:00:00Z",
        "kind": "failed_attempt",
        "amount": {"amount_minor": 0, "currency": "USD"},
        "status": "failed",
        "payment_method": {"brand": "visa", "last4": "4242"},
        "reason": "insufficient_funds",
        "reference": None,
        "detail": None,
        "credit_note_id": None,
        "backup": False,
    }


async def test_the_document_is_the_same_bytes_each_time(stack: Stack, history: Shop) -> None:
    async with stack.customer(history, ANA) as http:
        first, second = [await http.get(f"/v1/invoices/{FIRST}/pdf") for _ in range(2)]
    assert first.content == second.content
    assert first.content.startswith(b"%PDF")
    assert first.headers["content-type"] == "application/pdf"
    assert first.headers["content-disposition"] == 'inline; filename="TS-000001.pdf"'
    assert first.headers["cache-control"] == "no-store"


async def test_the_document_of_a_paid_invoice_has_the_payment_with_its_reference(stack: Stack, history: Shop) -> None:
    async with stack.customer(history, ANA) as http:
        paid = text((await http.get(f"/v1/invoices/{FIRST}/pdf")).content)
    assert "14 de enero de 2020 Visa •••• 4242 ch_1 29.99 USD" in paid


async def test_the_document_of_a_void_invoice_says_when_it_was_paid_back(stack: Stack, history: Shop) -> None:
    async def status() -> tuple[str, str]:
        """The word beside the amount, and the day."""
        async with stack.customer(history, ANA) as http:
            printed = text((await http.get(f"/v1/invoices/{SECOND}/pdf")).content)
        ((word, day),) = re.findall(r"29\.99 USD · (\w+) el (\d+ de \w+ de \d{4})", printed)
        return word, day

    async with stack.merchant(history) as http:
        await http.post(f"/v1/invoices/{SECOND}/void")
    voided, _ = await status()
    await stack.deliver(history.succeeded(SUBSCRIPTION, ANA, 1), history.refunded(SUBSCRIPTION, ANA, 1))
    refunded, day = await status()
    assert refunded != voided
    assert day == "14 de febrero de 2020"


async def test_a_merchant_voids_what_is_open(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http:
        answer = await http.post(f"/v1/invoices/{SECOND}/void", headers={"idempotency-key": "once"})
        again = await http.post(f"/v1/invoices/{SECOND}/void", headers={"idempotency-key": "once"})
        shown = (await http.get(f"/v1/invoices/{SECOND}")).json()
        refused = await http.post(f"/v1/invoices/{FIRST}/void")
        unknown = await http.post(f"/v1/invoices/{uuid4()}/void")
    assert (answer.status_code, answer.json()) == (202, {"aggregate": f"invoice-{SECOND}", "version": 3})
    assert again.json() == answer.json()
    assert shown["status"] == "void"
    assert sum(it["amount"]["amount_minor"] for it in shown["movements"]) == 0
    assert (refused.status_code, refused.json()["code"]) == (409, "invoice_paid")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")


async def test_requests_without_a_credential_are_refused(stack: Stack, history: Shop) -> None:
    for credential in ("", "sk_test_" + "x" * 43, "a.b.c"):
        async with stack.client(credential) as http:
            for path in ("/v1/invoices", f"/v1/invoices/{FIRST}", f"/v1/invoices/{FIRST}/pdf", f"/v1/customers/{ANA}/export"):
                assert (await http.get(path)).status_code == 401


async def test_the_history_as_a_table(stack: Stack, history: Shop) -> None:
    async with stack.customer(history, ANA) as http:
        answer = await http.get(f"/v1/customers/{ANA}/export", params={"format": "csv", "locale": "en-GB"})
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert answer.headers["content-disposition"] == 'attachment; filename="payment-history.csv"'
    date, movement, number, total, status = (COLUMNS[place] for place in (0, 1, 2, 8, 10))
    assert [(it[date], it[movement], it[number], it[total], it[status]) for it in lines] == [
        ("2020-01-14", CODES["invoice"], "TS-000001", "29.99", CODES["paid"]),
        ("2020-01-14", CODES["payment"], "TS-000001", "-29.99", CODES["succeeded"]),
        ("2020-02-14", CODES["invoice"], "TS-000002", "29.99", CODES["open"]),
        ("2020-02-14", CODES["failed_attempt"], "TS-000002", "0.00", CODES["failed"]),
        ("2021-01-14", CODES["invoice"], "TS-000003", "29.99", CODES["open"]),
    ]


async def test_the_history_of_one_year(stack: Stack, history: Shop) -> None:
    async with stack.customer(history, ANA) as http:
        table = await http.get(f"/v1/customers/{ANA}/export", params={"format": "csv", "locale": "en-US", "year": 2021})
        archive = await http.get(f"/v1/customers/{ANA}/export", params={"format": "zip", "year": 2020})
        none = await http.get(f"/v1/customers/{ANA}/export", params={"format": "ndjson", "year": 2019})
        wrong = await http.get(f"/v1/customers/{ANA}/export", params={"year": "21"})
    lines = list(csv.DictReader(io.StringIO(table.content.decode("utf-8-sig"), newline="")))
    assert [it["Invoice"] for it in lines] == ["TS-000003"]
    assert table.headers["content-disposition"] == 'attachment; filename="payment-history-2021.csv"'
    names = zipfile.ZipFile(io.BytesIO(archive.content)).namelist()
    assert names == ["historial-de-pagos.csv", "facturas/TS-000001.pdf", "facturas/TS-000002.pdf"]
    assert (none.text, wrong.status_code) == ("", 422)


async def test_the_history_as_lines_and_as_an_archive(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http:
        lines = (await http.get(f"/v1/customers/{ANA}/export?format=ndjson")).text.splitlines()
        archive = await http.get(f"/v1/customers/{ANA}/export?format=zip")
        alone = await http.get(f"/v1/invoices/{SECOND}/pdf")
    assert [json.loads(line)["kind"] for line in lines] == ["invoice", "payment", "invoice", "failed_attempt", "invoice"]
    files = zipfile.ZipFile(io.BytesIO(archive.content))
    assert files.namelist() == ["historial-de-pagos.csv", *(f"facturas/TS-00000{n}.pdf" for n in (1, 2, 3))]
    assert files.read("facturas/TS-000002.pdf") == alone.content


async def test_a_customer_without_invoices_has_an_empty_history(stack: Stack, history: Shop) -> None:
    newcomer = uuid4()
    await stack.deliver(history.profile(newcomer))
    async with stack.customer(history, newcomer) as http:
        assert (await http.get(f"/v1/customers/{newcomer}/export?format=ndjson")).text == ""
    async with stack.merchant(history) as http:
        assert (await http.get(f"/v1/customers/{uuid4()}/export")).status_code == 404
        assert (await http.get(f"/v1/customers/{ANA}/export?format=xlsx")).status_code == 422


async def test_one_download_at_a_time(stack: Stack, history: Shop) -> None:
    await stack.pool.execute(
        "INSERT INTO running_exports VALUES ($1, $2, $3, now() + interval '1 minute')", history.id, ANA, UUID(int=1)
    )
    async with stack.customer(history, ANA) as http:
        answer = await http.get(f"/v1/customers/{ANA}/export")
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (429, "export_running", "10")
        await stack.rows(history, "UPDATE running_exports SET leased_until = now() - interval '1 s' WHERE merchant_id = $1")
        assert (await http.get(f"/v1/customers/{ANA}/export")).status_code == 200
        assert (await http.get(f"/v1/customers/{ANA}/export")).status_code == 200
    assert await stack.count(history, "running_exports") == 0


async def test_an_erased_customers_history_is_still_the_merchants(stack: Stack, history: Shop) -> None:
    await stack.deliver(history.erased(ANA))
    async with stack.merchant(history) as http:
        assert (await http.get(f"/v1/customers/{ANA}/export")).status_code == 200


async def test_a_shredded_buyer_is_shown_as_such(stack: Stack, history: Shop) -> None:
    await stack.rows(history, "DELETE FROM customer_keys WHERE merchant_id = $1")
    async with stack.merchant(history) as http:
        assert (await http.get(f"/v1/invoices/{FIRST}")).json()["bill_to"] is None
        assert (await http.get(f"/v1/invoices/{FIRST}/pdf")).content.startswith(b"%PDF")


async def test_a_buyer_that_was_tampered_with_is_not_shown(stack: Stack, history: Shop) -> None:
    await stack.rows(history, "UPDATE bill_to SET sealed = sealed || '\\x00'::bytea WHERE merchant_id = $1")
    async with stack.merchant(history) as http:
        answer = await http.get(f"/v1/invoices/{FIRST}")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "bill_to" not in answer.json()


async def test_concurrent_voiding_and_paying_has_one_result(stack: Stack, history: Shop) -> None:
    async with stack.merchant(history) as http:
        answer, _ = await asyncio.gather(
            http.post(f"/v1/invoices/{THIRD}/void"), stack.deliver(history.succeeded(SUBSCRIPTION, ANA, 12))
        )
        shown = (await http.get(f"/v1/invoices/{THIRD}")).json()
    assert (answer.status_code, shown["status"]) in [(202, "void"), (409, "paid")]
    assert shown["version"] == 2
