"""Why an invoice differs: the parts always sum to the difference, and each cause is named when it is the one."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.invoices.explanation import Explanation, Invoiced, Ours, explained


def usd(text: str) -> Decimal:
    return Decimal(text)


@pytest.mark.parametrize(
    ("invoiced", "ours", "parts"),
    [
        pytest.param(Invoiced(usd("2")), Ours(5, 100, usd("2")), Explanation(), id="equal"),
        pytest.param(
            Invoiced(usd("2")),
            Ours(5, 100, usd("1.5"), unpriced_requests=2),
            Explanation(unpriced_usd=usd("0.5")),
            id="no price",
        ),
        pytest.param(
            Invoiced(usd("2")),
            Ours(5, 100, usd("1.5"), partial_requests=2),
            Explanation(partial_usd=usd("0.5")),
            id="no price for some usage",
        ),
        pytest.param(
            Invoiced(usd("2")),
            Ours(5, 100, usd("2.7"), late_requests=1, late_cost_usd=usd("0.6")),
            Explanation(late_usd=usd("-0.6"), rest_usd=usd("-0.1")),
            id="came after the report, and a rest",
        ),
        pytest.param(
            Invoiced(usd("2")),
            Ours(5, 100, usd("2.1"), late_requests=1, late_cost_usd=usd("0.6")),
            Explanation(late_usd=usd("-0.1")),
            id="late events explain no more than there is",
        ),
        pytest.param(
            Invoiced(usd("2"), Decimal(100)),
            Ours(5, 100, usd("1.6")),
            Explanation(other_price_usd=usd("0.4")),
            id="the same tokens",
        ),
        pytest.param(
            Invoiced(usd("10"), Decimal(100)),
            Ours(6, 120, usd("6"), late_requests=1, late_tokens=20, late_cost_usd=usd("1")),
            Explanation(late_usd=usd("-1"), other_price_usd=usd("5")),
            id="the tokens that were not late, dearer",
        ),
        pytest.param(
            Invoiced(usd("4"), Decimal(100)),
            Ours(6, 120, usd("6"), late_requests=1, late_tokens=20, late_cost_usd=usd("1")),
            Explanation(late_usd=usd("-1"), other_price_usd=usd("-1")),
            id="the tokens that were not late, cheaper",
        ),
        pytest.param(
            Invoiced(usd("5"), Decimal(120)),
            Ours(6, 120, usd("6"), late_requests=1, late_tokens=20, late_cost_usd=usd("1")),
            Explanation(other_price_usd=usd("-1")),
            id="the invoice has the tokens of late events too",
        ),
        pytest.param(
            Invoiced(usd("5"), Decimal(120)),
            Ours(6, 120, usd("6"), late_requests=1, late_cost_usd=usd("1")),
            Explanation(late_usd=usd("-1")),
            id="late events without tokens, which a count of tokens does not tell",
        ),
        pytest.param(
            Invoiced(usd("5"), Decimal(100)),
            Ours(6, 120, usd("6"), unpriced_requests=1, late_requests=1, late_tokens=20, late_cost_usd=usd("1")),
            Explanation(late_usd=usd("-1")),
            id="the tokens that were not late, some without a price",
        ),
        pytest.param(
            Invoiced(usd("2"), Decimal(101)),
            Ours(5, 100, usd("1.6")),
            Explanation(rest_usd=usd("0.4")),
            id="more tokens",
        ),
        pytest.param(
            Invoiced(usd("2"), Decimal(100)),
            Ours(5, 100, usd("1.6"), unpriced_requests=1),
            Explanation(unpriced_usd=usd("0.4")),
            id="the same tokens, some without a price",
        ),
        pytest.param(
            Invoiced(usd("2")),
            Ours(5, 100, usd("1.6"), reported_difference_usd=usd("0.3")),
            Explanation(other_price_usd=usd("0.3"), rest_usd=usd("0.1"), price_or_calls_usd=usd("0.1")),
            id="the provider's own cost on the events",
        ),
        pytest.param(
            Invoiced(usd("2")),
            Ours(5, 100, usd("2"), reported_difference_usd=usd("1")),
            Explanation(),
            id="a cost on the events that the invoice does not have explains nothing",
        ),
        pytest.param(
            Invoiced(usd("1")),
            Ours(5, 100, usd("2"), reported_difference_usd=usd("1")),
            Explanation(rest_usd=usd("-1"), price_or_calls_usd=usd("-1")),
            id="a cost on the events that the invoice contradicts",
        ),
        pytest.param(
            Invoiced(usd("2.5")),
            Ours(5, 100, usd("2"), reported_difference_usd=usd("1")),
            Explanation(other_price_usd=usd("0.5")),
            id="a cost on the events explains no more than there is",
        ),
        pytest.param(
            Invoiced(usd("1.5")),
            Ours(5, 100, usd("2"), reported_difference_usd=usd("-1")),
            Explanation(other_price_usd=usd("-0.5")),
            id="a lower cost on the events explains no more than there is",
        ),
        pytest.param(
            Invoiced(usd("10")),
            Ours(5, 100, usd("5")),
            Explanation(rest_usd=usd("5"), price_or_calls_usd=usd("5")),
            id="without a count of tokens another price and missing calls look the same",
        ),
        pytest.param(Invoiced(usd("2")), Ours(), Explanation(rest_usd=usd("2")), id="nothing recorded"),
        pytest.param(Invoiced(), Ours(1, 1, usd("2")), Explanation(rest_usd=usd("-2")), id="nothing charged"),
    ],
)
def test_a_difference_has_causes(invoiced: Invoiced, ours: Ours, parts: Explanation) -> None:
    assert explained(invoiced, ours) == parts


AMOUNTS = st.decimals("-1000000", "1000000", places=9)
COUNTS = st.integers(0, 3)


@given(
    st.builds(Invoiced, AMOUNTS, st.none() | st.integers(0, 3).map(Decimal)),
    st.builds(Ours, COUNTS, COUNTS, AMOUNTS, COUNTS, COUNTS, COUNTS, COUNTS, AMOUNTS.map(abs), AMOUNTS),
)
def test_the_parts_sum_to_the_difference(invoiced: Invoiced, ours: Ours) -> None:
    found = explained(invoiced, ours)
    assert found.difference_usd == invoiced.amount_usd - ours.cost_usd
    assert found.unpriced_usd == 0 or ours.unpriced_requests
    assert found.partial_usd == 0 or ours.partial_requests
    assert -ours.late_cost_usd <= found.late_usd <= 0
    assert found.price_or_calls_usd in (0, found.rest_usd)
    assert invoiced.tokens is None or found.price_or_calls_usd == 0


@given(
    st.builds(Invoiced, AMOUNTS),
    st.builds(Ours, COUNTS, COUNTS, AMOUNTS, COUNTS, COUNTS, COUNTS, COUNTS, AMOUNTS.map(abs), AMOUNTS),
)
def test_no_cause_is_larger_than_the_difference(invoiced: Invoiced, ours: Ours) -> None:
    found, difference = explained(invoiced, ours), invoiced.amount_usd - ours.cost_usd
    for part in (found.unpriced_usd, found.partial_usd, found.late_usd, found.other_price_usd, found.rest_usd):
        assert part == 0 or (part > 0) == (difference > 0)
        assert abs(part) <= abs(difference)
