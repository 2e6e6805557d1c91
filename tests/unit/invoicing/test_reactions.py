from datetime import UTC, date, datetime
from uuid import uuid5

import pytest

from billing_contracts import payments, shapes
from billing_contracts.envelope import Envelope
from billing_contracts.invoicing import invoice_id
from billing_contracts.money import Money
from billing_contracts.subscriptions import (
    Branding,
    LegalIdentity,
    MerchantConfigured,
    Status,
    SubscriptionCancelled,
    SubscriptionRenewalDue,
)
from invoicing.application import movements, reactions
from invoicing.application.movements import Kind
from invoicing.application.publication import issued as published
from invoicing.domain.invoice.commands import RecordFailure, RecordPayment, Void
from invoicing.domain.invoice.invoice import decide
from invoicing.domain.numbering import Counter
from invoicing.domain.plan import Tax
from support.invoicing.examples import FIRST, ISSUED, PAID, RULES, VISA, VOIDED, day, id_of

MERCHANT = MerchantConfigured(
    name="TechSolutions Inc.",
    legal=LegalIdentity(name="TechSolutions Inc.", address="Av. Reforma 123", tax_id="TSO010203AB4"),
    locale="es-MX",
    time_zone="America/Mexico_City",
    branding=Branding(colour="#285cc2", contact_email="soporte@techsolutions.example"),
    tax=shapes.Tax(name="IVA", rate_basis_points=1600, inclusive=True),
    invoice_series="TS",
    sandbox=True,
)
PLAN = shapes.Plan(
    id=id_of("premium"),
    name="Premium Mensual",
    description="Suscripción mensual renovable",
    price=Money(amount_minor=2999, currency="USD"),
    interval=shapes.Interval(unit="month"),
)
DUE = SubscriptionRenewalDue(
    status=Status.ACTIVE, plan=PLAN, period=shapes.Period(start=day(5), end=day(6)), period_number=36, customer_revision=1
)
CARD = shapes.Card(id=VISA.id, brand="visa", last4="4242", exp_month=12, exp_year=2025)
CHARGE = {
    "invoice_id": id_of("invoice"),
    "subscription_id": id_of("subscription"),
    "charge_id": FIRST,
    "attempt": 1,
    "amount": Money(amount_minor=2999, currency="USD"),
    "payment_method": CARD,
}


def envelope(data: payments.PaymentEvent) -> Envelope:
    return Envelope(
        id=id_of("event"),
        source="/billing/payments",
        type=data.TYPE,
        subject=f"payment-{data.invoice_id}",
        time=PAID.at,
        recordedtime=PAID.at,
        sequence=2,
        merchantid=id_of("merchant"),
        customerid=id_of("ana"),
        correlationid=id_of("click"),
        data=data.model_dump(mode="json"),
    )


def test_a_renewal_has_one_invoice_however_often_it_is_received() -> None:
    assert invoice_id(id_of("s"), DUE.period) == uuid5(id_of("s"), "2023-05-14T12:00:00+00:00")


def test_a_renewal_becomes_an_invoice() -> None:
    series_number, _ = reactions.next_number(Counter("TS", 13, date(2023, 5, 1)), MERCHANT, day(5))
    command = reactions.issue(
        DUE,
        subscription_id=id_of("subscription"),
        customer_id=id_of("ana"),
        merchant=MERCHANT,
        customer_locale="en",
        series_number=series_number,
        bill_to_sha256="ab" * 32,
        at=day(5),
    )
    (event,) = decide(command, None)
    message = published(event)  # type: ignore[arg-type]
    assert (message.number, message.total.decimal(), message.tax_total.decimal()) == ("TS-000014", "29.99", "4.14")
    assert (command.letterhead.locale, command.letterhead.paper, command.tax) == ("en-US", "us-letter", Tax("IVA", 1600, True))


def test_the_day_of_issue_is_the_merchants() -> None:
    midnight = datetime(2023, 5, 15, 4, tzinfo=UTC)
    assert reactions.next_number(Counter("TS"), MERCHANT, midnight)[0].issued_on == date(2023, 5, 14)


def test_outcomes_of_charges_become_commands_at_the_time_of_the_event() -> None:
    succeeded = payments.PaymentSucceeded.model_validate(CHARGE | {"reference": "ch_1"})
    failed = payments.PaymentFailed.model_validate(CHARGE | {"code": "card_declined", "retryable": False, "payment_method": None})
    assert reactions.record_payment(succeeded, PAID.at) == RecordPayment(FIRST, 2999, "USD", VISA, PAID.at)
    assert reactions.record_failure(failed, PAID.at) == RecordFailure(FIRST, 1, 2999, "card_declined", False, None, PAID.at)


