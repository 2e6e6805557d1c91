"""The expiry of cards."""

from zoneinfo import ZoneInfo

import pytest

from billing_contracts.expiry import expired, state
from support.expiries import CASES, Case


@pytest.mark.parametrize("case", CASES)
def test_a_card_is_valid_until_the_last_instant_of_its_month_where_the_merchant_is(case: Case) -> None:
    assert state(case.month, case.year, case.at, ZoneInfo(case.zone)) == case.state
    assert expired(case.month, case.year, case.at, ZoneInfo(case.zone)) is (case.state == "expired")
