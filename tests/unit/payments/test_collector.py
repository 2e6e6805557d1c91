from collections.abc import Sequence
from dataclasses import replace

import pytest
from unit.payments.collector_bench import BLUE, Bench

from payments.application.charges import RefundMade, RefundRefused, RefundUnderway, Taken
from payments.application.collector import PAUSE_SECONDS_MAX
from payments.application.queue_ports import Agreement, DueRefund
from support.payments.examples import INVOICE, MERCHANT, OTHER, VISA, day


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_a_charge_that_is_answered_ends(bench: Bench) -> None:
    await bench.collector.settle(await bench.started())
    assert await bench.event_names() == ["AttemptStarted", "AttemptSucceeded"]


async def test_the_provider_saying_no_is_a_failure(bench: Bench) -> None:
    await bench.collector.settle(await bench.started(OTHER))
    assert await bench.event_names() == ["AttemptStarted", "AttemptFailed"]


@pytest.mark.parametrize("mode", ["hang", "lose", "break"])
async def test_no_answer_is_not_a_failure(bench: Bench, mode: str) -> None:
    bench.provider.mode = mode  # type: ignore[assignment]
    await bench.collector.settle(await bench.started())
    assert await bench.event_names() == ["AttemptStarted", "OutcomeUnknown"]
    assert bench.claimed.pauses == [1]


@pytest.mark.parametrize("mode", ["hang", "lose"])
async def test_the_provider_is_queried_until_it_answers_and_charges_once(bench: Bench, mode: str) -> None:
    attempt = await bench.started()
    bench.provider.mode = mode  # type: ignore[assignment]
    await bench.collector.settle(attempt)
    bench.provider.mode = "normal"
    await bench.collector.settle(replace(attempt, calls=2))
    assert await bench.event_names() == ["AttemptStarted", "OutcomeUnknown", "AttemptSucceeded"]
    assert len(bench.provider.charges) == 1


async def test_the_pauses_between_questions_grow_up_to_a_limit(bench: Bench) -> None:
    attempt = await bench.started()
    bench.provider.mode = "hang"
    for calls in (1, 2, 3, 30):
        await bench.collector.settle(replace(attempt, calls=calls))
    assert bench.claimed.pauses == [1, 2, 4, PAUSE_SECONDS_MAX]
    assert await bench.event_names() == ["AttemptStarted", "OutcomeUnknown"]


async def test_a_card_agreed_to_meanwhile_is_charged_when_the_old_one_fails(bench: Bench) -> None:
    attempt = await bench.started(OTHER)
    bench.claimed.agreed_method = VISA
    await bench.collector.settle(attempt)
    assert await bench.event_names() == ["AttemptStarted", "AttemptFailed", "AttemptStarted"]
    await bench.collector.settle(bench.attempt(2, VISA))
    paid = (await bench.state()).paid
    assert paid is not None
    assert paid.method == VISA


async def test_a_voided_invoice_is_not_charged_any_more(bench: Bench) -> None:
    bench.claimed.agreed_method = OTHER
    await bench.collector.settle(replace(await bench.started(), voided=True))
    assert await bench.event_names() == ["AttemptStarted", "AttemptFailed"]
    assert not [outcome for outcome in bench.provider.charges.values() if isinstance(outcome, Taken)]


async def test_what_a_voided_invoice_paid_after_all_is_given_back(bench: Bench) -> None:
    attempt = await bench.started()
    bench.provider.mode = "lose"
    await bench.collector.settle(attempt)
    bench.provider.mode = "normal"
    voided = replace(attempt, voided=True, calls=2)
    await bench.collector.settle(voided)
    for _ in range(2):
        await bench.refunds.request(voided)
        await bench.refunds.settle(bench.due_refund(voided))
    assert await bench.event_names() == ["AttemptStarted", "OutcomeUnknown", "AttemptSucceeded", "RefundRequested", "Refunded"]
    assert len(bench.provider.refunds) == 1


async def refund_requested(bench: Bench) -> DueRefund:
    attempt = await bench.started()
    await bench.collector.settle(attempt)
    await bench.refunds.request(attempt)
    return bench.due_refund(attempt)


