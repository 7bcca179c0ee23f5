"""A table that is made from another one by changes of organisations counts as the same table from scratch."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream_jobs.credits import MultiplierTable, Terms, TermsRow, TermsTable, billed
from stream_jobs.credits.multiplier_row import ALWAYS, MultiplierRow

from .conftest import PricedFrame

MAY: Final = datetime(2026, 5, 1, tzinfo=UTC)
OWNERS: Final = ("acme", "zeta", "other")
EVERYONES: Final = [
    MultiplierRow("maker", "large", 2000, "test"),
    MultiplierRow("", "", 1500, "test", effective_from=MAY),
]
DEFAULT: Final = [TermsRow("", Terms(markup_ppm=100_000)), TermsRow("", Terms(rounding="up"), MAY)]
EVENTS: Final[list[Mapping[str, Any]]] = [
    {
        "organization": organization,
        "priced_as": priced_as,
        "provider": provider,
        "model": model,
        "time": time,
        "cost_nano_usd": 1_234_567,
    }
    for organization in (*OWNERS, "nobody")
    for priced_as, provider, model in (("maker/large", "maker", "Large"), ("", "host", "own"), ("", "", ""))
    for time in (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC))
]

multipliers = st.builds(
    lambda name, milli, start, ended: MultiplierRow(
        name[0], name[1], 0 if ended else milli, "test", effective_from=start, ended=ended
    ),
    st.sampled_from([("maker", "large"), ("", "large"), ("host", "own"), ("", "")]),
    st.integers(1, 9000),
    st.sampled_from([ALWAYS, MAY]),
    st.booleans(),
)
terms = st.builds(
    lambda said, start: TermsRow("", said, start),
    st.sampled_from([Terms(), Terms("cost", Decimal(1000)), Terms("tokens"), Terms(markup_ppm=200_000)]),
    st.sampled_from([ALWAYS, MAY]),
)
Change = dict[str, tuple[list[MultiplierRow], list[TermsRow]]]
rows = st.tuples(st.lists(multipliers, max_size=3), st.lists(terms, max_size=2))
changes = st.lists(st.dictionaries(st.sampled_from(OWNERS), rows, min_size=1, max_size=2), min_size=1, max_size=5)


@given(sequence=changes)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_table_counts_as_the_same_table_from_scratch(
    priced_frame: PricedFrame, sequence: list[Change]
) -> None:
    frame = priced_frame(EVENTS)
    made = MultiplierTable(1, EVERYONES, TermsTable(DEFAULT))
    seen = []
    mine: dict[str, list[MultiplierRow]] = {}
    agreed: dict[str, list[TermsRow]] = {}
    for number, change in enumerate(sequence, start=2):
        own = {name: [replace(row, organization=name) for row in said] for name, (said, _) in change.items()}
        own_terms = {name: [replace(row, organization=name) for row in said] for name, (_, said) in change.items()}
        mine |= own
        agreed |= own_terms
        made = made.changed(number, own, own_terms)
        scratch = MultiplierTable(
            number,
            [*EVERYONES, *(row for of in mine.values() for row in of)],
            TermsTable([*DEFAULT, *(row for of in agreed.values() for row in of)]),
        )
        counted = credits_and_bills(made, frame)
        assert counted == credits_and_bills(scratch, frame)
        assert made.revision == number
        seen.append((made, counted))
    for table, counted in seen:
        assert credits_and_bills(table, frame) == counted, "a later state changes no earlier one"


def credits_and_bills(table: MultiplierTable, frame: Any) -> list[tuple[int, ...]]:
    """Credits, billed amount and the multiplier by itself of each event."""
    terms = table.terms.located(frame)
    done = billed(table.credit(frame, terms), terms)
    told = zip(done["credits_micro"], done["billed_nano_usd"], done.iter_rows(named=True), strict=True)
    return [
        (
            micro,
            nano_usd,
            table.milli_of(
                row["organization"],
                row["priced_as"],
                row["provider"],
                row["model"],
                round(row["time"].timestamp() * 1000),
            ),
        )
        for micro, nano_usd, row in told
    ]
