"""No browser or proxy caches a customer's data."""

import pytest

from support.portal_page import scenes
from support.portal_page.fakes import TOKEN, Stage

INVOICE = f"/invoices/{scenes.invoice_id(14)}"
CANCEL = f"/subscriptions/{scenes.PREMIUM}/cancel"
READ = ["/", CANCEL, "/payment-method", INVOICE, f"{INVOICE}.pdf", "/enter", "/ended", "/no/such/page", "/cancel"]
FILES = ["/export.csv", "/export.zip", "/export.ndjson", "/api/invoices/export?format=csv", f"/api{INVOICE}/pdf"]
API = ["/api/overview", "/api/session", "/api/invoices", f"/api{INVOICE}"]
DONE = [("/enter", {"link": str(TOKEN)}), ("/logout", {}), (CANCEL, {"idempotency_key": "once"}), ("/session/extend", {})]


@pytest.mark.parametrize("signed_in", [True, False], ids=["signed in", "a stranger"])
@pytest.mark.parametrize("path", READ + FILES + API)
async def test_pages_are_not_stored_by_caches(path: str, signed_in: bool) -> None:
    async with Stage().browser(signed_in=signed_in) as browser:
        assert (await browser.get(path)).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("path", "form"), DONE, ids=lambda part: str(part)[:30])
@pytest.mark.parametrize("csrf", ["csrf-of-ana", "csrf-of-someone"])
async def test_responses_to_forms_are_not_stored_by_caches(path: str, form: dict[str, str], csrf: str) -> None:
    async with Stage().browser() as browser:
        answer = await browser.post(path, data={**form, "csrf": csrf})
    assert answer.status_code in (303, 409)
    assert answer.headers["cache-control"] == "no-store"
