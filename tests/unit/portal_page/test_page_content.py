"""Page content apart from states: images, account, choices, and announcements."""

import re
from html import unescape
from typing import Any

import pytest
from unit.portal_page.test_status_tables import INVOICES

from chassis.http.problems import Problem
from portal_gateway.application.view import View
from support.portal_page import scenes
from support.portal_page.fakes import Stage

CANCEL = f"/subscriptions/{scenes.PREMIUM}/cancel"
INVOICE = f"/invoices/{scenes.invoice_id(14)}"
ACCOUNT = "Ana García · a…@example.com"
LOGO, PICTURE = "a" * 64, "b" * 64
REASONS = {
    "es": [
        "Es demasiado caro",
        "Ya no lo uso",
        "Le faltan funciones que necesito",
        "Me cambio a otro servicio",
        "Otro motivo",
        "Prefiero no decirlo",
    ],
    "en": [
        "Too expensive",
        "No longer using it",
        "Missing features I need",
        "Switching to another service",
        "Another reason",
        "I'd rather not say",
    ],
}


async def page(path: str, view: View | None = None, *, signed_in: bool = True, stage: Stage | None = None) -> str:
    async with (stage or Stage(view)).browser(signed_in=signed_in) as browser:
        return unescape((await browser.get(path)).text)


def inside(html: str, tag: str, id: str) -> str:
    element = re.search(rf'<{tag}[^>]* id="{id}".*?</{tag}>', html, re.DOTALL)
    assert element, id
    return element[0]


async def test_the_summary_shows_logo_picture_and_plan() -> None:
    branding = {**scenes.merchant()["branding"], "logo_media_id": LOGO}
    bought = scenes.subscription(plan=scenes.plan(image_media_id=PICTURE))
    html = await page("/", scenes.view(bought, merchant=scenes.merchant(branding=branding)))
    summary = html[: html.index("<main")]
    assert f'<img src="/media/{LOGO}.webp" alt="Logotipo de TechSolutions Inc."' in summary
    assert f'<img src="/media/{PICTURE}.webp" alt="Imagen de Premium Mensual"' in summary
    for shown in ("Importe total", "29.99 <small>USD</small>", "14 de junio de 2023", "Suscripción mensual renovable"):
        assert shown in summary


async def test_initials_replace_a_missing_picture() -> None:
    html = await page("/")
    assert "<img" not in html
    assert re.findall(r'<span class="initials" aria-hidden="true">(.*?)<', html) == ["TI", "PM", "PM"]


@pytest.mark.parametrize(("path", "times"), [("/", 1), (INVOICE, 1), ("/no/such/page", 1), (CANCEL, 2), ("/payment-method", 1)])
async def test_every_page_and_every_dialog_names_the_account(path: str, times: int) -> None:
    """The card dialog names the current card instead."""
    assert (await page(path)).count(ACCOUNT) == times


async def test_the_card_dialog_names_the_account_if_there_is_no_card() -> None:
    assert (await page("/payment-method", scenes.view(payment_method=None))).count(ACCOUNT) == 2


async def test_each_pane_has_one_sentence_that_announces_its_change() -> None:
    assert re.findall(r'id="pane-(\w+)"[^>]* data-changed="(.*?)"', await page("/")) == [
        ("summary", "El resumen se actualizó."),
        ("subscription", "Los detalles de tu suscripción se actualizaron."),
        ("payment_method", "Tu método de pago se actualizó."),
        ("invoices", "El historial de facturas se actualizó."),
    ]


@pytest.mark.parametrize("language", REASONS)
async def test_a_few_reasons_are_offered_and_none_is_preselected(language: str) -> None:
    html = inside(await page(f"{CANCEL}?lang={language}"), "fieldset", "feedback")
    assert re.findall(r'<input type="radio"[^>]*><span>(.*?)</span>', html) == REASONS[language]
    assert "checked" not in html


async def test_the_filter_offers_existing_years_and_every_status_and_keeps_the_choice() -> None:
    html = await page("/?year=2022&status=void")
    years, statuses = (inside(html, "select", f"filter-{name}") for name in ("year", "status"))
    assert re.findall(r"<option[^>]*>(.*?)</option>", years) == ["Todos los años", "2023", "2022"]
    assert re.findall(r"<option[^>]*>(.*?)</option>", statuses) == ["Todos los estados", *INVOICES["es"]]
    assert re.findall(r"<option[^>]* selected>(.*?)</option>", years + statuses) == ["2022", "Anulado"]


