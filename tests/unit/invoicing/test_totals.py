from hypothesis import given as every
from hypothesis import strategies as st

from invoicing.domain.plan import Tax
from invoicing.domain.totals import totals_of
from support.invoicing.examples import costing, issued

SOLD = st.tuples(st.integers(0, 10**13), st.integers(1, 1000), st.integers(0, 10_000), st.booleans())


@every(st.lists(SOLD, min_size=1, max_size=20))
def test_totals_are_the_sums_of_the_lines(sold: list[tuple[int, int, int, bool]]) -> None:
    events = [issued(costing(price, quantity, Tax("IVA", rate, inclusive))) for price, quantity, rate, inclusive in sold]
    lines = [line for event in events for line in event.lines]
    totals = totals_of(lines)
    assert all(line.total == line.net + line.tax for line in lines)
    assert (totals.net, totals.tax) == (sum(line.net for line in lines), sum(line.tax for line in lines))
    assert totals.total == totals.net + totals.tax
