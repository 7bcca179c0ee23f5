"""Each line names the row that its price was taken from, not one that looks like it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.cost_lines import CostLines, cost_lines
from stream_jobs.pricing.price_row import ALWAYS, NO_RATES, SERVICE_TIERS
from stream_jobs.pricing.units import UNITS, UNITS_BY_PRICE_KEY

from .conftest import PriceRows, UsageFrame
from .in_force import holds_at

MARCH, MAY, JULY = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 5, 7))
ACME = {"organization": "acme"}
CALL: dict[str, Any] = {"provider": "maker", "model": "large", "input_tokens": 10**6, "output_tokens": 10**6}


def explained(rows: list[PriceRow], usage_frame: UsageFrame, **call: Any) -> CostLines:
    return cost_lines(usage_frame([CALL | call]), PriceBook.from_rows(rows, revision=7))


def test_after_its_own_prices_have_ended_an_organization_pays_everyones(
    price_rows: PriceRows, usage_frame: UsageFrame
) -> None:
    rows = [
        *price_rows(input_mtok="2", output_mtok="8"),
        *price_rows(input_mtok="1", output_mtok="8", when=ACME),
        *price_rows(**{NO_RATES: "0"}, position=2, when=ACME | {"effective_from": MARCH}),
    ]
    ended = explained(rows, usage_frame, time=MAY)
    assert [line.row for line in ended.lines] == rows[:2]
    assert (ended.price_list, ended.effective_from) == ("", MARCH), "from its end on they hold for acme again"
    before = explained(rows, usage_frame)
    assert ([line.row for line in before.lines], before.price_list) == (rows[2:4], "acme")


def test_a_price_that_a_tier_takes_over_stands_in_the_sheet_of_its_time(
    price_rows: PriceRows, usage_frame: UsageFrame
) -> None:
    rows = [
        *price_rows(input_mtok="1", output_mtok="4", tiers={200: {"output_mtok": "5"}}),
        *price_rows(
            **{"input_mtok": "1", "output_mtok": "5"},
            tiers={200: {"input_mtok": "2"}},
            position=3,
            when={"effective_from": MARCH},
        ),
    ]
    cost = explained(rows, usage_frame, time=MAY)
    assert [line.row for line in cost.lines] == [rows[5], rows[4]]


def test_before_its_first_price_a_model_has_none(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    rows = price_rows(input_mtok="1", output_mtok="4", when={"effective_from": MAY})
    early, unknown, ended = (
        explained(rows, usage_frame, time=MARCH),
        explained(rows, usage_frame, model="small"),
        explained(
            [*rows, *price_rows(**{NO_RATES: "0"}, position=2, when={"effective_from": JULY})], usage_frame, time=JULY
        ),
    )
    told = [(each.priced_as, each.status, each.effective_from, each.price_list) for each in (early, unknown, ended)]
    assert told == [(name, "unpriced", None, "") for name in ("maker/large", "", "maker/large")]


def test_own_prices_of_a_service_tier_lie_over_everyones(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    rows = [
        *price_rows(input_mtok="4", output_mtok="8"),
        *price_rows(input_mtok="1", when=ACME | {"service_tier": "batch", "effective_from": MARCH}),
    ]
    cost = explained(rows, usage_frame, service_tier="batch", time=MAY)
    assert ([line.row for line in cost.lines], cost.price_list) == ([rows[2], rows[1]], "acme")


Place = tuple[datetime, tuple[str, str], str]
"""From when a sheet holds, its daily window, its service tier."""
BASE = ("input_mtok", "output_mtok", "cache_read_mtok", "requests_kcount", "web_searches_kcount")
PLACES = st.tuples(
    st.sampled_from([ALWAYS, MARCH, MAY]),
    st.sampled_from([("", ""), ("", ""), ("22:00:00", "06:00:00"), ("04:00:00", "12:00:00")]),
    st.sampled_from(["", "", *SERVICE_TIERS]),
)


@dataclass(frozen=True, slots=True)
class Rates:
    """What a sheet prices: units, context tiers with theirs, and a marginal tier of the first unit. None: an end."""

    units: list[str]
    tiers: Mapping[int, list[str]]
    marginal: int

    def prices(self) -> list[tuple[str, int, bool]]:
        """Unit, tier_start and marginal of each row; a unit with a marginal tier has no context tier."""
        whole = [(unit, start) for start, units in {0: self.units, **self.tiers}.items() for unit in units]
        if not self.marginal:
            return [(unit, start, False) for unit, start in whole]
        first = self.units[0]
        kept = [(unit, start, False) for unit, start in whole if unit != first or not start]
        return [*kept, (first, self.marginal, True)]


UNIT_LISTS = st.lists(st.sampled_from(BASE), min_size=1, max_size=4, unique=True)
RATES = st.builds(
    Rates,
    UNIT_LISTS,
    st.dictionaries(st.sampled_from([50, 200]), UNIT_LISTS, max_size=2),
    st.sampled_from([0, 0, 60]),
)
SHEETS = st.dictionaries(PLACES, RATES | RATES | st.none(), max_size=5)
USAGE = st.sampled_from([0, 20, 50, 51, 100, 300])
TIMES = st.builds(
    lambda month, hour: datetime(2026, month, 15, hour, tzinfo=UTC),
    st.sampled_from([2, 4, 6]),
    st.sampled_from([3, 5, 10, 23]),
)


@st.composite
def calls(draw: st.DrawFn) -> dict[str, Any]:
    buckets = {name: draw(USAGE) for name in ("input_tokens", "output_tokens", "cache_read_tokens", "reasoning_tokens")}
    quantities = draw(st.sampled_from(["", "", '{"web_searches":3}', '{"input_tool_tokens":90,"web_searches":1}']))
    return CALL | {
        **buckets,
        "organization": draw(st.sampled_from(["acme", "zen"])),
        "service_tier": draw(st.sampled_from(["", *SERVICE_TIERS])),
        "time": draw(TIMES),
        "quantities": quantities,
    }


def listed(sheets: Mapping[str, Mapping[Place, Rates | None]], price_of_row: Any) -> list[PriceRow]:
    """The rows of each owner's sheets in their order, each at the price of its place among all."""
    rows: list[PriceRow] = []
    for owner, placed in sheets.items():
        for (effective_from, (daily_from, daily_to), tier), rates in placed.items():
            for unit, start, marginal in rates.prices() if rates else [(NO_RATES, 0, False)]:
                per = UNITS_BY_PRICE_KEY[unit].per if unit in UNITS_BY_PRICE_KEY else 1
                price = Decimal(price_of_row(len(rows)) if unit else 0)
                made = PriceRow("maker", "large", "", "", unit, price, per, len(rows), f"row {len(rows)}", start)
                placed_row = replace(made, effective_from=effective_from, daily_from=daily_from, daily_to=daily_to)
                rows.append(replace(placed_row, organization=owner, service_tier=tier, marginal=marginal))
    return rows


