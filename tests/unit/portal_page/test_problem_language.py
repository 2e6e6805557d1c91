"""Problems are explained in the page's language."""

import re
from html import unescape
from typing import Any
from urllib.parse import urljoin

import pytest

from chassis.http.problems import Problem
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.presentation.problems import explain
from support.portal_page import scenes
from support.portal_page.fakes import COOKIE, Stage

ENGLISH_READER = {**scenes.facts()["customer"], "locale": "en"}
CANCEL = f"/subscriptions/{scenes.PREMIUM}/cancel"
FORM = {"csrf": "csrf-of-ana", "idempotency_key": "once"}
SPANISH_BROWSER = {"accept-language": "es-MX,es;q=0.9"}


def english_stage() -> Stage:
    """A customer who reads English, independent of the browser's languages."""
    return Stage(scenes.view(customer=ENGLISH_READER))


@pytest.mark.parametrize(("path", "data"), [(CANCEL, FORM), (CANCEL.replace("cancel", "keep"), FORM)])
async def test_a_refused_command_is_explained_in_the_customers_language(path: str, data: dict[str, str]) -> None:
    stage = english_stage()
    stage.subscriptions.refuses = Problem(409, "already_cancelled", "Refused")
    async with stage.browser() as browser:
        answer = await browser.post(path, data=data, headers=SPANISH_BROWSER)
    assert answer.status_code == 409
    assert "your subscription changed in the meantime" in answer.text
    assert '<html lang="en-US">' in answer.text


async def test_a_missing_page_is_explained_in_the_customers_language() -> None:
    async with english_stage().browser() as browser:
        answer = await browser.get(f"/subscriptions/{scenes.invoice_id(1)}/cancel", headers=SPANISH_BROWSER)
    assert answer.status_code == 404
    assert "We couldn't find this page" in unescape(answer.text)


@pytest.mark.parametrize("path", [CANCEL, CANCEL.replace("cancel", "keep"), "/session/extend", "/logout"])
async def test_the_language_link_of_a_refusal_leads_to_an_existing_page(path: str) -> None:
    async with Stage().browser() as browser:
        refused = await browser.post(path, data={"csrf": "csrf-of-someone"})
        (link,) = re.findall(r'<a href="([^"]*)" lang="en"', refused.text)
        page = await browser.get(urljoin(path, link))
    assert (refused.status_code, page.status_code) == (409, 200)
    assert '<html lang="en-US">' in page.text


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/ended?link=revoked", "You signed out and revoked the link"),
        (f"{CANCEL}?after=subscription-{scenes.PREMIUM}:13", f"{scenes.PREMIUM[:8].upper()}-13"),
    ],
)
async def test_the_language_link_keeps_the_message_of_an_outcome(path: str, sentence: str) -> None:
    over = scenes.subscription("canceled", version=13, ended_at=scenes.instant(2023, 5, 20))
    async with Stage(scenes.view(over)).browser(signed_in="cancel" in path) as browser:
        (link,) = re.findall(r'<a href="([^"]*)" lang="en"', unescape((await browser.get(path)).text))
        assert sentence in (await browser.get(urljoin(path, link))).text


async def test_the_api_explains_in_the_language_of_the_link() -> None:
    stage = Stage(session=scenes.session(locale="en"))
    stage.subscriptions.refuses = Problem(409, "already_cancelled", "Refused")
    headers = {**SPANISH_BROWSER, "x-csrf-token": "csrf-of-ana", "cookie": f"__Host-portal={COOKIE}"}
    async with stage.browser() as browser:
        answer = await browser.post(f"/api/subscriptions/{scenes.PREMIUM}/cancellation", headers=headers, json={})
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith("That isn't possible now")


async def test_the_api_explains_in_the_language_of_the_customer_and_writes_amounts_as_their_company_does() -> None:
    async def refuse(*_: Any) -> None:
        owed = {"amount_minor": 2999, "currency": "USD"}
        raise Problem(409, "due_changed", "Changed", more={"due": [], "total": owed})

    headers = {**SPANISH_BROWSER, "x-csrf-token": "csrf-of-ana", "cookie": f"__Host-portal={COOKIE}"}
    card = {"setup_id": "setup", "token": "tok", "charge_invoices": []}
    problems = []
    for stage in (english_stage(), Stage(scenes.view(merchant=scenes.merchant(locale="es-CO")))):
        stage.payments.update_card = refuse  # type: ignore[assignment,method-assign]
        async with stage.browser() as browser:
            problems.append((await browser.put("/api/payment-method", headers=headers, json=card)).json())
    assert [it["detail"].split(".")[0] for it in problems] == [
        "The amount due changed while you were filling this in",
        "El importe pendiente cambió mientras llenabas el formulario",
    ]
    assert [it["total"]["text"] for it in problems] == ["29.99 USD", "29,99 USD"]


