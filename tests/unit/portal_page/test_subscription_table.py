"""Table in both languages: badge, sentence, buttons and price of each state of a subscription."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from portal_gateway.adapters.api.representations import overview
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.details import details
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.presentation.notice import notice
from portal_gateway.application.presentation.summary import summary
from portal_gateway.application.presentation.switcher import choices
from portal_gateway.application.view import Pending, PendingKind, View
from support.portal_page import scenes
from support.portal_page.fakes import Stage


def unpaid(**changes: Any) -> View:
    return scenes.owing("unpaid", next_attempt_at=None, access_until=scenes.instant(2023, 5, 19), **changes)


def cardless(view: View) -> View:
    invoices = [scenes.invoice(14, "failed", payment_method=None)]
    return replace(view, facts={**view.facts, "payment_method": None, "invoices": invoices})


def reader(view: View, code: str) -> Reader:
    return Reader.of(view, catalogues().language(code))


def pending(kind: PendingKind, **detail: Any) -> tuple[Pending]:
    return ({"kind": kind, "aggregate": f"subscription-{scenes.PREMIUM}", "version": 13, "accepted_at": "", "detail": detail},)


def read(view: View, code: str) -> tuple[str, str, list[str], str]:
    """Badge, sentence preceded by the debt, buttons in order, the summary's amount, label and next charge."""
    by, subscription = reader(view, code), view.facts["subscriptions"][0]
    shown, owed = details(by, subscription, view), notice(by, subscription, view)
    sentence = f"{owed.lead} {owed.rest} {shown.says}" if owed else shown.says
    buttons = [owed.pay if owed else None, shown.edit_method, shown.cancel, shown.end_now, shown.keep]
    total = summary(by, subscription, view)
    charges = " · ".join(part for part in (total.amount, total.label, total.next) if part)
    return shown.badge.text, sentence, [button for button in buttons if button], charges