@settings(max_examples=200, deadline=None)
@given(everyones=SHEETS, own=SHEETS, call=calls())
def test_the_named_row_is_the_one_that_the_price_was_taken_from(
    usage_frame: UsageFrame,
    everyones: dict[Place, Rates | None],
    own: dict[Place, Rates | None],
    call: dict[str, Any],
) -> None:
    """Where every row has a price of its own, the price tells the row; with one price for all none changes."""
    frame, sheets = usage_frame([call]), {"": everyones, "acme": own}
    rows = listed(sheets, lambda number: number + 1)
    book = PriceBook.from_rows(rows, revision=1)
    cost = cost_lines(frame, book)
    stored = book.price(frame).row(0, named=True)
    assert (cost.cost_nano_usd, cost.status) == (stored["cost_nano_usd"], stored["cost_status"])
    for line in cost.lines:
        assert (line.row is None) == (line.priced_unit is None)
        if line.row is not None and line.priced_unit is not None:
            assert line.row is rows[int(line.price_usd) - 1]
            assert line.row.unit == UNITS[line.priced_unit].price_key
            assert line.row.organization in ("", cost.price_list)
            assert line.row.service_tier in ("", call["service_tier"])
            assert holds_at(line.row, call["time"])
    alike = cost_lines(frame, PriceBook.from_rows(listed(sheets, lambda _: 1), revision=1))
    assert [line.row and line.row.position for line in alike.lines] == [
        line.row and line.row.position for line in cost.lines
    ]
    if not call["service_tier"]:
        assert cost.price_list == owner_of(rows, call), "whose standard sheet is the last that holds"


def owner_of(rows: list[PriceRow], call: dict[str, Any]) -> str:
    """Whose prices hold for a standard call: its organization's unless they ended or do not hold yet."""
    holding = [row for row in rows if not row.service_tier and holds_at(row, call["time"])]
    own = [row for row in holding if row.organization == call["organization"]]
    return call["organization"] if own and own[-1].unit else ""
