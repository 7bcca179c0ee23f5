"""Credits in plain form: the row that is named gives the same credits as the table, for any names, dates and rows."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stream_jobs.credits.counted import counted
from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.credits.terms import Terms, TermsRow
from stream_jobs.credits.terms_table import TermsTable

from .conftest import PricedFrame

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DATES = [datetime(1970, 1, 1, tzinfo=UTC), *(BEGIN + timedelta(days=day) for day in range(4))]
ENTRIES = [("", ""), ("", "large"), ("maker", "large"), ("Maker", "LARGE"), ("seller", "large"), ("maker", "small")]
ROWS = st.builds(
    lambda entry, **fields: MultiplierRow(entry[0], entry[1], source="test", **fields),
    st.sampled_from(ENTRIES),
    multiplier_milli=st.integers(0, 5000),
    effective_from=st.sampled_from(DATES),
    organization=st.sampled_from(["", "acme"]),
    ended=st.sampled_from([False, False, True]),
)
CALLS = st.fixed_dictionaries(
    {
        "organization": st.sampled_from(["acme", "zen"]),
        "priced_as": st.sampled_from(["", "maker/large", "maker/small"]),
        "provider": st.sampled_from(["", " Seller ", "maker"]),
        "model": st.sampled_from(["", "Large", "small"]),
        "time": st.sampled_from([BEGIN + timedelta(hours=hours) for hours in range(-24, 96, 12)]),
        "input_tokens": st.sampled_from([0, 10]),
        "cost_nano_usd": st.sampled_from([0, 1, 2_500_000_000]),
        "quantities": st.sampled_from(["", '{"images": 0}', '{"images": 1}']),
    }
)

TERMS = st.sampled_from(
    [
        Terms(),
        Terms(rounding="up"),
        Terms("tokens"),
        Terms("cost", Decimal("1000.5")),
        Terms("cost", Decimal("0.000000000000000001"), "up"),
    ]
)


@settings(max_examples=500, deadline=None)
@given(rows=st.lists(ROWS, max_size=6), call=CALLS, terms=TERMS)
def test_the_named_row_gives_the_credits(
    priced_frame: PricedFrame, rows: list[MultiplierRow], call: dict[str, Any], terms: Terms
) -> None:
    frame = priced_frame([call])
    (said,) = (
        MultiplierTable.from_rows(rows, revision=3, terms=TermsTable([TermsRow("", terms)]))
        .credit(frame)
        .iter_rows(named=True)
    )
    plain = counted(said, said["priced_as"], rows, 3, terms, said["cost_nano_usd"])
    assert plain.credits_micro == said["credits_micro"]
    assert plain.row is None or plain.row in rows


def test_the_row_that_holds_is_named(priced_frame: PricedFrame) -> None:
    rows = [
        MultiplierRow("", "", 1000, "test", "default"),
        MultiplierRow("maker", "large", 2000, "test"),
        MultiplierRow("maker", "large", 3000, "test", effective_from=BEGIN + timedelta(days=1)),
        MultiplierRow("", "", 500, "test", organization="acme"),
    ]
    (call,) = priced_frame([{"organization": "zen", "priced_as": "maker/large", "time": BEGIN}]).iter_rows(named=True)
    assert counted(call, "maker/large", rows, 1, Terms(), 0).row == rows[1]
    assert counted(call | {"time": BEGIN + timedelta(days=1)}, "maker/large", rows, 1, Terms(), 0).row == rows[2]
    assert counted(call, "", rows, 1, Terms(), 0).row == rows[0]
    acme = call | {"organization": "acme"}
    assert counted(acme, "", rows, 1, Terms(), 0).row == rows[3]
    assert counted(acme, "maker/large", rows, 1, Terms(), 0).row == rows[1], (
        "what is said of the model outweighs a default"
    )


def test_what_used_nothing_counts_nothing(priced_frame: PricedFrame) -> None:
    (call,) = priced_frame([{"input_tokens": 0}]).iter_rows(named=True)
    found = counted(call, "", [], 1, Terms(), 0)
    assert (found.used, found.multiplier_milli, found.credits_micro) == (False, 1000, 0)
