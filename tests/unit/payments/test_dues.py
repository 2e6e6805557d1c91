"""The list of charges of a confirmation: open invoices, and periods that have begun."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from payments.application.dues import BEGUN_PERIODS_MAX, Dues, confirmation
from payments.application.ports import Outlook, Prospect
from payments.domain.confirmation import ConfirmedCharge, Period
from payments.domain.dues import Due, DueList, totals
from payments.domain.shapes import Money
from support.payments.examples import ANA, INVOICE, MERCHANT, PRICE, SUBSCRIPTION, day, id_of

MAY, JUNE, JULY = (Period(day(1) + timedelta(days=30 * n), day(1) + timedelta(days=30 * (n + 1))) for n in range(3))
OTHER_INVOICE, OTHER_SUBSCRIPTION = id_of("TS-000015"), id_of("another")
OWED = Due(INVOICE, "TS-000014", PRICE, SUBSCRIPTION, MAY)
ALSO_OWED = Due(OTHER_INVOICE, "TS-000015", Money(120, "JPY"), OTHER_SUBSCRIPTION, MAY)
BEGUN = tuple(Due(id_of(f"begun {n}"), None, PRICE, SUBSCRIPTION, period) for n, period in enumerate((JUNE, JULY)))
AT = day(20)
CONTINUES = Outlook(AT, (Prospect(SUBSCRIPTION, INVOICE, "continues", BEGUN, False),))


@dataclass
class World:
    """Invoices, subscriptions and a clock as a test wants them."""

    owed: tuple[Due, ...] = (OWED,)
    outlook: Outlook | None = CONTINUES
    outlook_requests: int = 0

    async def due(self, merchant_id: UUID, customer_id: UUID) -> tuple[Due, ...]:
        return self.owed

    async def of(self, merchant_id: UUID, customer_id: UUID) -> Outlook | None:
        self.outlook_requests += 1
        return self.outlook

    async def now(self, merchant_id: UUID) -> datetime:
        return day(19)

    async def zone(self, merchant_id: UUID) -> str:
        return "UTC"

    async def listed(self) -> DueList:
        return await Dues(self, self, self).of(MERCHANT, ANA)


async def test_begun_periods_follow_the_invoice_that_they_wait_for() -> None:
    listed = await World((OWED, ALSO_OWED)).listed()
    settles = replace(ALSO_OWED, effect="settles")
    assert listed == DueList(AT, (replace(OWED, effect="continues"), *BEGUN, settles))


async def test_subscriptions_is_not_called_when_nothing_is_owed() -> None:
    world = World(())
    assert await world.listed() == DueList(day(19), ())
    assert world.outlook_requests == 0


async def test_only_open_invoices_are_listed_while_subscriptions_does_not_answer() -> None:
    assert await World(outlook=None).listed() == DueList(day(19), (OWED,))


async def test_a_prospect_without_its_invoice_adds_nothing() -> None:
    ahead = Outlook(AT, (Prospect(SUBSCRIPTION, id_of("not here yet"), "continues", BEGUN, False),))
    assert (await World(outlook=ahead).listed()).due == (replace(OWED, effect="settles"),)


async def test_the_list_reports_that_more_periods_have_begun() -> None:
    more = Outlook(AT, (Prospect(SUBSCRIPTION, INVOICE, "continues", BEGUN, True),))
    assert (await World(outlook=more).listed()).more


async def test_no_confirmation_covers_more_periods_than_can_be_sent() -> None:
    many = tuple(replace(BEGUN[0], invoice_id=UUID(int=n)) for n in range(BEGUN_PERIODS_MAX + 1))
    listed = await World(outlook=Outlook(AT, (Prospect(SUBSCRIPTION, INVOICE, "continues", many, False),))).listed()
    assert (len(listed.due), listed.more) == (BEGUN_PERIODS_MAX + 1, True)


LISTED = DueList(AT, (OWED, *BEGUN, ALSO_OWED))


@pytest.mark.parametrize(
    ("requested", "chosen"),
    [
        ((), ()),
        ((OTHER_INVOICE,), (ALSO_OWED,)),
        ((INVOICE, *(each.invoice_id for each in BEGUN)), (OWED, *BEGUN)),
        ((INVOICE,), None),
        ((INVOICE, BEGUN[0].invoice_id), None),
        ((BEGUN[0].invoice_id, BEGUN[1].invoice_id), None),
        ((id_of("of another customer"),), None),
    ],
)
def test_what_is_charged_cannot_be_chosen_without_what_follows(
    requested: tuple[UUID, ...], chosen: tuple[Due, ...] | None
) -> None:
    assert LISTED.chosen(requested) == chosen


def test_paying_one_invoice_charges_what_follows_from_it_alone() -> None:
    assert LISTED.of(INVOICE).due == (OWED, *BEGUN)
    assert LISTED.of(OTHER_INVOICE).due == (ALSO_OWED,)
    assert LISTED.of(id_of("nothing")).due == ()


def test_each_currency_has_its_total() -> None:
    assert totals(LISTED.due) == (Money(3 * 2999, "USD"), Money(120, "JPY"))
    assert totals(()) == ()


def test_the_whole_list_is_stored_with_the_command() -> None:
    stored = confirmation(AT, LISTED.due)
    assert stored is not None
    assert stored.at == AT
    assert stored.charges[0] == ConfirmedCharge(INVOICE, SUBSCRIPTION, PRICE, MAY)
    assert [each.invoice_id for each in stored.charges] == [each.invoice_id for each in LISTED.due]
    assert confirmation(AT, ()) is None
