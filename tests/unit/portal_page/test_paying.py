"""Paying with the card on file: the offer, the list before the confirmation, and the result."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from httpx import Response

from chassis.http.problems import Problem
from portal_gateway.application.presentation.card_change import SAYS
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.failure_reasons import REASONS
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.presentation.notice import notice
from portal_gateway.application.presentation.payment import LATER, does, lines
from portal_gateway.application.presentation.payment_offer import Offer, offer
from portal_gateway.application.presentation.problems import BY_CODE, explain
from portal_gateway.application.results import DueCharge
from portal_gateway.application.view import View
from support.portal_page import scenes
from support.portal_page.fakes import Stage
from support.portal_page.sentences import spanish

UNPAID = scenes.invoice_id(14)
PAY = f"/invoices/{UNPAID}/payment"
CARD_ID = "0b1ff5a0-0000-4000-8000-00000000cafe"
CARD = {"id": CARD_ID, "brand": "visa", "last4": "0341", "exp_month": 12, "exp_year": 2025, "version": 1}
FAILED = [{"kind": "failed_attempt", "date": "2023-05-14", "amount": {"amount_minor": 0, "currency": "USD"}, "reason": "x"}]


def owing(status: str = "past_due", card: dict[str, Any] | None = CARD, **changes: Any) -> View:
    return replace_facts(scenes.owing(status, **changes), payment_method=card)


def replace_facts(view: View, **changes: Any) -> View:
    return replace(view, facts={**view.facts, **changes})  # type: ignore[typeddict-item]


def due(number: str | None = "TS-000014", invoice: str = UNPAID, amount: int = 2999, month: int = 5, **more: Any) -> DueCharge:
    charge: dict[str, Any] = {"invoice_id": invoice, "number": number, "amount": {"amount_minor": amount, "currency": "USD"}}
    period = {"start": scenes.instant(2023, month, 14), "end": scenes.instant(2023, month + 1, 14)}
    return {**charge, "subscription_id": scenes.PREMIUM, "period": period, **more}  # type: ignore[typeddict-item]


def begun(month: int = 6) -> DueCharge:
    return due(None, str(UUID(int=month)), month=month)


def stage_of(view: View | None = None, *listed: DueCharge, **invoice: Any) -> Stage:
    stage = Stage(view or owing())
    stage.payments.due = list(listed or [due(effect="continues")])
    stage.invoicing.invoice_is = scenes.whole_invoice(**{"status": "failed", "movements": FAILED, **invoice})
    return stage


async def seen(stage: Stage, path: str = PAY, **headers: str) -> Response:
    async with stage.browser() as browser:
        return await browser.get(path, headers=headers)


async def text(stage: Stage, path: str = PAY) -> str:
    return unescape((await seen(stage, path)).text)


async def confirm(stage: Stage, **changes: str) -> Response:
    form = {"payment_method_id": CARD_ID, "amount_minor": "2999", "currency": "USD", "charges": UNPAID, "effect": "continues"}
    async with stage.browser() as browser:
        return await browser.post(PAY, data={"csrf": "csrf-of-ana", "idempotency_key": "once", **form, **changes})


def offered(view: View) -> Offer | None:
    return offer(Reader.of(view, catalogues().language("es")), view, view.facts["subscriptions"][0])


def test_the_card_on_file_is_offered_with_the_effect_of_a_payment() -> None:
    payment_offer = offered(owing())
    assert payment_offer is not None
    assert (payment_offer.button, payment_offer.why_not) == ("Reintentar con Visa •••• 0341", None)
    assert payment_offer.does == (
        "Este pago cubre el importe pendiente del período 14 de mayo – 13 de junio. Tu suscripción continúa y se renueva "
        "el 14 de junio."
    )


@pytest.mark.parametrize(
    ("view", "why"),
    [
        (owing(card=CARD | {"exp_month": 4, "exp_year": 2023}), "No puedes pagar con Visa •••• 0341: está vencida."),
        (owing(reason="expired_card"), "No puedes pagar con Visa •••• 0341: tu banco pide otra tarjeta."),
        (owing(reason="incorrect_cvc"), "No puedes pagar con Visa •••• 0341: tu banco pide otra tarjeta."),
    ],
)
def test_an_unusable_card_is_not_offered_and_the_reason_is_shown(view: View, why: str) -> None:
    payment_offer = offered(view)
    assert payment_offer is not None
    assert (payment_offer.button, payment_offer.why_not) == (None, why)


def test_a_different_card_than_the_refused_one_is_offered() -> None:
    view = owing(card=CARD | {"last4": "4242"}, reason="expired_card")
    payment_offer = offered(view)
    assert payment_offer is not None
    assert payment_offer.button == "Pagar ahora con Visa •••• 4242"


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (
            owing(card=CARD | {"last4": "4242"}, reason="expired_card", next_attempt_at=None),
            "La tarjeta Visa •••• 0341 está vencida. No volveremos a intentarlo automáticamente.",
        ),
        (
            owing(reason="no_payment_method", next_attempt_at=None),
            "No había ninguna tarjeta guardada. No volveremos a intentarlo automáticamente.",
        ),
        (
            owing(reason="expired_card", next_attempt_at=None),
            "La tarjeta Visa •••• 0341 está vencida. No volveremos a intentarlo hasta que actualices tu tarjeta.",
        ),
    ],
)
def test_a_card_added_since_needs_no_update(view: View, words: str) -> None:
    debt = notice(Reader.of(view, catalogues().language("es")), view.facts["subscriptions"][0], view)
    assert debt is not None
    assert debt.rest.startswith(words)


def test_without_a_card_the_effect_of_a_payment_is_shown() -> None:
    payment_offer = offered(owing(card=None, reason="no_payment_method"))
    assert payment_offer is not None
    assert (payment_offer.button, payment_offer.why_not) == (None, None)
    assert payment_offer.does.startswith("Este pago cubre")


@pytest.mark.parametrize(
    "view",
    [
        scenes.view(),
        owing(retrying=True, next_attempt_at=None),
        scenes.view(scenes.subscription("canceled", ended_at=scenes.instant(2023, 5, 20))),
    ],
)
def test_nothing_is_offered_without_a_debt_or_while_a_charge_runs(view: View) -> None:
    assert offered(view) is None


def test_an_ended_subscriptions_debt_is_shown_and_can_be_paid() -> None:
    view = owing("canceled")
    ended = {**view.facts["subscriptions"][0], "ended_at": scenes.instant(2023, 5, 19)}
    view = replace_facts(view, subscriptions=[ended])
    debt = notice(Reader.of(view, catalogues().language("es")), view.facts["subscriptions"][0], view)
    assert debt is not None
    assert (debt.lead, debt.pay) == ("Todavía tienes un importe pendiente de 29.99 USD.", "Actualizar tarjeta y pagar")
    payment_offer = offered(view)
    assert payment_offer is not None
    assert payment_offer.does.endswith("Tu suscripción terminó el 19 de mayo; pagar no la reactiva.")


def test_an_unconfirmed_debt_asks_for_confirmation() -> None:
    view = owing(reason="not_confirmed", next_attempt_at=None)
    debt = notice(Reader.of(view, catalogues().language("es")), view.facts["subscriptions"][0], view)
    assert debt is not None
    assert debt.lead == "Falta que confirmes el pago de 29.99 USD."
    assert debt.rest.startswith("No estaba entre los cobros que confirmaste, así que no lo cobramos.")
    assert offered(view) is not None


async def test_the_pane_has_both_ways_to_pay_and_their_effect() -> None:
    html = await text(stage_of(), "/")
    assert 'action="/payment-method"' in html
    assert f'action="{PAY}"' in html
    assert 'id="payment-does"' in html
    assert html.count('aria-describedby="payment-does"') == 2


async def test_the_dialog_lists_all_charges_and_its_button_has_the_total() -> None:
    html = await text(stage_of(None, due(effect="continues"), begun()))
    words = re.sub("</?span[^>]*>", "", html)
    assert re.search(r"TS-000014 · .*2023", words)
    assert "14 de junio – 13 de julio" in words
    assert re.search(r'type="submit"[^>]*>[^<]*59\.98 USD', words)
    assert 'name="amount_minor" value="5998"' in html
    assert f'name="charges" value="{UNPAID} {UUID(int=6)}"' in html
    assert 'name="effect" value="continues"' in html


def test_many_begun_periods_share_a_line() -> None:
    view = owing()
    reader = Reader.of(view, catalogues().language("es"))
    days = [due(None, str(UUID(int=day)), amount=100) for day in range(1, 6)]
    listed = [due(amount=100), *days]
    assert [(line.text, line.amount) for line in lines(reader, view, listed)] == [
        ("TS-000014 · 14 may 2023", "1.00 USD"),
        ("5 períodos, 14 de mayo – 13 de junio", "5.00 USD"),
    ]


def test_with_two_subscriptions_each_line_and_sentence_names_its_plan() -> None:
    other = scenes.subscription("past_due", id=str(UUID(int=99)), plan=scenes.plan(name="Copias"), debt=scenes.debt())
    view = owing()
    view = replace_facts(view, subscriptions=[*view.facts["subscriptions"], other])
    reader = Reader.of(view, catalogues().language("es"))
    listed = [due(), due("TS-000015", str(UUID(int=15)), subscription_id=other["id"]), begun() | {"subscription_id": other["id"]}]
    assert [line.text for line in lines(reader, view, listed)] == [
        "TS-000014 · 14 may 2023",
        "TS-000015",
        "Copias · 14 de junio – 13 de julio",
    ]
    assert [sentence.partition(":")[0] for sentence in does(reader, view, listed)] == ["Premium Mensual", "Copias"]


def test_the_shown_effect_is_the_one_that_subscriptions_decided() -> None:
    view = owing("unpaid")
    reader = Reader.of(view, catalogues().language("es"))
    assert does(reader, view, [due(effect="settles")]) == [
        "Este pago cubre el importe pendiente del período 14 de mayo – 13 de junio."
    ]


def test_unlisted_begun_periods_are_not_announced_as_paid() -> None:
    view = replace(owing(), now=datetime(2023, 7, 20, 15, tzinfo=UTC))
    reader = Reader.of(view, catalogues().language("es"))
    assert does(reader, view, [due()]) == [
        "Este pago cubre el importe pendiente del período 14 de mayo – 13 de junio. Recuperas el acceso y tu suscripción "
        "continúa.",
        "También empezaron períodos posteriores. No los cobraremos ahora: te pediremos que los confirmes.",
    ]


def test_an_invoice_older_than_the_view_has_no_sentence() -> None:
    view = replace_facts(owing(), subscriptions=[])
    charge: Any = {"invoice_id": str(UUID(int=1)), "number": "TS-000001", "amount": {"amount_minor": 1, "currency": "USD"}}
    reader = Reader.of(view, catalogues().language("es"))
    assert does(reader, view, [charge]) == []
    assert [line.text for line in lines(reader, view, [charge])] == ["TS-000001"]


async def test_a_later_confirmation_of_further_periods_is_announced() -> None:
    stage = stage_of()
    stage.payments.more = True
    assert spanish(LATER) in await text(stage)


async def test_confirming_sends_the_shown_list_and_leads_to_the_result() -> None:
    stage = stage_of()
    answer = await confirm(stage)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAY}?after=payment-{UNPAID}:3")
    [(invoice, request, key)] = stage.payments.requests
    assert (str(invoice), str(request.payment_method_id), request.effect, key) == (UNPAID, CARD_ID, "continues", "once")
    assert request.amount == {"amount_minor": 2999, "currency": "USD"}
    assert [str(each) for each in request.charge_invoices or ()] == [UNPAID]


async def test_a_changed_list_is_shown_again_with_a_new_key() -> None:
    stage = stage_of(None, due(effect="continues"), begun())
    stage.payments.refuses = Problem(409, "amount_changed", "x", more={"due": [], "total": None})
    answer = await confirm(stage)
    html = unescape(answer.text)
    assert answer.status_code == 422
    assert 'data-code="amount_changed"' in html
    assert 'name="amount_minor" value="5998"' in html
    assert 'value="once"' not in html


@pytest.mark.parametrize(
    ("status", "code", "headers"),
    [
        *((409, code, {}) for code in ("charge_running", "nothing_owed", "payment_method_gone")),
        (429, "too_many_payments", {"retry-after": "80000"}),
    ],
)
async def test_a_refusal_says_what_happened_and_what_to_do(status: int, code: str, headers: dict[str, str]) -> None:
    stage = stage_of()
    stage.payments.refuses = Problem(status, code, "x", headers=headers)
    answer = await confirm(stage)
    assert answer.status_code == status
    language = catalogues().language("es")
    assert f'data-code="{code}"' in answer.text
    assert explain(language, status, code, headers) in unescape(answer.text)


@pytest.mark.parametrize(
    "changes",
    [
        {"payment_method_id": "visa"},
        {"amount_minor": "29.99"},
        {"amount_minor": "-1"},
        {"amount_minor": "٣"},
        {"currency": "usd"},
        {"charges": "all"},
    ],
)
async def test_a_malformed_form_charges_nothing(changes: dict[str, str]) -> None:
    stage = stage_of()
    assert (await confirm(stage, **changes)).status_code == 422
    assert stage.payments.requests == []


async def test_a_form_of_another_page_charges_nothing() -> None:
    stage = stage_of()
    assert (await confirm(stage, csrf="")).status_code == 403
    assert stage.payments.requests == []


async def test_an_unusable_card_has_no_button_in_the_dialog() -> None:
    html = await text(stage_of(owing(card=CARD | {"exp_month": 4, "exp_year": 2023})))
    assert 'type="submit"' not in html.partition('id="sheet"')[2]
    assert re.search(r'<p class="notice warn">.*0341', html)
    assert re.search('<a [^>]*href="/payment-method"', html)


async def test_the_result_is_polled_until_it_is_known() -> None:
    stage = stage_of(status="processing")
    html = await text(stage)
    assert 'data-outcome="processing"' in html
    assert 'hx-trigger="every 2s"' in html
    stage = stage_of(scenes.view(), status="paid")
    answer = await seen(stage, f"{PAY}?after=payment-{UNPAID}:3")
    assert (answer.status_code, 'hx-trigger="every 2s"' in answer.text) == (200, False)
    assert (await seen(stage, f"{PAY}?after=payment-{UNPAID}:3", **{"x-live": "1"})).status_code == 286


async def test_a_charge_that_has_not_arrived_is_shown_as_running() -> None:
    stage = stage_of()
    stage.payments.running = True
    html = await text(stage)
    assert 'data-outcome="processing"' in html
    assert 'type="submit"' not in html.partition('id="sheet"')[2]


async def test_the_result_has_the_effect_of_the_payment() -> None:
    html = await text(stage_of(scenes.view(), status="paid"))
    assert 'data-outcome="paid"' in html
    assert re.search("14 de mayo – .*13 de junio.*14 de junio", re.sub("</?span[^>]*>", "", html))


async def test_the_result_waits_for_the_subscriptions_event() -> None:
    html = await text(stage_of(owing(), status="paid"))
    assert 'hx-trigger="every 2s"' in html
    assert 'data-outcome="paid"' in html
    assert spanish(SAYS["paid"]) in html


async def test_a_failure_has_its_reason_and_a_link_to_another_card() -> None:
    stage = stage_of(movements=[{**FAILED[0], "reason": "insufficient_funds"}])
    html = await text(stage, f"{PAY}?after=payment-{UNPAID}:3")
    assert 'data-outcome="failed"' in html
    assert spanish(REASONS["insufficient_funds"]) in html
    assert re.search('<a [^>]*id="another-card" href="/payment-method"', html)


async def test_an_invoice_of_another_customer_is_not_found() -> None:
    assert (await seen(stage_of(), f"/invoices/{UUID(int=1)}/payment")).status_code == 404


async def api(stage: Stage, method: str = "POST", **changes: Any) -> Response:
    body = {"payment_method_id": CARD_ID, "amount_minor": 2999, "currency": "USD", **changes}
    async with stage.browser() as browser:
        headers = {"x-csrf-token": "csrf-of-ana", "idempotency-key": "once"}
        return await browser.request(method, f"/api{PAY}", headers=headers, json=body if method == "POST" else None)


async def test_the_api_starts_one_charge() -> None:
    stage = stage_of()
    answer = await api(stage)
    assert (answer.status_code, answer.json()["aggregate"]) == (202, f"payment-{UNPAID}")
    [(_, request, key)] = stage.payments.requests
    assert (request.charge_invoices, request.effect, key) == (None, None, "once")


async def test_the_api_previews_charges_and_effect() -> None:
    body = (await api(stage_of(None, due(effect="continues"), begun()), "GET")).json()
    assert body["total"]["text"] == "59.98 USD"
    assert [line["amount_text"] for line in body["lines"]] == ["29.99 USD", "29.99 USD"]
    assert "14 de mayo – 13 de junio" in body["statements"][0]


async def test_the_api_returns_the_new_amount() -> None:
    stage = stage_of()
    total = {"amount_minor": 5998, "currency": "USD"}
    listed = {"amount": total, "total": total, "due": [due(effect="continues"), begun()]}
    stage.payments.refuses = Problem(409, "amount_changed", "x", more=listed)
    answer = (await api(stage)).json()
    assert (answer["code"], answer["amount"]["text"], len(answer["lines"])) == ("amount_changed", "59.98 USD", 2)
    assert answer["detail"] == spanish(BY_CODE["amount_changed"])


@pytest.mark.parametrize(
    "changes",
    [{"amount_minor": -1}, {"amount_minor": "2999"}, {"currency": "US"}, {"payment_method_id": "x"}, {"effect": "restarts"}],
)
async def test_the_api_refuses_an_invalid_payment(changes: dict[str, Any]) -> None:
    stage = stage_of()
    assert (await api(stage, **changes)).status_code == 422
    assert stage.payments.requests == []
