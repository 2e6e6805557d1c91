"""The table of ISO 4217 compared with Unicode CLDR, which also lists where each currency is tender today."""

import pytest
from babel.core import get_global

from billing_contracts.currencies import MONETARY, OTHERS
from billing_contracts.money import LARGEST_AMOUNT, Money, exponent, is_monetary

ROUNDED_IN_PRACTICE = frozenset(
    ("AFN", "ALL", "COP", "HUF", "IDR", "IQD", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SOS", "SYP", "YER")
)
"""Without decimals in some recent release of CLDR, because such small coins are not in use; with decimals in ISO."""
ENDED_SINCE = {"BGN"}
"""Bulgaria has used the euro since 2026; not every release of CLDR contains that."""
ONLY_IN_ISO = {
    "CLF": "a unit in which contracts of Chile are priced",
    "SVC": "El Salvador pays in US dollars since 2001",
    "UYW": "a unit in which contracts of Uruguay are priced",
    "VED": "the new name of Venezuela's currency, which CLDR still calls VES",
}
METALS_AND_TESTS = ("XAU", "XAG", "XPT", "XPD", "XTS", "XXX", "XBA", "XBB", "XBC", "XBD", "XDR", "XSU", "XUA")


def tender_today() -> set[str]:
    usages = get_global("territory_currencies").values()
    return {code for usage in usages for code, _, until, tender in usage if tender and until is None}


def test_a_price_may_be_in_each_currency_that_is_tender_somewhere_today() -> None:
    assert set(MONETARY) == (tender_today() - ENDED_SINCE) | set(ONLY_IN_ISO)


def test_decimals_are_those_of_iso_and_differ_from_cldr_only_where_coins_are_not_used() -> None:
    fractions = get_global("currency_fractions")
    cldr = {code: fractions.get(code, fractions["DEFAULT"])[0] for code in MONETARY}
    different = {code for code, digits in MONETARY.items() if digits != cldr[code]}
    assert different <= ROUNDED_IN_PRACTICE
    assert {cldr[code] for code in different} == {0}
    assert {code: MONETARY[code] for code in MONETARY if MONETARY[code] not in (0, 2, 3)} == {"CLF": 4, "UYW": 4}


@pytest.mark.parametrize("code", ["CHE", "CHW", "COU", "MXV", "USN", "BOV", "UYI", "XAD", *METALS_AND_TESTS, "ZZZ", "HRK", "usd"])
def test_no_price_is_in_a_fund_a_metal_a_test_code_or_a_former_currency(code: str) -> None:
    assert not is_monetary(code)


@pytest.mark.parametrize("code", ["USD", "EUR", "MXN", "JPY", "KWD", "CLF", "UYW", "XAF", "XCD", "XCG", "XOF", "XPF", "ZWG"])
def test_a_price_may_be_in_money(code: str) -> None:
    assert is_monetary(code)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123456, "CLF", "12.3456"),
        (7, "UYW", "0.0007"),
        (5, "UYI", "5"),
        (123, "ZZZ", "1.23"),
        (LARGEST_AMOUNT, "XXX", "90071992547409.91"),
    ],
)
def test_stored_amounts_stay_readable_in_any_code(minor: int, currency: str, text: str) -> None:
    assert Money.model_validate({"amount_minor": minor, "currency": currency}).decimal() == text


def test_the_decimals_of_codes_that_are_not_sold_are_known_too() -> None:
    assert {code: exponent(code) for code in OTHERS} == OTHERS
    assert not set(OTHERS) & set(MONETARY)
