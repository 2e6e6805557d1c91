"""Several cards on the page: the pane, the dialogs, and the same without scripts."""

import json
import re
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from chassis.http.problems import Problem
from portal_gateway.application.presentation import card_changes, saved_cards
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.presentation.movements import movements
from portal_gateway.application.results import RemovalPreview
from portal_gateway.application.view import View
from portal_gateway.domain.view import CardChange, Money
from support.portal_page import scenes
from support.portal_page.fakes import Stage
from support.portal_page.scenes import TEN_CARDS, TWO_CARDS, method_id, saved, with_cards

VISA, BACKUP = method_id("4242"), method_id("1117")
KEY = {"csrf": "csrf-of-ana", "idempotency_key": "k"}
WALLET = f"wallet-{scenes.CUSTOMER}"


def reader(view: View, language: str = "es") -> Reader:
    return Reader.of(view, catalogues().language(language))


def removal(*, of: Any = TWO_CARDS[0], allowed: bool = True, next_default: Any = TWO_CARDS[1]) -> RemovalPreview:
    roles = {"is_default": of["role"] == "default", "is_backup": of["role"] == "backup"}
    preview: Any = {"payment_method": {**of, **roles}, "allowed": allowed, "next_default": next_default}
    removed: RemovalPreview = preview
    return removed


async def page(stage: Stage, path: str = "/", status: int = 200) -> str:
    async with stage.browser() as browser:
        answer = await browser.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


def pane(html: str) -> str:
    return html.partition('id="pane-payment_method"')[2].partition("</section>")[0]


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.replace("\xa0", " ")))


async def test_one_card_looks_as_before_with_a_quiet_way_to_add_another() -> None:
    shown = pane(await page(Stage()))
    assert "Método de pago" in words(shown)
    assert 'id="edit-method"' in shown
    assert re.search(r'<button class="button text" id="add-card">Agregar otra tarjeta', shown)
    assert "<ul" not in shown
    assert "<details" not in shown


async def test_without_a_card_there_is_only_the_button_to_add_one() -> None:
    shown = pane(await page(Stage(with_cards())))
    assert "Agregar método de pago" in words(shown)
    assert "add-card" not in shown


async def test_several_cards_are_listed_with_their_roles_and_actions() -> None:
    shown = pane(await page(Stage(with_cards(*TWO_CARDS, saved("0005", brand="amex")))))
    assert re.findall(r'data-status="(\w+)"', shown) == ["default", "backup"]
    assert re.findall(r'action="/payment-methods/([^"]+)"', shown) == [
        f"{VISA}/remove",
        f"{BACKUP}/default",
        f"{BACKUP}/no-backup",
        f"{BACKUP}/remove",
        f"{method_id('0005')}/default",
        f"{method_id('0005')}/backup",
        f"{method_id('0005')}/remove",
        "new",
        "changes",
    ]
    assert 'aria-label="Visa •••• 4242: opciones"' in shown


async def test_ten_cards_are_the_maximum() -> None:
    shown = pane(await page(Stage(with_cards(*TEN_CARDS))))
    assert shown.count("<li") == 10
    assert "add-card" not in shown
    assert "Tienes 10 tarjetas, el máximo." in words(shown)


def face(card: Any) -> Any:
    return {name: card[name] for name in ("id", "brand", "last4", "exp_month", "exp_year")}


