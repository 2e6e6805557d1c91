from itertools import permutations
from typing import Any

import pytest

from billing_contracts import invoicing, payments, registry, subscriptions
from billing_contracts.envelope import EventData
from portal_gateway.application.customer_view import changed_panes, empty
from portal_gateway.application.projections import FOLDS
from portal_gateway.domain.view import InvoiceStatus
from support.portal_gateway import story
from support.portal_gateway.story import ANA, MASTERCARD, VISA, Told, charge, day, invoice_id

STARTED, SUCCEEDED = payments.PaymentStarted, payments.PaymentSucceeded
REFERENCE: dict[str, Any] = {"reference": "sandbox_1"}
FAILED: dict[str, Any] = {"code": "card_declined", "retryable": True}


def card(face: object = VISA) -> payments.PaymentMethodUpdated:
    return payments.PaymentMethodUpdated.model_validate({"payment_method": face})


def test_a_paid_month_is_the_specifications_own_page() -> None:
    told = Told().tell(
        story.profile(), story.started(), story.renewal_due(5), card(), story.issued(5), story.paid(5), story.renewed(5)
    )
    view = told.view()

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


def test_nothing_of_the_profile_is_kept_that_no_page_shows() -> None:
    told = Told().tell(story.profile())
    assert set(told.documents[f"customer-{ANA}"].doc) == {"name", "email", "locale", "country"}


def test_every_event_that_is_published_of_a_customer_has_a_fold() -> None:
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
def test_what_comes_without_its_beginning_shows_nothing(event: EventData) -> None:
    assert Told().tell(event).view() == Told().view()


def test_a_failed_charge_is_a_debt_until_it_is_paid() -> None:
    told = Told().tell(story.started(), story.renewal_due(5), story.past_due(5))
    debt = told.view()["subscriptions"][0]["debt"]
    assert debt == {
        "amount": {"amount_minor": 2999, "currency": "USD"},
        "reason": "card_declined",
        "next_attempt_at": "2023-05-15T09:00:00Z",
        "retrying": False,
        "access_until": "2023-05-21T09:00:00Z",
        "invoice_id": str(invoice_id(5)),
    }

    past_due = subscriptions.Status.PAST_DUE
    told.tell(subscriptions.SubscriptionRetryDue(status=past_due, invoice_id=invoice_id(5), retry_number=1))
    retried = told.view()["subscriptions"][0]["debt"]
    assert retried is not None
    assert (retried["retrying"], retried["next_attempt_at"]) == (True, None)

    active = subscriptions.Status.ACTIVE
    told.tell(subscriptions.SubscriptionRecovered(status=active, period=story.period(5), invoice_id=invoice_id(5)))
    [subscription] = told.view()["subscriptions"]
    assert (subscription["status"], subscription["debt"]) == ("active", None)


def test_what_stays_owed_after_the_retries_have_ended_stays_shown() -> None:
    told = Told().tell(story.started(), story.past_due(4))
    told.tell(subscriptions.SubscriptionUnpaid(status=subscriptions.Status.UNPAID, invoice_id=invoice_id(4)))
    [subscription] = told.view()["subscriptions"]
    assert subscription["status"] == "unpaid"
    assert subscription["debt"] is not None
    assert subscription["debt"]["next_attempt_at"] is None


def test_a_cancellation_shows_until_it_is_withdrawn() -> None:
    told = Told().tell(story.started(), story.cancellation_scheduled(6))
    cancellation = {
        "mode": "at_period_end",
        "effective_at": "2023-06-14T09:00:00Z",
        "feedback": "unused",
        "requested_at": "2023-05-20T09:00:00Z",
    }
    assert told.view()["subscriptions"][0]["cancellation"] == cancellation

    told.tell(subscriptions.SubscriptionCancellationWithdrawn(status=subscriptions.Status.ACTIVE))
    assert told.view()["subscriptions"][0]["cancellation"] is None


@pytest.mark.parametrize(("open_invoices", "owes"), [("void", False), ("keep", True)])
def test_the_end_of_a_subscription_says_what_is_still_owed(open_invoices: str, owes: bool) -> None:
    told = Told().tell(story.started(), story.past_due(4), story.cancelled(5, open_invoices))
    [subscription] = told.view()["subscriptions"]
    assert (subscription["status"], subscription["ended_at"]) == ("canceled", "2023-05-14T09:00:00Z")
    assert (subscription["debt"] is not None) == owes


VOIDED = invoicing.InvoiceVoided(subscription_id=story.SUBSCRIPTION, reason="merchant")


@pytest.mark.parametrize("settled", [story.paid(4), VOIDED], ids=["paid", "voided"])
def test_what_an_ended_subscription_left_unpaid_is_owed_until_its_invoice_is_settled(settled: Any) -> None:
    ended, invoice = (story.started(), story.past_due(4), story.cancelled(5, "keep")), f"invoice-{invoice_id(4)}"
    told = Told().tell(*ended, story.issued(4))
    assert told.view()["subscriptions"][0]["debt"] is not None
    told.tell(settled, subject=invoice)
    assert told.view()["subscriptions"][0]["debt"] is None
    assert Told().tell(story.issued(4)).tell(settled, subject=invoice).tell(*ended).view() == told.view()


def test_a_living_subscription_says_itself_when_it_owes_nothing_any_more() -> None:
    told = Told().tell(story.started(), story.past_due(4), story.issued(4), story.paid(4))
    assert told.view()["subscriptions"][0]["debt"] is not None


