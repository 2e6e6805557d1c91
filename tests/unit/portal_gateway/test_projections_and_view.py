"""Events, folded into documents and composed to the view."""

from itertools import permutations
from typing import Any

import pytest

from billing_contracts import invoicing, payments, registry, subscriptions
from billing_contracts.envelope import EventData
from portal_gateway.application.customer_view import changed_panes, empty
from portal_gateway.application.projections import FOLDS
from portal_gateway.domain.view import InvoiceStatus
from support.portal_gateway import story
from support.portal_gateway.story import ANA, MASTERCARD, VISA, Published, charge, day, invoice_id

STARTED, SUCCEEDED = payments.PaymentStarted, payments.PaymentSucceeded
REFERENCE: dict[str, Any] = {"reference": "sandbox_1"}
FAILED: dict[str, Any] = {"code": "card_declined", "retryable": True}


def card(face: object = VISA) -> payments.PaymentMethodUpdated:
    return payments.PaymentMethodUpdated.model_validate({"payment_method": face})


def test_a_paid_month_matches_the_specification() -> None:
    published = Published().publish(
        story.profile(), story.started(), story.renewal_due(5), card(), story.issued(5), story.paid(5), story.renewed(5)
    )
    view = published.view()

    [subscription] = view["subscriptions"]
    assert subscription["plan"] == story.PREMIUM.model_dump(mode="json")
    assert (subscription["status"], subscription["current_period"]["end"]) == ("active", "2023-06-14T09:00:00Z")
    assert (subscription["version"], subscription["debt"], subscription["cancellation"]) == (3, None, None)
    assert view["payment_method"] == {**VISA.model_dump(mode="json"), "version": 1}
    [invoice] = view["invoices"]
    assert (invoice["number"], invoice["status"], invoice["total"]) == (
        "TS-000005",
        "paid",
        {"amount_minor": 2999, "currency": "USD"},
    )
    assert invoice["payment_method"] == {"brand": "visa", "last4": "4242"}
    assert (view["invoice_count"], view["invoice_years"]) == (1, [2023])
    assert view["customer"]["name"] == "Ana García"


def test_only_shown_profile_fields_are_stored() -> None:
    published = Published().publish(story.profile())
    assert set(published.documents[f"customer-{ANA}"].doc) == {"name", "email", "locale", "country"}


def test_every_public_event_of_a_customer_has_a_fold() -> None:
    folded = frozenset().union(*(types for types, _ in FOLDS.values()))
    not_a_customers = {subscriptions.MerchantConfigured.TYPE, subscriptions.PlanPublished.TYPE}
    assert folded == set(registry.EVENTS) - not_a_customers


@pytest.mark.parametrize(
    "event",
    [
        story.cancellation_scheduled(6),
        story.renewal_due(5),
        story.past_due(5),
        story.paid(5),
        story.payment_failed(5, 1),
    ],
)
def test_an_aggregate_without_its_first_event_has_no_document(event: EventData) -> None:
    assert Published().publish(event).view() == Published().view()


def test_a_failed_charge_is_a_debt_until_it_is_paid() -> None:
    published = Published().publish(story.started(), story.renewal_due(5), story.past_due(5))
    debt = published.view()["subscriptions"][0]["debt"]
    assert debt == {
        "amount": {"amount_minor": 2999, "currency": "USD"},
        "reason": "card_declined",
        "next_attempt_at": "2023-05-15T09:00:00Z",
        "retrying": False,
        "access_until": "2023-05-21T09:00:00Z",
        "invoice_id": str(invoice_id(5)),
    }

    past_due = subscriptions.Status.PAST_DUE
    published.publish(subscriptions.SubscriptionRetryDue(status=past_due, invoice_id=invoice_id(5), retry_number=1))
    retried = published.view()["subscriptions"][0]["debt"]
    assert retried is not None
    assert (retried["retrying"], retried["next_attempt_at"]) == (True, None)

    active = subscriptions.Status.ACTIVE
    published.publish(subscriptions.SubscriptionRecovered(status=active, period=story.period(5), invoice_id=invoice_id(5)))
    [subscription] = published.view()["subscriptions"]
    assert (subscription["status"], subscription["debt"]) == ("active", None)