DEFAULT, SECOND = face(TWO_CARDS[0]), face(TWO_CARDS[1])
UPDATED: Any = {**DEFAULT, "last4": "1881", "exp_month": 3}
CHANGES: list[CardChange] = [
    {"at": "2023-04-30T23:30:00Z", "kind": "default", "card": DEFAULT},
    {"at": "2023-05-02T12:00:00Z", "kind": "added", "card": SECOND},
    {
        "at": "2023-05-02T12:01:00Z",
        "kind": "backup",
        "card": SECOND,
        "consent": {"text": "backup-1", "language": "es", "at": "2023-05-02T12:01:00Z"},
    },
    {"at": "2023-05-03T12:00:00Z", "kind": "no_backup", "card": SECOND},
    {"at": "2023-05-04T12:00:00Z", "kind": "default", "card": SECOND, "before": DEFAULT},
    {"at": "2023-05-05T12:00:00Z", "kind": "refreshed", "card": UPDATED, "before": DEFAULT},
    {"at": "2023-05-06T12:00:00Z", "kind": "removed", "card": DEFAULT},
]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "es",
            [
                "Visa •••• 4242 pasó a ser tu tarjeta predeterminada",
                "Se agregó Mastercard •••• 1117",
                "Mastercard •••• 1117 pasó a ser tu tarjeta de respaldo, como aceptaste",
                "Mastercard •••• 1117 dejó de ser tu tarjeta de respaldo",
                "Mastercard •••• 1117 pasó a ser tu tarjeta predeterminada en lugar de Visa •••• 4242",
                "El banco actualizó Visa •••• 4242: ahora es Visa •••• 1881, válida hasta 03/2030",
                "Se eliminó Visa •••• 4242",
            ],
        ),
        (
            "en",
            [
                "Visa •••• 4242 became your default card",
                "Mastercard •••• 1117 was added",
                "Mastercard •••• 1117 became your backup card, as you agreed",
                "Mastercard •••• 1117 is no longer your backup card",
                "Mastercard •••• 1117 became your default card instead of Visa •••• 4242",
                "The bank updated Visa •••• 4242: now Visa •••• 1881, valid through 03/2030",
                "Visa •••• 4242 was removed",
            ],
        ),
    ],
)
def test_each_change_of_the_cards_is_one_sentence(language: str, expected: list[str]) -> None:
    lines = card_changes.card_changes(reader(scenes.view(), language), CHANGES)
    assert [line.what for line in lines] == expected
    assert lines[0].iso_date == "2023-04-30"


async def test_the_changes_of_the_cards_are_a_page_and_in_the_api_newest_first() -> None:
    stage = Stage(with_cards(*TWO_CARDS))
    assert "Todavía no hay cambios." in words(await page(stage, "/payment-methods/changes"))
    stage.views.changes = CHANGES
    shown = await page(stage, "/payment-methods/changes")
    kinds = ["removed", "refreshed", "default", "no_backup", "backup", "added", "default"]
    assert re.findall(r'<li data-kind="(\w+)"', shown) == kinds
    assert "¿No reconoces un cambio?" in words(shown)
    items = json.loads(await page(stage, "/api/payment-method-changes"))["items"]
    assert [item["kind"] for item in items] == kinds
    assert items[4]["consent"]["text"] == "backup-1"
    assert items[0]["text"] == "Se eliminó Visa •••• 4242"


async def test_an_expired_backup_says_so() -> None:
    shown = pane(await page(Stage(with_cards(*scenes.EXPIRED_BACKUP))))
    assert re.findall(r'data-status="(\w+)"', shown) == ["default", "backup", "expired"]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "es",
            "Si un cobro a mi tarjeta predeterminada se rechaza de forma definitiva o falla en el último reintento, "
            "TechSolutions Inc. puede cobrar esa factura una sola vez a Mastercard •••• 1117, por el mismo importe.",
        ),
        (
            "en",
            "If a charge to my default card is refused for good, or fails at the last retry, TechSolutions Inc. may charge that "
            "invoice once to Mastercard •••• 1117, for the same amount.",
        ),
    ],
)
def test_the_text_of_the_consent(language: str, expected: str) -> None:
    view = with_cards(*TWO_CARDS)
    dialog = saved_cards.use_as_backup(reader(view, language), TWO_CARDS[1], view)
    assert re.sub("[\u2066-\u2069]", "", (dialog.consent or "").replace("\xa0", " ")) == expected
    assert saved_cards.BACKUP_TEXT == "backup-1", "a text with another meaning has another version"


SENTENCES = [
    (removal(), "A partir de ahora cobraremos tus suscripciones a Mastercard •••• 1117."),
    (
        removal(of=TWO_CARDS[1], next_default=TWO_CARDS[0]),
        "Tu tarjeta predeterminada no cambia: Visa •••• 4242. Ya no tendrás tarjeta de respaldo.",
    ),
    (removal(next_default=None), "Ya no tendrás ninguna tarjeta guardada."),
    (
        removal(allowed=False, next_default=None),
        "Es tu única tarjeta y la necesitas para una suscripción o para un importe pendiente de pago. "
        "Puedes agregar otra tarjeta y luego eliminar esta, o cancelar tu suscripción.",
    ),
]