def test_a_removed_card_is_gone_and_an_older_one_removed_changes_nothing() -> None:
    told = Told().tell(card(), card(MASTERCARD), payments.PaymentMethodRemoved(payment_method_id=VISA.id))
    method = told.view()["payment_method"]
    assert method is not None
    assert (method["last4"], method["version"]) == ("4444", 3)

    told.tell(payments.PaymentMethodRemoved(payment_method_id=MASTERCARD.id))
    assert told.view()["payment_method"] is None


def status(told: Told) -> InvoiceStatus:
    return told.view()["invoices"][0]["status"]


def test_an_invoice_is_said_to_be_what_its_charge_makes_of_it() -> None:
    told = Told().tell(story.issued(5))
    assert status(told) == "open"
    assert status(told.tell(charge(STARTED, 5))) == "processing"
    assert status(told.tell(charge(payments.PaymentOutcomeUnknown, 5, next_check_at=day(5)))) == "processing"
    assert status(told.tell(charge(payments.PaymentFailed, 5, **FAILED))) == "failed"
    assert status(told.tell(story.payment_failed(5, attempt=1))) == "failed"
    assert status(told.tell(charge(STARTED, 5, attempt=2))) == "processing"
    assert status(told.tell(charge(SUCCEEDED, 5, attempt=2, **REFERENCE))) == "processing"
    assert status(told.tell(story.paid(5))) == "paid"


def test_a_failure_that_invoicing_knows_first_is_a_failure() -> None:
    assert status(Told().tell(story.issued(5), story.payment_failed(5, attempt=1))) == "failed"
    assert status(Told().tell(story.issued(5), charge(STARTED, 5), story.payment_failed(5, attempt=1))) == "failed"


def test_an_invoice_that_ends_unpaid_says_how() -> None:
    about = f"invoice-{invoice_id(5)}"
    voided = invoicing.InvoiceVoided(subscription_id=story.SUBSCRIPTION, reason="subscription_cancelled")
    given_up = invoicing.InvoiceMarkedUncollectible(subscription_id=story.SUBSCRIPTION)
    assert status(Told().tell(story.issued(5), charge(STARTED, 5)).tell(voided, subject=about)) == "void"
    assert status(Told().tell(story.issued(5)).tell(given_up, subject=about)) == "uncollectible"

    told = Told().tell(story.issued(5)).tell(voided, subject=about)
    told.tell(charge(SUCCEEDED, 5, **REFERENCE))
    assert status(told) == "void"
    assert status(told.tell(charge(payments.PaymentRefunded, 5, reason="invoice_voided", **REFERENCE))) == "refunded"


def test_what_has_no_beginning_because_an_operator_gave_it_up_is_not_shown() -> None:
    late = [story.renewal_due(5), story.past_due(5), story.cancellation_scheduled(6), story.cancelled(6, "keep")]
    of_cards = [charge(STARTED, 5), payments.PaymentMethodRemoved(payment_method_id=VISA.id)]
    view = Told().tell(*late, story.payment_failed(5, attempt=1), story.paid(5), *of_cards).view()
    assert (view["subscriptions"], view["invoices"], view["payment_method"]) == ([], [], None)


def test_topics_may_arrive_in_any_order() -> None:
    by_topic = [
        (story.profile(),),
        (story.started(), story.renewal_due(5), story.renewed(5)),
        (card(), charge(STARTED, 5), charge(SUCCEEDED, 5, **REFERENCE)),
        (story.issued(5), story.paid(5)),
    ]
    views = []
    for order in permutations(by_topic):
        told = Told()
        for events in order:
            told.tell(*events)
        views.append(told.view())
    assert all(view == views[0] for view in views)


def test_the_page_has_the_newest_twelve_invoices_of_all() -> None:
    told = Told().tell(*(story.issued(month) for month in range(1, 12)))
    for more in range(3):
        told.tell(story.issued(11).model_copy(update={"number": f"TS-00010{more}"}), subject=f"invoice-{more}")
    view = told.view()
    assert (len(view["invoices"]), view["invoice_count"]) == (12, 14)
    numbers = [invoice["number"] for invoice in view["invoices"]]
    assert numbers == sorted(numbers, reverse=True)


def test_living_subscriptions_come_before_those_that_ended() -> None:
    told = Told().tell(story.started(), story.cancelled(5))
    later = story.started().model_copy(update={"started_at": day(2)})
    told.tell(later, subject="subscription-0190a000-0000-7000-8000-0000000000b2")
    assert [it["ended_at"] is None for it in told.view()["subscriptions"]] == [True, False]


def test_a_change_names_the_panes_that_show_it() -> None:
    before = Told().tell(story.profile(), story.started()).view()
    assert changed_panes(before, before) == []
    assert changed_panes(empty(ANA), before) == ["summary", "subscription"]

    with_card = Told().tell(story.profile(), story.started(), card()).view()
    assert changed_panes(before, with_card) == ["payment_method"]
    with_invoice = Told().tell(story.profile(), story.started(), card(), story.issued(4)).view()
    assert changed_panes(with_card, with_invoice) == ["invoices"]
    renamed = Told().tell(story.profile("Ana María"), story.started()).view()
    assert changed_panes(before, renamed) == ["summary"]


def test_a_customer_of_whom_nothing_has_arrived_has_an_empty_page() -> None:
    view = empty(ANA)
    assert view["customer"] == {"id": str(ANA), "name": None, "email": None, "locale": None, "country": None}
    assert (view["subscriptions"], view["payment_method"], view["invoices"]) == ([], None, [])