SUBSCRIPTIONS = {
    "trialing": (
        scenes.view(scenes.subscription("trialing")),
        (
            "Prueba gratis",
            "Prueba gratis hasta el 14 de junio de 2023; después 29.99 USD al mes",
            ["Cancelar suscripción"],
            "0.00 · Importe total · Próximo cobro: 29.99 USD el 14 de junio de 2023 con Visa •••• 4242",
        ),
        (
            "Free trial",
            "Free trial until June 14, 2023; then 29.99 USD per month",
            ["Cancel subscription"],
            "0.00 · Total amount · Next charge: 29.99 USD on June 14, 2023 with Visa •••• 4242",
        ),
    ),
    "incomplete": (
        scenes.view(scenes.subscription("incomplete")),
        (
            "Pendiente de pago",
            "Aún falta confirmar tu primer pago",
            ["Editar método de pago", "Cancelar suscripción"],
            "29.99 · Importe pendiente · Venció el 14 de mayo de 2023",
        ),
        (
            "Payment due",
            "Your first payment hasn't been confirmed yet",
            ["Edit payment method", "Cancel subscription"],
            "29.99 · Amount due · It was due on May 14, 2023",
        ),
    ),
    "incomplete, and the first charge failed": (
        scenes.owing("incomplete", next_attempt_at=None),
        (
            "Pendiente de pago",
            "No pudimos cobrar 29.99 USD. Tu banco rechazó la tarjeta Visa •••• 0341 por fondos insuficientes. No volveremos "
            "a intentarlo hasta que actualices tu tarjeta. Conservas el acceso hasta el 28 de mayo. Aún falta confirmar tu "
            "primer pago",
            ["Actualizar tarjeta y pagar", "Cancelar suscripción"],
            "29.99 · Importe pendiente · Venció el 14 de mayo de 2023",
        ),
        (
            "Payment due",
            "We couldn't charge 29.99 USD. Your bank declined Visa •••• 0341 because of insufficient funds. We won't try "
            "again until you update your card. You keep your access until May 28. Your first payment hasn't been confirmed "
            "yet",
            ["Update card and pay", "Cancel subscription"],
            "29.99 · Amount due · It was due on May 14, 2023",
        ),
    ),
    "incomplete, and no card on file": (
        cardless(scenes.owing("incomplete", reason="no_payment_method", next_attempt_at=None)),
        (
            "Pendiente de pago",
            "Aún falta tu primer pago de 29.99 USD. No tienes una tarjeta guardada. Agrega una tarjeta para pagar. Conservas "
            "el acceso hasta el 28 de mayo. Aún falta confirmar tu primer pago",
            ["Agregar tarjeta y pagar 29.99 USD", "Cancelar suscripción"],
            "29.99 · Importe pendiente · Venció el 14 de mayo de 2023",
        ),
        (
            "Payment due",
            "Your first payment of 29.99 USD is due. You don't have a card on file. Add a card to pay. You keep your access "
            "until May 28. Your first payment hasn't been confirmed yet",
            ["Add a card and pay 29.99 USD", "Cancel subscription"],
            "29.99 · Amount due · It was due on May 14, 2023",
        ),
    ),
    "incomplete, and never confirmed": (
        scenes.view(scenes.subscription("incomplete_expired"), invoices=[scenes.invoice(14, "void")]),
        (
            "Sin activar",
            "No se confirmó tu primer pago y la suscripción no se activó.",
            [],
            "Sin próximos cobros",
        ),
        (
            "Not activated",
            "Your first payment wasn't confirmed, so the subscription wasn't activated.",
            [],
            "No upcoming charges",
        ),
    ),
    "active": (
        scenes.view(),
        (
            "Activa",
            "Tu suscripción se renueva el 14 de junio de 2023",
            ["Cancelar suscripción"],
            "29.99 · Importe total · Próximo cobro: 14 de junio de 2023 con Visa •••• 4242",
        ),
        (
            "Active",
            "Your subscription renews on June 14, 2023",
            ["Cancel subscription"],
            "29.99 · Total amount · Next charge: June 14, 2023 with Visa •••• 4242",
        ),
    ),
    "active, cancellation scheduled": (
        scenes.view(scenes.ending()),
        (
            "Termina el 14 de junio",
            "Cancelaste tu suscripción el 20 de mayo. Tienes acceso hasta el 14 de junio de 2023 y no te haremos más cobros.",
            ["Terminar hoy mismo", "Mantener mi suscripción"],
            "29.99 · Último período, ya pagado · Sin próximos cobros",
        ),
        (
            "Ends on June 14",
            "You canceled on May 20. You have access until June 14, 2023 and won't be charged again.",
            ["End immediately", "Keep my subscription"],
            "29.99 · Last period, already paid · No upcoming charges",
        ),
    ),
    "past_due": (
        scenes.owing(),
        (
            "Pendiente de pago",
            "No pudimos cobrar 29.99 USD. Tu banco rechazó la tarjeta Visa •••• 0341 por fondos insuficientes. Lo intentaremos "
            "de nuevo el 22 de mayo. Conservas el acceso hasta el 28 de mayo. La renovación del 14 de mayo está pendiente de "
            "pago.",
            ["Actualizar tarjeta y pagar", "Cancelar suscripción"],
            "29.99 · Importe pendiente · Venció el 14 de mayo de 2023",
        ),
        (
            "Payment due",
            "We couldn't charge 29.99 USD. Your bank declined Visa •••• 0341 because of insufficient funds. We'll try again "
            "on May 22. You keep your access until May 28. Payment for the May 14 renewal is due.",
            ["Update card and pay", "Cancel subscription"],
            "29.99 · Amount due · It was due on May 14, 2023",
        ),
    ),
    "unpaid": (
        unpaid(),
        (
            "Pendiente de pago",
            "No pudimos cobrar 29.99 USD. Tu banco rechazó la tarjeta Visa •••• 0341 por fondos insuficientes. No volveremos a "
            "intentarlo hasta que actualices tu tarjeta. Tu acceso terminó el 19 de mayo. "
            "Tienes un importe pendiente de 29.99 USD. Actualiza tu tarjeta para pagarlo y conservar tu suscripción.",
            ["Actualizar tarjeta y pagar", "Cancelar suscripción"],
            "29.99 · Importe pendiente · Venció el 14 de mayo de 2023",
        ),
        (
            "Payment due",
            "We couldn't charge 29.99 USD. Your bank declined Visa •••• 0341 because of insufficient funds. We won't try "
            "again until you update your card. Your access ended on May 19. You owe 29.99 USD. Update your card to pay it "
            "and keep your subscription.",
            ["Update card and pay", "Cancel subscription"],
            "29.99 · Amount due · It was due on May 14, 2023",
        ),
    ),
    "unpaid, and no card on file": (
        cardless(unpaid(reason="no_payment_method")),
        (
            "Pendiente de pago",
            "No pudimos cobrar 29.99 USD. No tienes una tarjeta guardada. Agrega una tarjeta para pagar. Tu acceso terminó "
            "el 19 de mayo. Tienes un importe pendiente de 29.99 USD. Agrega una tarjeta para pagarlo y conservar tu "
            "suscripción.",
            ["Agregar tarjeta y pagar", "Cancelar suscripción"],
            "29.99 · Importe pendiente · Venció el 14 de mayo de 2023",
        ),
        (
            "Payment due",
            "We couldn't charge 29.99 USD. You don't have a card on file. Add a card to pay. Your access ended on May 19. "
            "You owe 29.99 USD. Add a card to pay it and keep your subscription.",
            ["Add a card and pay", "Cancel subscription"],
            "29.99 · Amount due · It was due on May 14, 2023",
        ),
    ),
    "unpaid, and being charged": (
        replace(unpaid(), pending=pending("charge", invoice_id=scenes.invoice_id(14))),
        (
            "Pendiente de pago",
            "Estamos procesando tu pago de 29.99 USD. Tu banco aún no responde. Te avisaremos aquí; no necesitas pagar de "
            "nuevo. La renovación del 14 de mayo está pendiente de pago.",
            ["Cancelar suscripción"],
            "29.99 · Importe pendiente · Venció el 14 de mayo de 2023",
        ),
        (
            "Payment due",
            "We're processing your payment of 29.99 USD. Your bank hasn't responded yet. We'll update this page; there's no "
            "need to pay again. Payment for the May 14 renewal is due.",
            ["Cancel subscription"],
            "29.99 · Amount due · It was due on May 14, 2023",
        ),
    ),
    "canceled": (
        scenes.view(scenes.subscription("canceled", ended_at=scenes.instant(2023, 5, 14))),
        ("Terminada", "Terminó el 14 de mayo de 2023", [], "Sin próximos cobros · Último período: 29.99 USD"),
        ("Ended", "Ended on May 14, 2023", [], "No upcoming charges · Last period: 29.99 USD"),
    ),
    "canceled, and access had ended before": (
        scenes.view(
            scenes.subscription("canceled", ended_at=scenes.instant(2023, 5, 20), access_until=scenes.instant(2023, 5, 15)),
            invoices=[scenes.invoice(14, "void")],
        ),
        (
            "Terminada",
            "Terminó el 20 de mayo de 2023; tu acceso ya había terminado el 15 de mayo de 2023.",
            [],
            "Sin próximos cobros",
        ),
        ("Ended", "Ended on May 20, 2023; your access had already ended on May 15, 2023.", [], "No upcoming charges"),
    ),
    "active, cancellation scheduled while its renewal is being charged": (
        scenes.view(scenes.ending(), invoices=[scenes.invoice(14, "processing")]),
        (
            "Termina el 14 de junio",
            "Cancelaste tu suscripción el 20 de mayo. Si se completa el pago en proceso, tendrás acceso hasta el 14 de junio "
            "de 2023; después no te haremos más cobros.",
            ["Terminar hoy mismo", "Mantener mi suscripción"],
            "29.99 · Último período · Sin próximos cobros",
        ),
        (
            "Ends on June 14",
            "You canceled on May 20. If the payment being processed goes through, you'll have access until June 14, 2023; "
            "you won't be charged after that.",
            ["End immediately", "Keep my subscription"],
            "29.99 · Last period · No upcoming charges",
        ),
    ),
    "paused": (
        scenes.view(scenes.subscription("paused")),
        ("En pausa", "En pausa desde el 14 de mayo", ["Cancelar suscripción"], "29.99 · Importe total"),
        ("Paused", "Paused since May 14", ["Cancel subscription"], "29.99 · Total amount"),
    ),
    "a cancellation on its way": (
        scenes.view(pending=pending("cancellation")),
        ("En proceso", "Registramos tu cancelación y la estamos procesando.", [], "29.99 · Importe total"),
        ("Processing", "We've received your cancellation and are processing it.", [], "29.99 · Total amount"),
    ),
    "a cancellation of what is owed on its way": (
        replace(scenes.owing(), pending=pending("cancellation")),
        (
            "En proceso",
            "Registramos tu cancelación y la estamos procesando.",
            [],
            "29.99 · Importe pendiente · Venció el 14 de mayo de 2023",
        ),
        (
            "Processing",
            "We've received your cancellation and are processing it.",
            [],
            "29.99 · Amount due · It was due on May 14, 2023",
        ),
    ),
    "keeping on its way": (
        scenes.view(scenes.ending(), pending=pending("cancellation_withdrawn")),
        ("En proceso", "Registramos que mantienes tu suscripción; lo verás aquí en unos instantes.", [], "29.99 · Importe total"),
        (
            "Processing",
            "We've recorded that you're keeping your subscription; you'll see it here shortly.",
            [],
            "29.99 · Total amount",
        ),
    ),
    "a charge on its way": (
        replace(scenes.owing(), pending=pending("charge", invoice_id=scenes.invoice_id(14))),
        (
            "Pendiente de pago",
            "Estamos procesando tu pago de 29.99 USD. Tu banco aún no responde. Te avisaremos aquí; no necesitas pagar de "
            "nuevo. La renovación del 14 de mayo está pendiente de pago.",
            ["Cancelar suscripción"],
            "29.99 · Importe pendiente · Venció el 14 de mayo de 2023",
        ),
        (
            "Payment due",
            "We're processing your payment of 29.99 USD. Your bank hasn't responded yet. We'll update this page; there's no "
            "need to pay again. Payment for the May 14 renewal is due.",
            ["Cancel subscription"],
            "29.99 · Amount due · It was due on May 14, 2023",
        ),
    ),
    "an end that has come and has no event yet": (
        scenes.view(scenes.ending(), now=datetime(2023, 6, 14, 18, tzinfo=UTC)),
        (
            "Terminada",
            "Cancelaste tu suscripción el 20 de mayo. Tu acceso terminó el 14 de junio de 2023.",
            [],
            "Sin próximos cobros · Último período: 29.99 USD",
        ),
        (
            "Ended",
            "You canceled on May 20. Your access ended on June 14, 2023.",
            [],
            "No upcoming charges · Last period: 29.99 USD",
        ),
    ),
}


