"""Row by row and in both languages: what each state of a subscription, an invoice and a card is called, says and offers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from unit.portal_page import scenes

from portal_gateway.adapters.api.shapes import overview
from portal_gateway.application.answers import Pending, PendingKind, View
from portal_gateway.application.wording import Reader, freshness
from portal_gateway.application.wording_cancellation import result
from portal_gateway.application.wording_invoices import rows
from portal_gateway.application.wording_language import catalogues
from portal_gateway.application.wording_payment import method
from portal_gateway.application.wording_subscription import choices, details, is_kept, notice, summary
from portal_gateway.domain.view import InvoiceStatus

LANGUAGES = ("es", "en")
NEW_CARD = {"brand": "mastercard", "last4": "4444", "exp_month": 1, "exp_year": 2030}
ENDED_IN_MAY = scenes.subscription("canceled", ended_at=scenes.instant(2023, 5, 14))


def reader(view: View, code: str) -> Reader:
    return Reader.of(view, catalogues().language(code))


def pending(kind: PendingKind, **detail: Any) -> tuple[Pending]:
    return ({"kind": kind, "aggregate": f"subscription-{scenes.PREMIUM}", "version": 13, "accepted_at": "", "detail": detail},)


def read(view: View, code: str) -> tuple[str, str, list[str], str]:
    """Badge, sentence with what is owed before it, buttons in their order, total with its label."""
    by, subscription = reader(view, code), view.facts["subscriptions"][0]
    shown, owed = details(by, subscription, view), notice(by, subscription, view)
    sentence = f"{owed.lead} {owed.rest} {shown.says}" if owed else shown.says
    buttons = [owed.pay if owed else None, shown.edit_method, shown.cancel, shown.keep]
    total = summary(by, subscription, view.facts["invoices"])
    return shown.badge.text, sentence, [button for button in buttons if button], f"{total.amount} · {total.label}"


SUBSCRIPTIONS = {
    "trialing": (
        scenes.view(scenes.subscription("trialing")),
        (
            "Prueba gratis",
            "Prueba gratis hasta el 14 de junio de 2023; después 29.99 USD al mes",
            ["Cancelar"],
            "0.00 · Importe total",
        ),
        ("Free trial", "Free trial until June 14, 2023; then 29.99 USD per month", ["Cancel"], "0.00 · Total amount"),
    ),
    "incomplete": (
        scenes.view(scenes.subscription("incomplete")),
        ("Pago pendiente", "Falta confirmar tu primer pago", ["Editar método de pago"], "29.99 · Importe pendiente"),
        ("Payment due", "Your first payment is still to be confirmed", ["Edit payment method"], "29.99 · Amount due"),
    ),
    "incomplete, and the first charge failed": (
        scenes.owing("incomplete", next_attempt_at=None),
        (
            "Pago pendiente",
            "No pudimos cobrar 29.99 USD. Tu banco rechazó la tarjeta Visa •••• 0341 por fondos insuficientes. No volveremos a "
            "intentarlo hasta que actualices tu tarjeta. Conservas el acceso hasta el 28 de mayo. Falta confirmar tu primer pago",
            ["Editar método de pago"],
            "29.99 · Importe pendiente",
        ),
        (
            "Payment due",
            "We could not charge 29.99 USD. Your bank declined the card Visa •••• 0341 for insufficient funds. We will not try "
            "again until you update your card. You keep your access until May 28. Your first payment is still to be confirmed",
            ["Edit payment method"],
            "29.99 · Amount due",
        ),
    ),
    "incomplete, and never confirmed": (
        scenes.view(scenes.subscription("incomplete_expired"), invoices=[scenes.invoice(14, "void")]),
        (
            "Sin activar",
            "No se confirmó tu primer pago y la suscripción no llegó a empezar.",
            [],
            "0.00 · Importe total",
        ),
        (
            "Not activated",
            "Your first payment was not confirmed and the subscription never started.",
            [],
            "0.00 · Total amount",
        ),
    ),
    "active": (
        scenes.view(),
        ("Activa", "Tu suscripción se renueva el 14 de junio de 2023", ["Cancelar suscripción"], "29.99 · Importe total"),
        ("Active", "Your subscription renews on June 14, 2023", ["Cancel subscription"], "29.99 · Total amount"),
    ),
    "active, cancellation scheduled": (
        scenes.view(scenes.ending()),
        (
            "Termina el 14 de junio",
            "Cancelaste el 20 de mayo. Tienes acceso hasta el 14 de junio de 2023; no se te cobrará más.",
            ["Mantener mi suscripción"],
            "29.99 · Importe total",
        ),
        (
            "Ends on June 14",
            "You cancelled on May 20. You have access until June 14, 2023 and will not be charged again.",
            ["Keep my subscription"],
            "29.99 · Total amount",
        ),
    ),
    "past_due": (
        scenes.owing(),
        (
            "Pago pendiente",
            "No pudimos cobrar 29.99 USD. Tu banco rechazó la tarjeta Visa •••• 0341 por fondos insuficientes. Lo intentaremos "
            "de nuevo el 22 de mayo. Conservas el acceso hasta el 28 de mayo. Tu renovación del 14 de mayo está sin pagar.",
            ["Actualizar tarjeta y pagar", "Cancelar"],
            "29.99 · Importe pendiente",
        ),
        (
            "Payment due",
            "We could not charge 29.99 USD. Your bank declined the card Visa •••• 0341 for insufficient funds. We will try again "
            "on May 22. You keep your access until May 28. Your renewal of May 14 is unpaid.",
            ["Update card and pay", "Cancel"],
            "29.99 · Amount due",
        ),
    ),
    "unpaid": (
        scenes.owing("unpaid", next_attempt_at=None, access_until=scenes.instant(2023, 5, 19)),
        (
            "Impagada",
            "No pudimos cobrar 29.99 USD. Tu banco rechazó la tarjeta Visa •••• 0341 por fondos insuficientes. No volveremos a "
            "intentarlo hasta que actualices tu tarjeta. Tu acceso terminó el 19 de mayo. "
            "Debes 29.99 USD. Actualiza tu tarjeta para pagarlo y seguir con tu suscripción.",
            ["Actualizar tarjeta y pagar"],
            "29.99 · Importe pendiente",
        ),
        (
            "Unpaid",
            "We could not charge 29.99 USD. Your bank declined the card Visa •••• 0341 for insufficient funds. We will not try "
            "again until you update your card. Your access ended on May 19. "
            "You owe 29.99 USD. Update your card to pay it and keep your subscription.",
            ["Update card and pay"],
            "29.99 · Amount due",
        ),
    ),
    "canceled": (
        scenes.view(ENDED_IN_MAY),
        ("Terminó", "Terminó el 14 de mayo de 2023", [], "29.99 · Importe total"),
        ("Ended", "Ended on May 14, 2023", [], "29.99 · Total amount"),
    ),
    "paused": (
        scenes.view(scenes.subscription("paused")),
        ("En pausa", "En pausa desde el 14 de mayo", [], "29.99 · Importe total"),
        ("Paused", "Paused since May 14", [], "29.99 · Total amount"),
    ),
    "a cancellation on its way": (
        scenes.view(pending=pending("cancellation")),
        ("En camino", "Tu cancelación está registrada, en camino.", [], "29.99 · Importe total"),
        ("On its way", "Your cancellation is registered, on its way.", [], "29.99 · Total amount"),
    ),
    "a cancellation of what is owed on its way": (
        replace(scenes.owing(), pending=pending("cancellation")),
        ("En camino", "Tu cancelación está registrada, en camino.", [], "29.99 · Importe pendiente"),
        ("On its way", "Your cancellation is registered, on its way.", [], "29.99 · Amount due"),
    ),
    "keeping on its way": (
        scenes.view(scenes.ending(), pending=pending("cancellation_withdrawn")),
        ("En camino", "Tu decisión de mantener la suscripción está registrada, en camino.", [], "29.99 · Importe total"),
        ("On its way", "Your decision to keep the subscription is registered, on its way.", [], "29.99 · Total amount"),
    ),
    "a charge on its way": (
        replace(scenes.owing(), pending=pending("charge", invoice_id=scenes.invoice_id(14))),
        (
            "Pago pendiente",
            "Estamos procesando tu pago de 29.99 USD. Tu banco todavía no responde. Te lo diremos aquí; no hace falta que pagues "
            "otra vez. Tu renovación del 14 de mayo está sin pagar.",
            ["Cancelar"],
            "29.99 · Importe pendiente",
        ),
        (
            "Payment due",
            "We are processing your payment of 29.99 USD. Your bank has not answered yet. We will tell you here; you need not "
            "pay again. Your renewal of May 14 is unpaid.",
            ["Cancel"],
            "29.99 · Amount due",
        ),
    ),
    "an end that has come and that nobody has noticed": (
        scenes.view(scenes.ending(), now=datetime(2023, 6, 14, 18, tzinfo=UTC)),
        (
            "Termina el 14 de junio",
            "Cancelaste el 20 de mayo. Tienes acceso hasta el 14 de junio de 2023; no se te cobrará más.",
            [],
            "29.99 · Importe total",
        ),
        (
            "Ends on June 14",
            "You cancelled on May 20. You have access until June 14, 2023 and will not be charged again.",
            [],
            "29.99 · Total amount",
        ),
    ),
}


@pytest.mark.parametrize(("place", "code"), [(1, "es"), (2, "en")])
@pytest.mark.parametrize("row", SUBSCRIPTIONS)
def test_a_subscription_has_its_badge_its_sentence_its_buttons_and_its_total(row: str, place: int, code: str) -> None:
    assert read(SUBSCRIPTIONS[row][0], code) == SUBSCRIPTIONS[row][place]


@pytest.mark.parametrize("row", SUBSCRIPTIONS)
def test_the_api_and_the_switcher_say_what_the_page_says(row: str) -> None:
    view = SUBSCRIPTIONS[row][0]
    by, subscription = reader(view, "es"), view.facts["subscriptions"][0]
    shown, owed = details(by, subscription, view), notice(by, subscription, view)
    told = overview(view, by.language, None)["subscriptions"][0]
    assert (told["status_text"], told["renewal_text"]) == (shown.badge.text, shown.says)
    assert told["debt_text"] == (f"{owed.lead} {owed.rest}" if owed else None)
    assert [choice.badge for choice in choices(by, [subscription], subscription, view)] == [shown.badge]


INVOICES = {
    "es": ["Pagado", "Pendiente", "Procesando", "Fallido", "Anulado", "Incobrable", "Reembolsado"],
    "en": ["Paid", "Open", "Processing", "Failed", "Void", "Uncollectible", "Refunded"],
}


@pytest.mark.parametrize("code", LANGUAGES)
def test_an_invoice_has_a_word_for_each_status(code: str) -> None:
    by = reader(scenes.view(), code)
    shown = rows(by, [scenes.invoice(14, status) for status in get_args(InvoiceStatus)], ())
    assert [row.badge.text for row in shown] == INVOICES[code]


@pytest.mark.parametrize(("code", "word"), [("es", "Procesando"), ("en", "Processing")])
def test_an_invoice_whose_charge_is_on_its_way_is_being_processed_on_the_page_and_in_the_api(code: str, word: str) -> None:
    view = scenes.view(invoices=[scenes.invoice(14, "failed")], pending=pending("charge", invoice_id=scenes.invoice_id(14)))
    by = reader(view, code)
    assert rows(by, view.facts["invoices"], view.pending)[0].badge.text == word
    told = overview(view, by.language, None)["invoices"]["items"][0]
    assert (told["status"], told["status_text"]) == ("processing", word)


CARDS: dict[str, tuple[dict[str, Any], list[str | None], list[str | None]]] = {
    "valid": (
        {},
        ["Visa •••• 4242", "Vence 12/2025", None, None, "Editar método de pago"],
        ["Visa •••• 4242", "Expires 12/2025", None, None, "Edit payment method"],
    ),
    "expiring": (
        {"exp_month": 6, "exp_year": 2023},
        [
            "Visa •••• 4242",
            "Vence 06/2023",
            "Vence pronto",
            "Actualízala antes de que venza para no perder tu suscripción.",
            "Editar método de pago",
        ],
        [
            "Visa •••• 4242",
            "Expires 06/2023",
            "Expires soon",
            "Update it before it expires so as not to lose your subscription.",
            "Edit payment method",
        ],
    ),
    "expired": (
        {"exp_month": 4, "exp_year": 2023},
        [
            "Visa •••• 4242",
            "Venció 04/2023",
            "Vencida",
            "Tu próximo cobro no pasará. Actualízala para no perder tu suscripción.",
            "Editar método de pago",
        ],
        [
            "Visa •••• 4242",
            "Expired 04/2023",
            "Expired",
            "Your next charge will fail. Update it so as not to lose your subscription.",
            "Edit payment method",
        ],
    ),
    "none": (
        {"none": True},
        [
            "No tienes una tarjeta guardada",
            "",
            None,
            "Agrega una para que tus renovaciones se paguen solas.",
            "Agregar método de pago",
        ],
        ["You have no card on file", "", None, "Add one so that your renewals are paid by themselves.", "Add payment method"],
    ),
    "on its way": (
        {"pending": True},
        ["Mastercard •••• 4444", "Vence 01/2030", None, "Tu nueva tarjeta está registrada, en camino.", None],
        ["Mastercard •••• 4444", "Expires 01/2030", None, "Your new card is registered, on its way.", None],
    ),
}


def with_card(changes: dict[str, Any], *subscriptions: Any) -> View:
    if "pending" in changes:
        return scenes.view(*subscriptions, pending=pending("payment_method", **NEW_CARD))
    card: dict[str, Any] = {**scenes.facts()["payment_method"], **changes}  # type: ignore[dict-item]
    return scenes.view(*subscriptions, payment_method=None if "none" in changes else card)


@pytest.mark.parametrize(("place", "code"), [(1, "es"), (2, "en")])
@pytest.mark.parametrize("row", CARDS)
def test_a_card_says_whether_it_will_still_be_good(row: str, place: int, code: str) -> None:
    view = with_card(CARDS[row][0])
    found = method(reader(view, code), view)
    badge = found.badge.text if found.badge else None
    assert [found.label, found.expiry, badge, found.hint, found.button] == CARDS[row][place]


@pytest.mark.parametrize("row", ["expiring", "expired", "none"])
@pytest.mark.parametrize("subscription", [ENDED_IN_MAY, scenes.ending()], ids=["ended", "ending"])
def test_nobody_is_hurried_to_mend_a_card_that_will_not_be_charged(row: str, subscription: Any) -> None:
    view = with_card(CARDS[row][0], subscription)
    assert method(reader(view, "es"), view).hint is None


LATE = {
    "fresh": (False, 3, None, None),
    "less than a minute": (
        True,
        40,
        "Estos datos son de hace menos de un minuto: hay cambios recientes que todavía no vemos.",
        "This is as of less than a minute ago: there are recent changes that we do not see yet.",
    ),
    "minutes": (
        True,
        185,
        "Estos datos son de hace 3 minutos: hay cambios recientes que todavía no vemos.",
        "This is as of 3 minutes ago: there are recent changes that we do not see yet.",
    ),
    "nobody knows since when": (
        True,
        0,
        "Puede haber cambios recientes que todavía no vemos.",
        "There may be recent changes that we do not see yet.",
    ),
}


@pytest.mark.parametrize("row", LATE)
def test_what_is_behind_says_so_with_its_age(row: str) -> None:
    stale, seconds, spanish, english = LATE[row]
    now = datetime.now(UTC)
    view = scenes.view(stale=stale, as_of=now - timedelta(seconds=seconds))
    assert [freshness(view, catalogues().language(code), now) for code in LANGUAGES] == [spanish, english]


@pytest.mark.parametrize(
    ("view", "kept"),
    [
        (scenes.view(), True),
        (scenes.view(scenes.ending()), False),
        (scenes.view(scenes.ending(), pending=pending("cancellation_withdrawn")), True),
        (scenes.view(ENDED_IN_MAY), False),
    ],
)
def test_nobody_is_told_that_they_keep_what_ends(view: View, kept: bool) -> None:
    assert is_kept(view.facts["subscriptions"][0], view) is kept


def test_the_result_of_a_cancellation_that_is_being_undone_offers_nothing_twice() -> None:
    view = scenes.view(scenes.ending(), pending=pending("cancellation_withdrawn"))
    found = result(reader(view, "es"), view.facts["subscriptions"][0], view, 13)
    assert found is not None
    assert (found.says, found.mind) == ("Tu decisión de mantener la suscripción está registrada, en camino.", None)


def test_a_reference_that_an_address_invents_is_not_shown() -> None:
    view = scenes.view(ENDED_IN_MAY)
    found = result(reader(view, "es"), view.facts["subscriptions"][0], view, 999)
    assert found is not None
    assert (found.title, found.reference) == ("Esta suscripción ya terminó", None)