@pytest.mark.parametrize(("preview", "expected"), SENTENCES)
def test_the_effect_of_removing_a_card(preview: RemovalPreview, expected: str) -> None:
    dialog = saved_cards.remove(reader(with_cards(*TWO_CARDS)), preview)
    assert " ".join(dialog.sentences).replace("\xa0", " ") == expected
    assert (dialog.confirm is not None) == preview["allowed"]
    assert dialog.add == (not preview["allowed"])


async def post(stage: Stage, path: str, **fields: str) -> Any:
    async with stage.browser() as browser:
        return await browser.post(path, data={**KEY, **fields})


async def test_each_form_sends_its_command_and_leads_to_the_result() -> None:
    stage = Stage(with_cards(*TWO_CARDS))
    successor = UUID(BACKUP)
    for action, fields, sent in (
        ("default", {}, ("default", UUID(VISA), "k")),
        ("backup", {"consent": "backup-1"}, ("backup", UUID(VISA), "backup-1", "es-419", "k")),
        ("no-backup", {}, ("no-backup", UUID(VISA), "k")),
        ("remove", {"next_default": BACKUP}, ("remove", UUID(VISA), successor, "k")),
    ):
        path = f"/payment-methods/{VISA}/{action}"
        answer = await post(stage, path, **fields)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{path}?after={WALLET}:2")
        assert stage.payments.card_commands[-1] == sent


async def test_a_result_is_shown_only_when_the_view_shows_it() -> None:
    stage = Stage(with_cards(*TWO_CARDS))
    shown = await page(stage, f"/payment-methods/{VISA}/default?after={WALLET}:2")
    assert "Cambiamos tu tarjeta predeterminada" in shown
    assert 'data-toast="' in shown
    pending = await page(stage, f"/payment-methods/{VISA}/remove?after={WALLET}:2")
    assert "Estamos guardando tu cambio" in pending
    assert "data-toast" not in pending
    gone = await page(stage, f"/payment-methods/{uuid4()}/remove?after={WALLET}:2")
    assert "Eliminamos tu tarjeta" in gone


async def test_another_customers_position_shows_no_result() -> None:
    stage = Stage(with_cards(*TWO_CARDS))
    stage.payments.removal = removal()
    shown = await page(stage, f"/payment-methods/{VISA}/remove?after=wallet-{uuid4()}:2")
    assert 'data-sheet="card-action"' in shown


async def test_without_agreeing_to_the_shown_text_nothing_is_sent() -> None:
    stage = Stage(with_cards(*TWO_CARDS))
    for consent in ("", "backup-0"):
        answer = await post(stage, f"/payment-methods/{BACKUP}/backup", consent=consent)
        assert answer.status_code == 422
        assert 'data-code="consent_changed"' in answer.text
    assert stage.payments.card_commands == []


async def test_a_changed_successor_is_shown_before_anything_is_removed() -> None:
    stage = Stage(with_cards(*TWO_CARDS))
    stage.payments.removal = removal()
    stage.payments.refuses = Problem(409, "next_default_changed", "changed")
    answer = await post(stage, f"/payment-methods/{VISA}/remove", next_default=str(uuid4()))
    assert answer.status_code == 422
    assert f'name="next_default" value="{BACKUP}"' in answer.text
    assert "No se eliminó nada" in answer.text


async def test_bad_input_is_refused() -> None:
    stage = Stage(with_cards(*TWO_CARDS))
    assert (await post(stage, f"/payment-methods/{VISA}/sell")).status_code == 404
    assert (await post(stage, f"/payment-methods/{VISA}/remove", next_default="x")).status_code == 422
    assert (await post(stage, f"/payment-methods/{VISA}/default", csrf="of another")).status_code == 409
    await page(stage, f"/payment-methods/{uuid4()}/default", 404)
    await page(stage, f"/payment-methods/{uuid4()}/remove", 404)
    assert stage.payments.card_commands == []


async def test_the_card_page_for_another_card_charges_nothing() -> None:
    shown = await page(Stage(with_cards(*TWO_CARDS)), "/payment-methods/new")
    assert 'data-purpose="add"' in shown
    assert "Ahora no se cobra nada." in words(shown)


