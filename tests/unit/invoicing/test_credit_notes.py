"""Credit notes: for paid invoices only, at the invoice's rates, together exactly the invoice and never more."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given as every
from hypothesis import strategies as st
from pydantic import ValidationError

from billing_contracts.tax import taxed
from invoicing.adapters.document.renderer import Renderer
from invoicing.application.adoption import ADOPTED
from invoicing.application.aggregates import CODEC
from invoicing.application.credit_notes import CreditNoteDocument, contained
from invoicing.application.movements import of_invoice
from invoicing.application.publication import announce
from invoicing.domain.credit import CreditLine, credit_lines, largest_remainder
from invoicing.domain.invoice.commands import Credit, Issue, Void
from invoicing.domain.invoice.events import Credited, Event, Paid
from invoicing.domain.invoice.invoice import Invoice, evolve
from invoicing.domain.invoice.refusals import (
    AlreadyVoid,
    CreditExceedsInvoice,
    NoSuchInvoice,
    NothingToCredit,
    NotPaid,
    Refusal,
)
from invoicing.domain.numbering import Counter, SeriesNumber, credit_series
from invoicing.domain.plan import Tax
from invoicing.domain.totals import Line, Totals
from support.invoicing.examples import (
    ANA,
    FAILED,
    FIRST,
    ISSUED,
    MAY,
    PAID,
    RULES,
    TAXED,
    VISA,
    VOIDED,
    costing,
    day,
    given,
    id_of,
    issued,
)
from support.invoicing.pdf_documents import text

NUMBER = SeriesNumber(credit_series("TS"), 1, date(2023, 5, 20))
PART = Credit(id_of("note"), NUMBER, 1000, "USD", "customer_request", contained, day(5, 20))
ALL = replace(PART, amount=None, currency=None)


def credited(command: Credit, net: int, tax: int) -> Credited:
    line = CreditLine(1, "Premium Mensual", "Suscripción mensual renovable", MAY, net, tax, net + tax)
    totals, number = Totals(net, tax, net + tax), command.series_number
    facts = number.number, number.series, number.ordinal, number.issued_on
    return Credited(command.credit_note_id, *facts, command.reason, (line,), totals, command.at)


HALF = credited(PART, -1000, 0)


def state(*events: Event) -> Invoice:
    it = RULES.fold(events)
    assert it is not None
    return it


def test_a_paid_invoice_is_credited_in_part_or_whole() -> None:
    given(ISSUED, PAID).when(PART).then(HALF)
    given(ISSUED, PAID).when(ALL).then(credited(ALL, -2999, 0))
    given(ISSUED, PAID, HALF).when(ALL).then(credited(ALL, -1999, 0))


def test_the_number_is_of_a_series_of_its_own() -> None:
    assert HALF.number == "TS-NC-000001"
    number, following = Counter(credit_series("TS"), 1, date(2023, 5, 20)).next(date(2023, 5, 1))
    assert (number.number, number.issued_on, following.last) == ("TS-NC-000002", date(2023, 5, 20), 2)


def test_an_unpaid_invoice_is_voided_instead() -> None:
    given(ISSUED).when(PART).refused(NotPaid)
    given(ISSUED, FAILED).when(ALL).refused(NotPaid)
    given(ISSUED, VOIDED).when(PART).refused(AlreadyVoid)
    given(ISSUED, PAID, VOIDED).when(PART).refused(AlreadyVoid)
    given().when(PART).refused(NoSuchInvoice)


def test_no_more_than_what_is_left_can_be_credited() -> None:
    given(ISSUED, PAID).when(replace(PART, amount=3000)).refused(CreditExceedsInvoice)
    given(ISSUED, PAID, HALF).when(replace(PART, amount=2000)).refused(CreditExceedsInvoice)
    given(ISSUED, PAID).when(replace(PART, currency="EUR")).refused(CreditExceedsInvoice)
    for amount in (0, -1):
        given(ISSUED, PAID).when(replace(PART, amount=amount)).refused(CreditExceedsInvoice)
    given(ISSUED, PAID, credited(ALL, -2999, 0)).when(ALL).refused(NothingToCredit)
    free = issued(costing(0))
    given(free, replace(PAID, amount=0)).when(ALL).refused(NothingToCredit)


def test_the_tax_is_part_of_the_amount_at_the_invoices_rate() -> None:
    """16 % of 2999 inclusive: 2585 + 414. Half of it carries half of the tax, rounded half up."""
    given(TAXED, PAID).when(replace(PART, amount=1500)).then(credited(replace(PART, amount=1500), -1293, -207))
    on_top = issued(costing(2999, tax=Tax("IVA", 2100)))
    paid = replace(PAID, amount=3629)
    given(on_top, paid).when(ALL).then(credited(ALL, -2999, -630))
    given(on_top, paid).when(replace(PART, amount=1210)).then(credited(PART, -1000, -210))


def test_a_voided_invoice_forgives_only_what_credit_notes_have_left() -> None:
    it = state(ISSUED, PAID, HALF, VOIDED)
    moved = of_invoice(id_of("invoice"), VOIDED, it)
    assert moved is not None
    assert moved.total == -1999
    given(ISSUED, PAID, HALF).when(Void("subscription_cancelled", VOIDED.at)).then(VOIDED)


def test_the_public_event_names_the_invoice_and_can_be_taken_over_after_a_restore() -> None:
    first = credited(replace(PART, amount=1500), -1293, -207)
    announced = announce(first, state(TAXED, PAID, first))
    data: Any = announced.data
    assert (data.number, data.invoice_number, data.charge_id) == ("TS-NC-000001", "TS-000014", FIRST)
    assert (data.net_total.amount_minor, data.tax_total.amount_minor, data.total.amount_minor) == (-1293, -207, -1500)
    envelope: Any = type("Sent", (), {"time": first.at})
    assert ADOPTED[data.TYPE](data, envelope, None) == first
    assert CODEC.decode(*CODEC.encode(first)) == first


RATES = st.none() | st.builds(Tax, st.just("IVA"), st.integers(0, 10_000), st.booleans())
CURRENCIES = st.sampled_from(["USD", "JPY", "KWD", "CLF"])


def invoiced(price: int, quantity: int, tax: Tax | None, currency: str) -> tuple[Issue, list[Event]]:
    issue = costing(price, quantity, tax, currency)
    event = issued(issue)
    return issue, [event, Paid(FIRST, event.totals.total, VISA, day(5))]


@every(st.integers(1, 10**12), st.integers(1, 5), RATES, CURRENCIES, st.lists(st.integers(1, 10**12), max_size=8))
def test_any_partial_credit_notes_sum_to_the_invoice_and_leave_nothing_negative(
    price: int, quantity: int, tax: Tax | None, currency: str, amounts: list[int]
) -> None:
    _, events = invoiced(price, quantity, tax, currency)
    original = state(*events)
    notes: list[Credited] = []
    for amount in [*amounts, None]:
        try:
            (note,) = RULES.decide(replace(PART, amount=amount, currency=None), RULES.fold(events))
        except Refusal:
            continue
        assert isinstance(note, Credited)
        assert all(line.net <= 0 and line.tax <= 0 and line.net + line.tax == line.total < 0 for line in note.lines)
        assert note.totals.net + note.totals.tax == note.totals.total == sum(line.total for line in note.lines)
        notes.append(note)
        events.append(note)
    line = original.lines[0]
    assert -sum(note.totals.net for note in notes) == line.net
    assert -sum(note.totals.tax for note in notes) == line.tax
    assert -sum(note.totals.total for note in notes) == original.total
    assert state(*events).left == 0


@every(st.integers(1, 10**9), st.integers(0, 10_000), st.integers(1, 10**9))
def test_the_first_credit_note_has_the_tax_that_a_price_of_its_amount_contains(price: int, rate: int, amount: int) -> None:
    tax = Tax("IVA", rate, inclusive=True)
    _, events = invoiced(price, 1, tax, "USD")
    part = min(amount, price)
    (note,) = RULES.decide(replace(PART, amount=part), RULES.fold(events))
    assert isinstance(note, Credited)
    assert -note.totals.tax == taxed(part, tax).tax


@every(st.lists(st.integers(0, 10**9), min_size=1, max_size=6), st.data())
def test_a_divided_amount_is_divided_completely_and_no_share_exceeds_its_line(weights: list[int], data: st.DataObject) -> None:
    amount = data.draw(st.integers(0, sum(weights)))
    shares = largest_remainder(amount, weights)
    assert sum(shares) == amount
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))


@every(st.lists(st.integers(1, 10**6), min_size=2, max_size=4), st.lists(st.integers(1, 10**6), max_size=6))
def test_credit_notes_for_several_lines_take_each_line_back_exactly(totals: list[int], amounts: list[int]) -> None:
    tax = Tax("IVA", 2100)
    lines = []
    for total in totals:
        split = contained(total, tax)
        lines.append(Line("Premium", "", MAY, 1, split.net, split.net, split.tax, total))
    before = [0] * len(lines)
    for amount in [*amounts, sum(totals)]:
        part = min(amount, sum(totals) - sum(before))
        for taken in credit_lines(lines, tax, before, part, contained):
            assert taken.net <= 0
            assert taken.tax <= 0
            before[taken.line - 1] -= taken.total
    assert before == totals


async def test_the_document_names_invoice_reason_and_amounts_and_stays_the_same(render: Renderer) -> None:
    note = credited(replace(PART, amount=1500), -1293, -207)
    document = CreditNoteDocument(note, TAXED, VISA, ANA)
    pdf = await render.credit_note(document)
    shown = text(pdf).replace("\u00a0", " ")
    for part in (
        "TS-NC-000001",
        "TS-000014",
        "14 de mayo de 2023",
        "20 de mayo de 2023",
        "Ana García",
        "Premium Mensual",
        "-15.00 USD",
        "Visa •••• 4242",
    ):
        assert part in shown, shown
    assert await render.credit_note(document) == pdf
    assert b"/CreationDate(D:20230520000000Z)" in pdf


async def test_a_credit_note_of_an_invoice_with_the_first_layout_is_printed(render: Renderer) -> None:
    old = replace(TAXED, letterhead=replace(TAXED.letterhead, layout=1, decimals=None))
    assert "TS-NC-000001" in text(await render.credit_note(CreditNoteDocument(HALF, old, None, None)))


def test_a_stored_reason_outside_the_list_is_refused() -> None:
    name, schema, body = CODEC.encode(HALF)
    with pytest.raises(ValidationError):
        CODEC.decode(name, schema, body.replace("customer_request", "because"))


def test_evolve_counts_what_each_line_has_lost() -> None:
    assert evolve(state(ISSUED, PAID), HALF).credited == (1000,)