@pytest.mark.parametrize("mode", ["hang", "lose"])
async def test_a_refund_without_an_answer_is_requested_again_and_made_once(bench: Bench, mode: str) -> None:
    due = await refund_requested(bench)
    bench.provider.mode = mode  # type: ignore[assignment]
    await bench.refunds.settle(due)
    assert bench.claimed.pauses == [1]
    bench.provider.mode = "normal"
    await bench.refunds.settle(replace(due, calls=2))
    assert (await bench.event_names())[-2:] == ["RefundRequested", "Refunded"]
    assert len(bench.provider.given_back) == 1


async def test_a_refund_under_way_is_asked_about_until_it_is_made(bench: Bench) -> None:
    due = await refund_requested(bench)
    bench.provider.next_refund = RefundUnderway("re_1")
    for calls in (1, 2, 30):
        await bench.refunds.settle(replace(due, calls=calls))
    assert bench.claimed.pauses == [1, 2, PAUSE_SECONDS_MAX]
    bench.provider.refunds[due.order.refund_id] = RefundMade("re_1")
    await bench.refunds.settle(due)
    assert (await bench.event_names())[-1] == "Refunded"


async def test_a_refused_refund_has_failed_and_is_not_requested_again(bench: Bench) -> None:
    due = await refund_requested(bench)
    bench.provider.next_refund = RefundRefused("expired_or_canceled_card", "re_1")
    for _ in range(2):
        await bench.refunds.settle(due)
    assert (await bench.event_names())[-2:] == ["RefundRequested", "RefundFailed"]
    await bench.refunds.request(bench.attempt(1, VISA))
    assert (await bench.event_names())[-1] == "RefundFailed"


async def test_a_refund_that_the_bank_returned_has_failed(bench: Bench) -> None:
    due = await refund_requested(bench)
    await bench.refunds.settle(due)
    review = replace(due, order=replace(due.order, made_as="re_1"))
    await bench.refunds.settle(review)
    assert (bench.claimed.confirmed, (await bench.event_names())[-1]) == ([due.order.refund_id], "Refunded")
    bench.provider.mode = "hang"
    await bench.refunds.settle(review)
    assert (bench.claimed.pauses, (await bench.event_names())[-1]) == ([1], "Refunded")
    bench.provider.mode = "normal"
    bench.provider.refunds[due.order.refund_id] = RefundRefused("lost_or_stolen_card", "re_1")
    for _ in range(2):
        await bench.refunds.settle(review)
    assert (await bench.event_names())[-3:] == ["RefundRequested", "Refunded", "RefundFailed"]
    assert (await bench.state()).refunds.repaid_minor == 0


async def test_an_error_of_the_provider_is_no_outcome_of_a_refund(bench: Bench) -> None:
    due = await refund_requested(bench)
    taken = bench.provider.charges.pop(due.order.charge.charge_id)
    for calls in (1, 2):
        await bench.refunds.settle(replace(due, calls=calls))
    assert (bench.claimed.pauses, (await bench.event_names())[-1]) == ([1, 2], "RefundRequested")
    bench.provider.charges[due.order.charge.charge_id] = taken
    await bench.refunds.settle(due)
    assert (await bench.event_names())[-1] == "Refunded"


async def test_an_agreement_that_came_while_the_old_charge_failed_is_honoured(bench: Bench) -> None:
    await bench.collector.settle(await bench.started(OTHER))
    await bench.collector.retry_agreed(Agreement(MERCHANT, INVOICE, VISA, day(15)))
    assert (await bench.event_names())[-1] == "AttemptStarted"
    assert bench.claimed.forgotten == [INVOICE]


async def test_an_outcome_carries_on_the_story_that_began_with_the_attempt(bench: Bench) -> None:
    await bench.collector.settle(await bench.started())
    values: Sequence[bytes | None] = [message.value for message in bench.store.messages]
    assert all(str(BLUE.correlation_id).encode() in (value or b"") for value in values)


async def test_a_busy_provider_is_asked_later_and_nothing_is_recorded(bench: Bench) -> None:
    attempt = await bench.started()
    bench.provider.mode = "busy"
    for calls in (1, 2, 3):
        await bench.collector.settle(replace(attempt, calls=calls))
    assert await bench.event_names() == ["AttemptStarted"]
    assert all(base / 2 <= pause <= base * 1.5 for base, pause in zip((1, 2, 4), bench.claimed.pauses, strict=True))
    bench.provider.mode = "normal"
    await bench.collector.settle(replace(attempt, calls=4))
    assert await bench.event_names() == ["AttemptStarted", "AttemptSucceeded"]