def test_a_debt_is_shown_after_the_last_retry() -> None:
    published = Published().publish(story.started(), story.past_due(4))
    published.publish(subscriptions.SubscriptionUnpaid(status=subscriptions.Status.UNPAID, invoice_id=invoice_id(4)))
    [subscription] = published.view()["subscriptions"]
    assert subscription["status"] == "unpaid"
    assert subscription["debt"] is not None
    assert subscription["debt"]["next_attempt_at"] is None


def test_a_cancellation_is_shown_until_it_is_withdrawn() -> None:
    published = Published().publish(story.started(), story.cancellation_scheduled(6))
    cancellation = {
        "mode": "at_period_end",
        "effective_at": "2023-06-14T09:00:00Z",
        "feedback": "unused",
        "requested_at": "2023-05-20T09:00:00Z",
    }
    assert published.view()["subscriptions"][0]["cancellation"] == cancellation

    published.publish(subscriptions.SubscriptionCancellationWithdrawn(status=subscriptions.Status.ACTIVE))
    assert published.view()["subscriptions"][0]["cancellation"] is None


@pytest.mark.parametrize(("open_invoices", "owes"), [("void", False), ("keep", True)])
def test_an_ended_subscription_has_its_remaining_debt(open_invoices: str, owes: bool) -> None:
    published = Published().publish(story.started(), story.past_due(4), story.cancelled(5, open_invoices))
    [subscription] = published.view()["subscriptions"]
    assert (subscription["status"], subscription["ended_at"]) == ("canceled", "2023-05-14T09:00:00Z")
    assert (subscription["debt"] is not None) == owes


VOIDED = invoicing.InvoiceVoided(subscription_id=story.SUBSCRIPTION, reason="merchant")


@pytest.mark.parametrize("settled", [story.paid(4), VOIDED], ids=["paid", "voided"])
def test_an_ended_subscriptions_debt_lasts_until_its_invoice_is_settled(settled: Any) -> None:
    ended, invoice = (story.started(), story.past_due(4), story.cancelled(5, "keep")), f"invoice-{invoice_id(4)}"
    published = Published().publish(*ended, story.issued(4))
    assert published.view()["subscriptions"][0]["debt"] is not None
    published.publish(settled, subject=invoice)
    assert published.view()["subscriptions"][0]["debt"] is None
    assert Published().publish(story.issued(4)).publish(settled, subject=invoice).publish(*ended).view() == published.view()


def test_a_current_subscriptions_own_events_end_its_debt() -> None:
    published = Published().publish(story.started(), story.past_due(4), story.issued(4), story.paid(4))
    assert published.view()["subscriptions"][0]["debt"] is not None


def test_removing_the_default_card_clears_it_and_removing_another_changes_nothing() -> None:
    published = Published().publish(card(), card(MASTERCARD), payments.PaymentMethodRemoved(payment_method_id=VISA.id))
    method = published.view()["payment_method"]
    assert method is not None
    assert (method["last4"], method["version"]) == ("4444", 3)

    published.publish(payments.PaymentMethodRemoved(payment_method_id=MASTERCARD.id))
    assert published.view()["payment_method"] is None


def status(published: Published) -> InvoiceStatus:
    return published.view()["invoices"][0]["status"]


def test_an_invoices_status_follows_from_its_payment() -> None:
    published = Published().publish(story.issued(5))
    assert status(published) == "open"
    assert status(published.publish(charge(STARTED, 5))) == "processing"
    assert status(published.publish(charge(payments.PaymentOutcomeUnknown, 5, next_check_at=day(5)))) == "processing"
    assert status(published.publish(charge(payments.PaymentFailed, 5, **FAILED))) == "failed"
    assert status(published.publish(story.payment_failed(5, attempt=1))) == "failed"
    assert status(published.publish(charge(STARTED, 5, attempt=2))) == "processing"
    assert status(published.publish(charge(SUCCEEDED, 5, attempt=2, **REFERENCE))) == "processing"
    assert status(published.publish(story.paid(5))) == "paid"