async def test_the_api_has_the_same_actions() -> None:
    stage = Stage(with_cards(*TWO_CARDS))
    stage.payments.removal = removal()
    headers = {"x-csrf-token": "csrf-of-ana", "idempotency-key": "k"}
    async with stage.browser() as browser:
        items = (await browser.get("/api/payment-methods")).json()["items"]
        assert [(it["last4"], it["role"], it["state"]) for it in items] == [
            ("4242", "default", "valid"),
            ("1117", "backup", "valid"),
        ]
        assert (await browser.get("/api/overview")).json()["payment_methods"] == items
        text = (await browser.get(f"/api/payment-methods/{BACKUP}/backup")).json()
        assert text["text_version"] == "backup-1"
        preview = (await browser.get(f"/api/payment-methods/{VISA}/removal")).json()
        assert (preview["allowed"], preview["next_default"]["id"], len(preview["statements"])) == (True, BACKUP, 1)
        setup = await browser.post("/api/payment-method/setup", json={"purpose": "add"}, headers=headers)
        assert (setup.status_code, setup.json()["due"], setup.json()["renewals"]) == (201, [], [])
        body = {"setup_id": setup.json()["setup_id"], "token": "tok"}
        added = await browser.post("/api/payment-methods", json=body, headers=headers)
        assert (added.status_code, added.json()["is_default"]) == (201, False)
        for method, path, sent in (
            ("PUT", f"/api/payment-methods/{BACKUP}/default", None),
            ("PUT", f"/api/payment-methods/{BACKUP}/backup", {"text_version": "backup-1"}),
            ("DELETE", f"/api/payment-methods/{BACKUP}/backup", None),
            ("DELETE", f"/api/payment-methods/{BACKUP}?next_default={VISA}", None),
        ):
            assert (await browser.request(method, path, json=sent, headers=headers)).status_code == 202
        old = await browser.put(f"/api/payment-methods/{BACKUP}/backup", json={"text_version": "backup-0"}, headers=headers)
        assert (old.status_code, old.json()["code"]) == (409, "consent_changed")
        unsigned = await browser.put(f"/api/payment-methods/{BACKUP}/default")
        assert (unsigned.status_code, unsigned.json()["code"]) == (403, "csrf_required")
    assert [command[0] for command in stage.payments.card_commands] == ["add", "default", "backup", "no-backup", "remove"]


def owing_with(*methods: Any) -> View:
    view = scenes.owing()
    default = {name: methods[0][name] for name in ("id", "brand", "last4", "exp_month", "exp_year")}
    facts: Any = {**view.facts, "payment_method": {**default, "version": 1}, "payment_methods": list(methods)}
    return replace(view, facts=facts)


async def paying(*methods: Any) -> str:
    stage = Stage(owing_with(*methods))
    stage.invoicing.invoice_is = scenes.whole_invoice(status="failed")
    amount: Money = {"amount_minor": 2999, "currency": "USD"}
    stage.payments.due = [{"invoice_id": scenes.invoice_id(14), "number": "TS-000014", "amount": amount}]
    return await page(stage, f"/invoices/{scenes.invoice_id(14)}/payment")


async def test_an_invoice_is_paid_with_one_of_the_saved_cards() -> None:
    expired = saved("0341", "default", exp_year=2022)
    shown = await paying(*TWO_CARDS)
    assert re.findall(r'type="radio" name="payment_method_id" value="([^"]+)"( checked)?', shown) == [
        (VISA, " checked"),
        (BACKUP, ""),
    ]
    assert 'id="new-card"' in shown
    assert 'type="hidden" name="payment_method_id"' not in shown
    shown = await paying(expired, TWO_CARDS[1])
    assert "radio" not in shown.replace('role="radiogroup"', "")
    assert f'type="hidden" name="payment_method_id" value="{BACKUP}"' in shown
    shown = await paying(expired)
    assert "payment_method_id" not in shown
    assert 'type="submit"' not in shown


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("payment", "Se cobró a tu tarjeta de respaldo Mastercard •••• 1117"),
        ("failed_attempt", "No se pudo cobrar a tu tarjeta de respaldo Mastercard •••• 1117"),
    ],
)
def test_a_movement_names_the_backup_card(kind: str, expected: str) -> None:
    card = {"brand": "mastercard", "last4": "1117"}
    amount = {"amount_minor": -2999, "currency": "USD"}
    moved = {"kind": kind, "date": "2023-05-20", "amount": amount, "payment_method": card, "backup": True}
    [shown] = movements(reader(scenes.view()), scenes.whole_invoice(movements=[moved]), None)
    assert shown.what.replace("\xa0", " ") == expected
