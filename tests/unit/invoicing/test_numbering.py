from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given as every
from hypothesis import strategies as st

from invoicing.domain.numbering import Counter


def test_a_series_begins_with_one() -> None:
    number, after = Counter("TS").next(date(2023, 5, 14))
    assert (number.number, number.issued_on) == ("TS-000001", date(2023, 5, 14))
    assert after == Counter("TS", 1, date(2023, 5, 14))


def test_dates_do_not_go_back_with_the_clock() -> None:
    number, _ = Counter("TS", 9, date(2023, 5, 14)).next(date(2023, 5, 13))
    assert (number.number, number.issued_on) == ("TS-000010", date(2023, 5, 14))


def test_a_million_invoices_keep_their_numbers() -> None:
    assert Counter("TS", 999_999).next(date(2023, 5, 14))[0].number == "TS-1000000"


@every(st.lists(st.integers(-400, 400), max_size=50))
def test_numbers_have_no_gap_and_dates_never_go_back(days: list[int]) -> None:
    counter, numbers = Counter("TS"), []
    for offset in days:
        number, counter = counter.next(date(2023, 5, 14) + timedelta(days=offset))
        numbers.append(number)
    assert [number.ordinal for number in numbers] == list(range(1, len(days) + 1))
    assert all(before.issued_on <= after.issued_on for before, after in pairwise(numbers))
