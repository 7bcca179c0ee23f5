"""Sums of usage are exact, whatever their size."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from warehouse.queries.usage import MEASURES, SUMS, Usage, added, usage_of

NANO = st.integers(0, 10**27).map(lambda number: Decimal(number).scaleb(-9))


def test_the_sql_names_the_fields_in_order() -> None:
    assert SUMS.startswith("sum(requests) AS requests, sum(errors) AS errors, sum(input_tokens) AS input_tokens, ")
    assert SUMS.endswith("sum(cost_usd) AS cost_usd, sum(billed_usd) AS billed_usd, sum(credits) AS credits")
    assert usage_of(range(len(MEASURES))).credits == len(MEASURES) - 1


def test_nothing_sums_to_zero() -> None:
    assert added([]) == Usage()


@given(st.lists(st.tuples(st.integers(0, 10**18), NANO), min_size=1, max_size=20))
def test_nothing_is_rounded(parts: list[tuple[int, Decimal]]) -> None:
    total = added(Usage(requests=requests, cost_usd=cost) for requests, cost in parts)
    assert total.requests == sum(requests for requests, _ in parts)
    assert int(total.cost_usd.scaleb(9)) == sum(int(cost.scaleb(9)) for _, cost in parts)