async def test_several_subscriptions_are_distinguished_by_plan_and_badge() -> None:
    other = scenes.subscription("paused", id=scenes.invoice_id(99), plan=scenes.plan(name="Respaldo Anual"))
    html = await page("/", scenes.view(scenes.subscription(), other))
    assert '<nav aria-label="Tus suscripciones">' in html
    (switch,) = re.findall(r'<ul class="switch">(.*?)</ul>', html, re.DOTALL)
    assert [re.sub("<.*?>", "", item).split() for item in re.findall("<li>(.*?)</li>", switch)] == [
        ["Premium", "Mensual", "Activa"],
        ["Respaldo", "Anual", "En", "pausa"],
    ]
    assert "Tus suscripciones" not in await page("/")


async def test_subscriptions_of_the_same_plan_are_distinguished_by_their_start() -> None:
    earlier = scenes.subscription(id=scenes.invoice_id(99), started_at=scenes.instant(2021, 3, 1))
    backup = scenes.subscription(id=scenes.invoice_id(98), plan=scenes.plan(name="Respaldo Anual"))
    view = scenes.view(scenes.subscription(), earlier, backup)
    for language, starts in (
        ("es", ["Desde el 14 abr 2022", "Desde el 1 mar 2021"]),
        ("en", ["Since Apr 14, 2022", "Since Mar 1, 2021"]),
    ):
        (switch,) = re.findall(r'<ul class="switch">(.*?)</ul>', await page(f"/?lang={language}", view), re.DOTALL)
        assert [
            re.sub("<.*?>", "", start) for start in re.findall(r'<span class="quiet small">(.*?)</span> ?<span class="b', switch)
        ] == starts


async def test_the_neutral_page_states_possible_causes_and_whom_to_contact() -> None:
    html = await page("/", signed_in=False)
    for sentence in (
        "Puede que el enlace haya vencido, se haya anulado o esté incompleto, o que tu sesión haya terminado.",
        "Vuelve a abrir tu enlace. Si no funciona, pídele uno nuevo a la empresa que te presta el servicio.",
        "Pega aquí tu enlace",
    ):
        assert sentence in html


@pytest.mark.parametrize(
    ("status", "title", "has_reference"),
    [(404, "No encontramos esta página", False), (429, "Espera un momento", False), (503, "Algo salió mal", True)],
)
async def test_a_refusal_has_a_title_and_a_reference_if_the_customer_did_not_cause_it(
    status: int, title: str, has_reference: bool
) -> None:
    async def refuse(*_: Any) -> None:
        raise Problem(status, "refused", "Refused")

    stage = Stage()
    stage.invoicing.invoice = refuse  # type: ignore[assignment,method-assign]
    html = await page(INVOICE, stage=stage)
    assert re.search(rf'<h1 id="sheet-title"[^>]*>{title}</h1>', html)
    assert bool(re.search(r"Referencia: [0-9a-f]{12}<", html)) is has_reference
    assert "Volver al portal" in html


@pytest.mark.parametrize(
    ("path", "signed_in", "code", "title"),
    [
        ("/ended", False, "session_ended", "Tu sesión terminó"),
        ("/ended", True, "opened_again", "Tu sesión terminó"),
        ("/ended?link=revoked", False, "link_revoked", "Cerraste sesión y anulaste el enlace"),
        ("/", False, "not_opened", "No pudimos abrir el portal"),
    ],
)
async def test_a_page_without_a_session_has_a_title_and_a_code(path: str, signed_in: bool, code: str, title: str) -> None:
    html = await page(path, signed_in=signed_in)
    assert re.search(rf'<h1 id="sheet-title"[^>]*>{title}</h1>', html)
    assert f'data-code="{code}"' in html


async def test_an_invoice_has_its_details() -> None:
    html = re.sub("<[^>]+>", "|", await page(INVOICE))
    for name, value in (("Fecha de emisión", "14 de mayo de 2023"), ("Estado", "Pagado"), ("Total", "29.99 USD")):
        assert re.search(rf"{name}\|+{value}", html)
    for name in ("Emisor", "Facturado a", "Concepto", "Cantidad", "Precio", "Importe", "Movimientos"):
        assert f"|{name}|" in html