CODES = {
    "trialing": ("trialing", None),
    "incomplete": ("incomplete", None),
    "incomplete, and the first charge failed": ("incomplete", "failed"),
    "incomplete, and no card on file": ("incomplete", "first_payment"),
    "incomplete, and never confirmed": ("incomplete_expired", None),
    "active": ("active", None),
    "active, cancellation scheduled": ("ending", None),
    "past_due": ("past_due", "failed"),
    "unpaid": ("unpaid", "failed"),
    "unpaid, and no card on file": ("unpaid", "failed"),
    "unpaid, and being charged": ("unpaid", "processing"),
    "canceled": ("canceled", None),
    "canceled, and access had ended before": ("canceled", None),
    "active, cancellation scheduled while its renewal is being charged": ("ending", None),
    "paused": ("paused", None),
    "a cancellation on its way": ("pending", None),
    "a cancellation of what is owed on its way": ("pending", None),
    "keeping on its way": ("pending", None),
    "a charge on its way": ("past_due", "processing"),
    "an end that has come and has no event yet": ("canceled", None),
}
"""Row -> the codes of badge and notice, by which tests outside of these tables find them."""


@pytest.mark.parametrize("row", SUBSCRIPTIONS)
async def test_badge_and_notice_have_their_codes_on_the_page(row: str) -> None:
    view = SUBSCRIPTIONS[row][0]
    async with Stage(view).browser() as browser:
        html = (await browser.get("/")).text
    pane = html[html.index('id="pane-notice"') : html.index('id="pane-payment_method"')]
    status, notice_code = CODES[row]
    assert re.findall(r'data-status="(\w+)"', pane) == [status]
    assert re.findall(r'data-notice="(\w+)"', pane) == ([notice_code] if notice_code else [])


@pytest.mark.parametrize(("place", "code"), [(1, "es"), (2, "en")])
@pytest.mark.parametrize("row", SUBSCRIPTIONS)
def test_a_subscription_has_its_badge_sentence_buttons_and_total(row: str, place: int, code: str) -> None:
    assert read(SUBSCRIPTIONS[row][0], code) == SUBSCRIPTIONS[row][place]


@pytest.mark.parametrize("row", SUBSCRIPTIONS)
def test_api_and_switcher_agree_with_the_page(row: str) -> None:
    view = SUBSCRIPTIONS[row][0]
    by, subscription = reader(view, "es"), view.facts["subscriptions"][0]
    shown, owed = details(by, subscription, view), notice(by, subscription, view)
    api_subscription = overview(view, by.language, None)["subscriptions"][0]
    assert (api_subscription["status_text"], api_subscription["renewal_text"]) == (shown.badge.text, shown.says)
    assert api_subscription["debt_text"] == (f"{owed.lead} {owed.rest}" if owed else None)
    assert [choice.badge for choice in choices(by, [subscription], subscription, view)] == [shown.badge]