@pytest.mark.parametrize(
    ("status", "code", "spanish"),
    [
        (404, "not_found", "La dirección puede estar incompleta"),
        (409, "already_cancelled", "Ahora no es posible: tu suscripción cambió mientras tanto."),
        (401, "session_required", "Tu sesión terminó o el enlace venció. Vuelve a abrir tu enlace."),
        (402, "card_declined", "El banco rechazó la tarjeta. Tu tarjeta anterior no cambió; intenta con otra."),
        (402, "insufficient_funds", "La tarjeta no tiene fondos suficientes. Tu tarjeta anterior no cambió; intenta con otra."),
        (402, "expired_card", "Según el banco, la tarjeta está vencida. Tu tarjeta anterior no cambió; intenta con otra."),
        (
            402,
            "incorrect_cvc",
            "El CVV no coincide con la tarjeta. Tu tarjeta anterior no cambió; revisa el CVV e inténtalo de nuevo.",
        ),
        (409, "due_changed", "El importe pendiente cambió mientras llenabas el formulario. Revísalo y confirma de nuevo."),
        (409, "session_changed", "En este navegador se abrió el portal con otro enlace; no procesamos tu solicitud."),
        (422, "card_number_refused", "Parece un número de tarjeta. Bórralo: aquí no lo necesitamos."),
        (422, "invalid_request", "No pudimos leer lo que enviaste. No cambió nada: vuelve al portal e inténtalo de nuevo."),
        (403, "csrf_required", "No pudimos leer lo que enviaste. No cambió nada: vuelve al portal e inténtalo de nuevo."),
        (
            500,
            "internal_error",
            "No pudimos completar tu solicitud. Vuelve al portal y revisa el resultado antes de intentarlo otra vez.",
        ),
        (
            504,
            "outcome_unknown",
            "No pudimos completar tu solicitud. Vuelve al portal y revisa el resultado antes de intentarlo otra vez.",
        ),
        (503, "service_unavailable", "No pudimos hacerlo en este momento. No cambió nada: inténtalo de nuevo en unos minutos."),
    ],
)
def test_a_problem_states_what_happened_and_what_to_do(status: int, code: str, spanish: str) -> None:
    assert explain(catalogues().language("es"), status, code, {}).startswith(spanish)


@pytest.mark.parametrize(
    ("code", "headers", "spanish"),
    [
        ("too_many_requests", {}, "Hiciste demasiados intentos. Vuelve a intentarlo en 1 minuto."),
        ("too_many_requests", {"Retry-After": "125"}, "Hiciste demasiados intentos. Vuelve a intentarlo en 3 minutos."),
        (
            "too_many_payments",
            {"retry-after": "80000"},
            "Intentaste pagar esta factura varias veces. Vuelve a intentarlo en 23 horas o actualiza tu tarjeta.",
        ),
    ],
)
def test_a_limit_states_when_to_try_again(code: str, headers: dict[str, str], spanish: str) -> None:
    assert explain(catalogues().language("es"), 429, code, headers) == spanish


@pytest.mark.parametrize(
    ("code", "spanish"),
    [
        ("amount_changed", "El importe por pagar cambió. No se cobró nada"),
        ("charge_running", "Ya hay un pago en proceso para esta factura."),
        ("nothing_owed", "Esta factura ya no tiene un importe pendiente"),
        ("payment_method_gone", "Esa tarjeta ya no está guardada. No se cobró nada"),
        ("export_running", "Ya se está preparando otra descarga de tu historial."),
        ("under_review", "Esta parte de tu cuenta está en revisión"),
    ],
)
def test_a_conflict_states_what_was_not_done(code: str, spanish: str) -> None:
    assert explain(catalogues().language("es"), 409, code, {}).startswith(spanish)