def test_a_cancellation_voids_what_is_open_unless_it_stays_owed() -> None:
    cancelled = SubscriptionCancelled(status=Status.CANCELED, effective_at=VOIDED.at, cause="customer")
    assert reactions.void(cancelled, VOIDED.at) == Void("subscription_cancelled", VOIDED.at)
    assert reactions.void(cancelled.model_copy(update={"open_invoices": "keep"}), VOIDED.at) is None


def test_movements_of_a_refunded_invoice_sum_to_zero() -> None:
    state = RULES.fold([ISSUED])
    assert state is not None
    paid = payments.PaymentSucceeded.model_validate(CHARGE | {"reference": "ch_1"})
    back = payments.PaymentRefunded.model_validate(CHARGE | {"reference": "re_1", "reason": "invoice_voided"})
    rows = [
        movements.of_invoice(id_of("invoice"), ISSUED, state),
        movements.of_invoice(id_of("invoice"), VOIDED, state),
        movements.of_payment(envelope(paid), paid),
        movements.of_payment(envelope(back), back),
    ]
    moved = [it for it in rows if it]
    assert [it.kind for it in moved] == [Kind.INVOICE, Kind.VOID, Kind.PAYMENT, Kind.REFUND]
    assert sum(it.total for it in moved) == 0


@pytest.mark.parametrize("returned", [True, False])
def test_only_a_dispute_that_returned_money_is_a_movement(returned: bool) -> None:
    facts = {"dispute_id": id_of("dispute"), "reason": "fraudulent", "reference": "dp_1"}
    opened = payments.PaymentDisputed.model_validate(CHARGE | facts)
    assert movements.of_payment(envelope(opened), opened) is None
    closed = payments.PaymentDisputeClosed.model_validate(CHARGE | facts | {"outcome": "lost", "returned": returned})
    moved = movements.of_payment(envelope(closed), closed)
    assert (moved is not None) is returned
    if moved:
        seen = moved.kind, moved.kind.published, moved.total, moved.status, moved.reason, moved.reference, moved.last4
        assert seen == (Kind.CHARGEBACK, ("refund", "chargeback"), 2999, "succeeded", "dispute_lost", "dp_1", "4242")


def test_a_charge_under_way_moves_nothing() -> None:
    started = payments.PaymentStarted.model_validate(CHARGE)
    unknown = payments.PaymentOutcomeUnknown.model_validate(CHARGE | {"next_check_at": PAID.at})
    assert movements.of_payment(envelope(started), started) is None
    assert movements.of_payment(envelope(unknown), unknown) is None
    assert movements.of_invoice(id_of("invoice"), PAID, RULES.fold([ISSUED])) is None  # type: ignore[arg-type]


def test_a_failed_attempt_is_a_movement_of_zero() -> None:
    failed = payments.PaymentFailed.model_validate(CHARGE | {"code": "expired_card", "retryable": False})
    movement = movements.of_payment(envelope(failed), failed)
    assert movement is not None
    assert (movement.kind, movement.total, movement.reason, movement.last4) == (Kind.FAILED_ATTEMPT, 0, "expired_card", "4242")


def test_a_failed_attempt_has_the_most_precise_reason() -> None:
    fields = {"code": "card_declined", "detail": "authentication_required", "retryable": False, "remedy": "authenticate"}
    failed = payments.PaymentFailed.model_validate(CHARGE | fields)
    movement = movements.of_payment(envelope(failed), failed)
    assert movement is not None
    assert movement.reason == "authentication_required"
    waits = payments.PaymentAuthenticationRequired.model_validate(CHARGE | {"until": PAID.at})
    assert movements.of_payment(envelope(waits), waits) is None


def test_the_dates_of_a_period_are_of_the_place_where_the_subscription_began() -> None:
    """Its renewal has the place; an older renewal without one uses the merchant's."""
    for began, zone in (("Europe/Madrid", "Europe/Madrid"), (None, "America/Mexico_City")):
        command = reactions.issue(
            DUE.model_copy(update={"time_zone": began}),
            subscription_id=id_of("subscription"),
            customer_id=id_of("ana"),
            merchant=MERCHANT,
            customer_locale=None,
            series_number=reactions.next_number(Counter("TS"), MERCHANT, day(5))[0],
            bill_to_sha256="",
            at=day(5),
        )
        assert (command.period_zone, command.letterhead.time_zone, command.letterhead.decimals) == (
            zone,
            "America/Mexico_City",
            2,
        )