def test_a_failure_that_invoicing_reports_first_is_shown() -> None:
    assert status(Published().publish(story.issued(5), story.payment_failed(5, attempt=1))) == "failed"
    assert status(Published().publish(story.issued(5), charge(STARTED, 5), story.payment_failed(5, attempt=1))) == "failed"


ASKS = payments.PaymentAuthenticationRequired
UNCONFIRMED = {**FAILED, "retryable": False, "detail": "authentication_required", "remedy": "authenticate"}
UNTIL = "2026-11-30T12:15:00Z"


def confirmation(published: Published) -> tuple[str, object, object, object]:
    row = published.view()["invoices"][0]
    return row["status"], row.get("remedy"), row.get("detail"), row.get("authenticate_until")


def test_what_the_customers_bank_wants_follows_from_the_payment() -> None:
    published = Published().publish(story.issued(5), charge(STARTED, 5), charge(payments.PaymentFailed, 5, **UNCONFIRMED))
    failed = "failed", "authenticate", "authentication_required", None
    assert confirmation(published) == failed
    assert confirmation(published.publish(charge(ASKS, 5))) == failed
    assert confirmation(published.publish(story.payment_failed(5, attempt=1))) == failed
    assert confirmation(published.publish(charge(STARTED, 5, attempt=2))) == ("processing", None, None, None)
    assert confirmation(published.publish(charge(ASKS, 5, attempt=2, until=UNTIL))) == ("processing", None, None, UNTIL)
    left = UNCONFIRMED | {"detail": "authentication_abandoned"}
    published.publish(charge(payments.PaymentFailed, 5, attempt=2, **left))
    assert confirmation(published) == ("failed", "authenticate", "authentication_abandoned", None)
    published.publish(charge(STARTED, 5, attempt=3), charge(SUCCEEDED, 5, attempt=3, **REFERENCE), story.paid(5))
    assert confirmation(published) == ("paid", None, None, None)


def charged(published: Published) -> tuple[object, object]:
    row = published.view()["invoices"][0]
    return row.get("charge_id"), row.get("charged_method_id")


def test_the_charge_and_its_card_are_known_while_the_customer_can_act() -> None:
    published = Published().publish(story.issued(5), charge(STARTED, 5))
    assert charged(published) == (None, None)
    failed = charge(payments.PaymentFailed, 5, payment_method=MASTERCARD, **UNCONFIRMED)
    first = str(failed.charge_id)  # type: ignore[attr-defined]
    assert charged(published.publish(failed)) == (first, str(MASTERCARD.id))
    assert charged(published.publish(charge(ASKS, 5, payment_method=MASTERCARD))) == (first, str(MASTERCARD.id))
    waits = charge(ASKS, 5, attempt=2, until=UNTIL, payment_method=story.VISA)
    assert charged(published.publish(charge(STARTED, 5, attempt=2))) == (None, None)
    assert charged(published.publish(waits)) == (str(waits.charge_id), str(story.VISA.id))  # type: ignore[attr-defined]
    published.publish(charge(SUCCEEDED, 5, attempt=2, **REFERENCE), story.paid(5))
    assert charged(published) == (None, None)


def test_a_remedy_of_an_earlier_attempt_is_not_shown() -> None:
    """Invoicing's event of the second failure has arrived before payments' own."""
    published = Published().publish(story.issued(5), charge(STARTED, 5), charge(payments.PaymentFailed, 5, **UNCONFIRMED))
    published.publish(story.payment_failed(5, attempt=2))
    assert confirmation(published) == ("failed", None, None, None)


