"""Tables in both languages: invoice statuses, card states and staleness."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from portal_gateway.adapters.api.representations import overview
from portal_gateway.application.presentation.cancellation import result
from portal_gateway.application.presentation.common import Reader, freshness
from portal_gateway.application.presentation.details import is_kept
from portal_gateway.application.presentation.invoices import rows
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.presentation.payment_method import method, removed_by_provider, warning
from portal_gateway.application.view import Pending, PendingKind, View
from portal_gateway.domain.view import InvoiceStatus
from support.portal_page import scenes

LANGUAGES = ("es", "en")
NEW_CARD = {"brand": "mastercard", "last4": "4444", "exp_month": 1, "exp_year": 2030}
ENDED_IN_MAY = scenes.subscription("canceled", ended_at=scenes.instant(2023, 5, 14))


def reader(view: View, code: str) -> Reader:
    return Reader.of(view, catalogues().language(code))


def pending(kind: PendingKind, **detail: Any) -> tuple[Pending]:
    return ({"kind": kind, "aggregate": f"subscription-{scenes.PREMIUM}", "version": 13, "accepted_at": "", "detail": detail},)


INVOICES = {
    "es": ["Pagado", "Pendiente de pago", "En proceso", "Pago fallido", "Anulado", "Incobrable", "Reembolsado"],
    "en": ["Paid", "Payment due", "Processing", "Payment failed", "Void", "Uncollectible", "Refunded"],
}


@pytest.mark.parametrize("code", LANGUAGES)
def test_an_invoice_has_a_text_for_each_status(code: str) -> None:
    by = reader(scenes.view(), code)
    shown = rows(by, [scenes.invoice(14, status) for status in get_args(InvoiceStatus)], ())
    assert [row.badge.text for row in shown] == INVOICES[code]
    assert [row.badge.code for row in shown] == list(get_args(InvoiceStatus))


@pytest.mark.parametrize(("code", "word"), [("es", "En proceso"), ("en", "Processing")])
def test_an_invoice_with_an_accepted_charge_is_processing_on_the_page_and_in_the_api(code: str, word: str) -> None:
    view = scenes.view(invoices=[scenes.invoice(14, "failed")], pending=pending("charge", invoice_id=scenes.invoice_id(14)))
    by = reader(view, code)
    assert rows(by, view.facts["invoices"], view.pending)[0].badge.text == word
    api_invoice = overview(view, by.language, None)["invoices"]["items"][0]
    assert (api_invoice["status"], api_invoice["status_text"]) == ("processing", word)


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
            None,
            "Editar método de pago",
        ],
        [
            "Visa •••• 4242",
            "Expires 06/2023",
            "Expires soon",
            None,
            "Edit payment method",
        ],
    ),
    "expired": (
        {"exp_month": 4, "exp_year": 2023},
        [
            "Visa •••• 4242",
            "Venció 04/2023",
            "Vencida",
            None,
            "Editar método de pago",
        ],
        [
            "Visa •••• 4242",
            "Expired 04/2023",
            "Expired",
            None,
            "Edit payment method",
        ],
    ),
    "none": (
        {"none": True},
        [
            "No tienes una tarjeta guardada",
            "",
            None,
            "Agrega una para que tus renovaciones se cobren automáticamente.",
            "Agregar método de pago",
        ],
        ["You don't have a card on file", "", None, "Add one so your renewals are paid automatically.", "Add payment method"],
    ),
    "on its way": (
        {"pending": True},
        ["Mastercard •••• 4444", "Vence 01/2030", None, "Guardamos tu nueva tarjeta; la verás aquí en unos instantes.", None],
        ["Mastercard •••• 4444", "Expires 01/2030", None, "Your new card is saved and will appear here shortly.", None],
    ),
}


def with_card(changes: dict[str, Any], *subscriptions: Any) -> View:
    if "pending" in changes:
        return scenes.view(*subscriptions, pending=pending("payment_method", **NEW_CARD))
    if "detached" in changes:
        return scenes.view(*subscriptions, payment_method=None, detached_card=scenes.detached(was_default=True))
    card: dict[str, Any] = {**scenes.facts()["payment_method"], **changes}  # type: ignore[dict-item]
    return scenes.view(*subscriptions, payment_method=None if "none" in changes else card)


@pytest.mark.parametrize(("place", "code"), [(1, "es"), (2, "en")])
@pytest.mark.parametrize("row", CARDS)
def test_a_card_shows_whether_it_expires(row: str, place: int, code: str) -> None:
    view = with_card(CARDS[row][0])
    card = method(reader(view, code), view)
    badge = card.badge.text if card.badge else None
    assert [card.label, card.expiry, badge, card.hint, card.button] == CARDS[row][place]
    assert (card.badge.code if card.badge else None) == (row if row in ("expiring", "expired") else None)


@pytest.mark.parametrize("row", ["expiring", "expired", "none"])
@pytest.mark.parametrize("subscription", [ENDED_IN_MAY, scenes.ending()], ids=["ended", "ending"])
def test_a_card_that_will_not_be_charged_has_no_hint(row: str, subscription: Any) -> None:
    view = with_card(CARDS[row][0], subscription)
    assert method(reader(view, "es"), view).hint is None


WARNINGS = {
    "expiring": (
        "warn",
        "Tu tarjeta Visa •••• 4242 vence pronto. Actualiza tu tarjeta antes de que venza para no perder tu suscripción.",
        "Your card Visa •••• 4242 expires soon. Update your card before it expires to keep your subscription.",
    ),
    "expired": (
        "bad",
        "Tu tarjeta Visa •••• 4242 está vencida. No podremos hacer tu próximo cobro. Actualiza tu tarjeta para no perder tu "
        "suscripción.",
        "Your card Visa •••• 4242 has expired. Your next payment will fail. Update your card to keep your subscription.",
    ),
    "detached": (
        "bad",
        "Ya no podemos cobrar a tu tarjeta Mastercard •••• 1117. No podremos hacer tu próximo cobro. Agrega una tarjeta para no "
        "perder tu suscripción.",
        "Your card Mastercard •••• 1117 can no longer be charged. Your next payment will fail. Add a card to keep your "
        "subscription.",
    ),
}
CHANGES = {row: changes for row, (changes, *_) in CARDS.items()} | {"detached": {"detached": True}}


@pytest.mark.parametrize("row", WARNINGS)
def test_a_card_that_will_fail_has_a_notice_with_a_button(row: str) -> None:
    tone, spanish, english = WARNINGS[row]
    view = with_card(CHANGES[row])
    for code, expected in (("es", spanish), ("en", english)):
        card_warning = warning(reader(view, code), view)
        assert card_warning is not None
        assert (card_warning.tone, f"{card_warning.lead} {card_warning.rest}") == (tone, expected)
        assert card_warning.pay is not None


@pytest.mark.parametrize("row", ["valid", "none", "on its way"])
def test_another_card_has_no_notice(row: str) -> None:
    view = with_card(CARDS[row][0])
    assert warning(reader(view, "es"), view) is None


@pytest.mark.parametrize("row", WARNINGS)
@pytest.mark.parametrize("subscription", [ENDED_IN_MAY, scenes.ending()], ids=["ended", "ending"])
def test_a_card_that_will_not_be_charged_has_no_notice(row: str, subscription: Any) -> None:
    view = with_card(CHANGES[row], subscription)
    assert warning(reader(view, "es"), view) is None


REMOVED = {
    "es": [
        "Quitamos Mastercard •••• 1117 porque ya no podemos cobrar a esa tarjeta.",
        "Quitamos Mastercard •••• 1117 porque ya no podemos cobrar a esa tarjeta. Tu tarjeta predeterminada ahora es "
        "Visa •••• 4242.",
    ],
    "en": [
        "We removed Mastercard •••• 1117 because it can no longer be charged.",
        "We removed Mastercard •••• 1117 because it can no longer be charged. Your default card is now Visa •••• 4242.",
    ],
}


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_card_that_the_provider_has_no_longer_is_named_for_a_month(code: str) -> None:
    another, default = scenes.detached(), scenes.detached(was_default=True)
    alone = scenes.view(payment_method=None, detached_card=default)
    views = scenes.view(detached_card=another), scenes.view(detached_card=default), alone
    assert [removed_by_provider(reader(view, code), view) for view in views] == [*REMOVED[code], REMOVED[code][0]]
    later = scenes.view(detached_card=another, now=datetime(2023, 6, 16, tzinfo=UTC))
    assert removed_by_provider(reader(later, code), later) is None


LATE = {
    "fresh": (False, 3, None, None),
    "less than a minute": (
        True,
        40,
        "Datos de hace menos de un minuto. Puede haber cambios recientes que aún no se muestran.",
        "Updated less than a minute ago. Recent changes may not appear yet.",
    ),
    "minutes": (
        True,
        185,
        "Datos de hace 3 minutos. Puede haber cambios recientes que aún no se muestran.",
        "Updated 3 minutes ago. Recent changes may not appear yet.",
    ),
    "nobody knows since when": (
        True,
        0,
        "Puede haber cambios recientes que aún no se muestran.",
        "Recent changes may not appear yet.",
    ),
}


@pytest.mark.parametrize("row", LATE)
def test_stale_facts_are_shown_with_their_age(row: str) -> None:
    stale, seconds, spanish, english = LATE[row]
    now = datetime.now(UTC)
    view = scenes.view(stale=stale, as_of=now - timedelta(seconds=seconds))
    assert [freshness(view, catalogues().language(code), now) for code in LANGUAGES] == [spanish, english]


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (scenes.view(), True),
        (scenes.view(scenes.ending()), False),
        (scenes.view(scenes.ending(), pending=pending("cancellation_withdrawn")), True),
        (scenes.view(ENDED_IN_MAY), False),
    ],
)
def test_a_subscription_that_ends_is_not_announced_as_kept(view: View, expected: bool) -> None:
    assert is_kept(view.facts["subscriptions"][0], view) is expected


def test_a_cancellation_that_is_being_withdrawn_offers_no_second_withdrawal() -> None:
    view = scenes.view(scenes.ending(), pending=pending("cancellation_withdrawn"))
    outcome = result(reader(view, "es"), view.facts["subscriptions"][0], view, 13)
    assert outcome is not None
    assert outcome.code == "withdrawal_pending"
    assert (outcome.says, outcome.mind) == ("Registramos que mantienes tu suscripción; lo verás aquí en unos instantes.", None)


def test_a_forged_reference_is_not_shown() -> None:
    view = scenes.view(ENDED_IN_MAY)
    outcome = result(reader(view, "es"), view.facts["subscriptions"][0], view, 999)
    assert outcome is not None
    assert (outcome.title, outcome.reference) == ("Esta suscripción ya terminó", None)