def test_an_invoice_that_ends_unpaid_has_its_status() -> None:
    about = f"invoice-{invoice_id(5)}"
    voided = invoicing.InvoiceVoided(subscription_id=story.SUBSCRIPTION, reason="subscription_cancelled")
    given_up = invoicing.InvoiceMarkedUncollectible(subscription_id=story.SUBSCRIPTION)
    assert status(Published().publish(story.issued(5), charge(STARTED, 5)).publish(voided, subject=about)) == "void"
    assert status(Published().publish(story.issued(5)).publish(given_up, subject=about)) == "uncollectible"

    published = Published().publish(story.issued(5)).publish(voided, subject=about)
    published.publish(charge(SUCCEEDED, 5, **REFERENCE))
    assert status(published) == "void"
    assert status(published.publish(charge(payments.PaymentRefunded, 5, reason="invoice_voided", **REFERENCE))) == "refunded"


def test_an_aggregate_with_a_discarded_first_event_is_not_shown() -> None:
    late = [story.renewal_due(5), story.past_due(5), story.cancellation_scheduled(6), story.cancelled(6, "keep")]
    of_cards = [charge(STARTED, 5), payments.PaymentMethodRemoved(payment_method_id=VISA.id)]
    view = Published().publish(*late, story.payment_failed(5, attempt=1), story.paid(5), *of_cards).view()
    assert (view["subscriptions"], view["invoices"], view["payment_method"]) == ([], [], None)


def test_a_confirmation_after_a_discarded_first_event_shows_no_card() -> None:
    confirmation = payments.Confirmation(id=ANA, at=day(5), charges=())
    event = payments.PaymentConfirmed(invoice_id=invoice_id(5), payment_method=VISA, confirmation=confirmation)
    assert Published().publish(event).view()["payment_method"] is None


def test_topics_can_arrive_in_any_order() -> None:
    by_topic = [
        (story.profile(),),
        (story.started(), story.renewal_due(5), story.renewed(5)),
        (card(), charge(STARTED, 5), charge(SUCCEEDED, 5, **REFERENCE)),
        (story.issued(5), story.paid(5)),
    ]
    views = []
    for order in permutations(by_topic):
        published = Published()
        for events in order:
            published.publish(*events)
        views.append(published.view())
    assert all(view == views[0] for view in views)


def test_the_view_has_the_newest_twelve_invoices() -> None:
    published = Published().publish(*(story.issued(month) for month in range(1, 12)))
    for more in range(3):
        published.publish(story.issued(11).model_copy(update={"number": f"TS-00010{more}"}), subject=f"invoice-{more}")
    view = published.view()
    assert (len(view["invoices"]), view["invoice_count"]) == (12, 14)
    numbers = [invoice["number"] for invoice in view["invoices"]]
    assert numbers == sorted(numbers, reverse=True)


def test_current_subscriptions_come_before_ended_ones() -> None:
    published = Published().publish(story.started(), story.cancelled(5))
    later = story.started().model_copy(update={"started_at": day(2)})
    published.publish(later, subject="subscription-0190a000-0000-7000-8000-0000000000b2")
    assert [it["ended_at"] is None for it in published.view()["subscriptions"]] == [True, False]


def test_a_change_lists_the_panes_that_show_it() -> None:
    before = Published().publish(story.profile(), story.started()).view()
    assert changed_panes(before, before) == []
    assert changed_panes(empty(ANA), before) == ["summary", "subscription"]

    with_card = Published().publish(story.profile(), story.started(), card()).view()
    assert changed_panes(before, with_card) == ["payment_method"]
    with_invoice = Published().publish(story.profile(), story.started(), card(), story.issued(4)).view()
    assert changed_panes(with_card, with_invoice) == ["invoices"]
    renamed = Published().publish(story.profile("Ana María"), story.started()).view()
    assert changed_panes(before, renamed) == ["summary"]


def test_a_customer_without_events_has_an_empty_view() -> None:
    view = empty(ANA)
    assert view["customer"] == {"id": str(ANA), "name": None, "email": None, "locale": None, "country": None}
    assert (view["subscriptions"], view["payment_method"], view["invoices"]) == ([], None, [])
