"""The sum line by line: it is what the event costs, to the nano-dollar, and every price stands in the list."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.catalogue import catalogue_rows
from stream_jobs.pricing.cost_lines import CostLines, cost_lines
from stream_jobs.pricing.editing.price import NewPrice, with_price
from stream_jobs.pricing.price_row import NO_RATES, SERVICE_TIERS
from stream_jobs.pricing.units import UNITS
from tokentally.tokens import TOKEN_BUCKETS

from .conftest import PriceRows, UsageFrame
from .in_force import holds_at

CATALOGUE = catalogue_rows()
NAMES = sorted({(row.provider, row.model) for row in CATALOGUE if row.model})
ODD_NAMES = [("", "gpt-4o"), ("openrouter", "openai/gpt-4o"), ("azure", "GPT-4o"), ("", "no-such-model"), ("", "")]
TIERS = sorted({row.tier_start for row in CATALOGUE if row.tier_start})
COUNT = st.one_of(
    st.integers(0, 300_000),
    st.sampled_from([start + step for start in TIERS for step in (-1, 0, 1)]),
    st.just(10**12),
)
OTHER_UNITS = sorted(set(UNITS) - set(TOKEN_BUCKETS) - {"input_tokens", "output_tokens"})


@st.composite
def calls(draw: st.DrawFn) -> dict[str, Any]:
    """Any model of the catalogue and names beside it, any time of its history, any usage."""
    provider, model = draw(st.sampled_from(NAMES) | st.sampled_from(ODD_NAMES))
    buckets = draw(st.dictionaries(st.sampled_from(TOKEN_BUCKETS), COUNT, max_size=5))
    amounts = st.decimals(0, 5000, allow_nan=False, places=3)
    quantities = draw(
        st.just({}) | st.dictionaries(st.sampled_from([*OTHER_UNITS, "no_such_unit"]), amounts, max_size=3)
    )
    text = json.dumps({name: float(amount) for name, amount in quantities.items()}) if quantities else ""
    time = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(milliseconds=draw(st.integers(0, 4 * 365 * 86_400_000)))
    served = draw(st.sampled_from(["", *SERVICE_TIERS]))
    names = {"provider": provider, "model": model, "service_tier": served, "time": time}
    names |= {"organization": draw(st.sampled_from(["acme", "zen"]))}
    return names | buckets | {"quantities": text, "reported_cost_nano_usd": draw(st.none() | st.integers(0, 10**12))}


def own_prices() -> list[PriceRow]:
    """Acme's, over a model in two of the catalogue: for ever, for a while, or for one service tier alone."""
    models = {(row.provider, row.model): row for row in CATALOGUE if row.model}
    rows: list[PriceRow] = []
    for number, row in enumerate(models.values()):
        begins, ends = (datetime(year, 6, 1, tzinfo=UTC) for year in (2024, 2025))
        rate = replace(
            row,
            organization="acme",
            tier_start=0,
            daily_from="",
            daily_to="",
            price_usd=Decimal("7.77"),
            source="acme's",
        )
        rate = replace(rate, unit="output_mtok", per=10**6, effective_from=begins, service_tier="", marginal=False)
        dear = replace(rate, tier_start=1000, price_usd=Decimal(9))
        end = replace(rate, effective_from=ends, unit=NO_RATES, price_usd=Decimal(0), per=1)
        batch = replace(rate, service_tier="batch", price_usd=Decimal(3))
        made: list[list[PriceRow]] = [[], [rate, dear], [], [rate, dear, end], [], [batch]]
        rows += made[number % len(made)]
    return [replace(row, position=place) for place, row in enumerate(rows)]


LAYERED = [*CATALOGUE, *own_prices()]


@pytest.fixture(scope="module")
def layered_book() -> PriceBook:
    """The catalogue with acme's own prices over it."""
    return PriceBook.from_rows(LAYERED, revision=1)


def explained(frame: pl.DataFrame, rows: list[PriceRow]) -> CostLines:
    return cost_lines(frame, PriceBook.from_rows(rows, revision=7))


@settings(max_examples=400, deadline=None)
@given(call=calls())
def test_the_lines_add_up_to_what_is_stored(
    layered_book: PriceBook, usage_frame: UsageFrame, call: dict[str, Any]
) -> None:
    frame = usage_frame([call])
    stored = layered_book.price(frame).row(0, named=True)
    cost = cost_lines(frame, layered_book)
    assert (cost.cost_nano_usd, cost.status, cost.priced_as, cost.revision) == (
        *(stored["cost_nano_usd"], stored["cost_status"], stored["priced_as"]),
        stored["price_revision"],
    )
    if cost.status == "partial":
        assert cost.unpriced_units
    if cost.status == "priced":
        assert not cost.unpriced_units


@settings(max_examples=400, deadline=None)
@given(call=calls())
def test_every_price_stands_in_the_list_of_its_time(
    layered_book: PriceBook, usage_frame: UsageFrame, call: dict[str, Any]
) -> None:
    cost = cost_lines(usage_frame([call]), layered_book)
    assert cost.effective_from is None or cost.effective_from <= call["time"]
    for line in cost.lines:
        if line.priced_unit is None or line.priced_unit == "free":
            assert line.row is None
            assert line.usd == 0
            continue
        row = line.row
        assert row is not None
        assert cost.effective_from is not None
        assert any(row is known for known in LAYERED)
        assert (row.unit, row.price_usd, row.per) == (UNITS[line.priced_unit].price_key, line.price_usd, line.per)
        assert f"{row.provider}/{row.model}" == cost.priced_as
        assert row.organization in ("", cost.price_list)
        assert cost.price_list in ("", call["organization"])
        assert row.service_tier in ("", call["service_tier"])
        assert row.effective_from <= cost.effective_from
        assert holds_at(row, call["time"])
        assert row.tier_start <= cost.tier_start <= cost.input_tokens


def test_each_line_says_quantity_price_and_amount(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    rows = price_rows(input_mtok="2.5", output_mtok="10", requests_kcount="4")
    frame = usage_frame([{"provider": "maker", "model": "large", "input_tokens": 1520, "output_tokens": 385}])
    cost = explained(frame, rows)
    assert {line.unit: (line.quantity, line.price_usd, line.per, line.usd) for line in cost.lines} == {
        "requests": (Fraction(1), Decimal(4), 1000, Fraction("0.004")),
        "input_tokens": (Fraction(1520), Decimal("2.5"), 10**6, Fraction("0.0038")),
        "output_tokens": (Fraction(385), Decimal(10), 10**6, Fraction("0.00385")),
    }
    assert (cost.exact_usd, cost.cost_nano_usd, cost.rule) == (Fraction("0.01165"), 11_650_000, "provider and model")


def test_the_sum_is_rounded_once_half_to_even(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    rows = price_rows(input_mtok="0.0005", output_mtok="0.0005")
    one = {"provider": "maker", "model": "large", "input_tokens": 1}
    cost = explained(usage_frame([one | {"output_tokens": 2}]), rows)
    assert (cost.exact_usd, cost.rounded_nano_usd) == (Fraction(3, 2 * 10**9), 2)
    assert explained(usage_frame([one]), rows).rounded_nano_usd == 0


@pytest.mark.parametrize(("tokens", "tier", "price"), [(199_999, 0, "1"), (200_000, 0, "1"), (200_001, 200_000, "2")])
def test_a_tier_holds_above_its_start(
    price_rows: PriceRows, usage_frame: UsageFrame, tokens: int, tier: int, price: str
) -> None:
    rows = price_rows(input_mtok="1", output_mtok="8", tiers={200_000: {"input_mtok": "2"}})
    call = {"provider": "maker", "model": "large", "input_tokens": tokens - 1, "cache_read_tokens": 1}
    cost = explained(usage_frame([call | {"output_tokens": 1}]), rows)
    assert (cost.tier_start, cost.input_tokens) == (tier, Fraction(tokens))
    said = {line.unit: (line.price_usd, line.row and line.row.tier_start) for line in cost.lines}
    assert said["input_tokens"] == said["cache_read_tokens"] == (Decimal(price), tier)
    assert said["output_tokens"] == (Decimal(8), 0), "a unit without a price in the tier keeps that of the tier below"


def test_a_call_in_a_service_tier_takes_the_tiers_price(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    rows = [
        *price_rows(input_mtok="8", output_mtok="16"),
        *price_rows(input_mtok="4", position=2, when={"service_tier": "batch"}),
    ]
    call = {"provider": "maker", "model": "large", "input_tokens": 10**6, "output_tokens": 10**6}
    cost = explained(usage_frame([call | {"service_tier": "batch"}]), rows)
    assert (cost.priced_as, cost.exact_usd) == ("maker/large", Fraction(4 + 16))
    assert [line.row for line in cost.lines] == [rows[2], rows[1]], "what the tier does not name stands in the standard"


def test_a_service_tier_of_a_free_model_is_explained_as_free(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    known = [
        *price_rows(input_mtok="8"),
        *price_rows(input_mtok="4", position=1, when={"service_tier": "batch"}),
    ]
    rows = with_price(known, NewPrice("maker", "large", (), datetime(2026, 1, 1, tzinfo=UTC), "hand", free=True))
    call = {"provider": "maker", "model": "large", "input_tokens": 10**6, "service_tier": "batch"}
    cost = explained(usage_frame([call]), rows)
    assert (cost.status, cost.exact_usd, cost.effective_from) == ("free", Fraction(0), datetime(2026, 1, 1, tzinfo=UTC))


def test_the_price_of_its_own_time_holds(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    march = datetime(2026, 3, 1, tzinfo=UTC)
    rows = [
        *price_rows(input_mtok="1"),
        *price_rows(position=1, when={"effective_from": march}, input_mtok="2"),
        *price_rows(position=2, when={"daily_from": "22:00:00", "daily_to": "06:00:00"}, input_mtok="3"),
    ]
    call = {"provider": "maker", "model": "large", "input_tokens": 10**6}
    before = explained(usage_frame([call | {"time": march - timedelta(hours=12)}]), rows)
    after = explained(usage_frame([call | {"time": march + timedelta(hours=12)}]), rows)
    at_night = explained(usage_frame([call | {"time": march + timedelta(hours=23)}]), rows)
    assert [
        (each.exact_usd, each.effective_from and each.effective_from.year) for each in (before, after, at_night)
    ] == [*((Fraction(1), 1970), (Fraction(2), 2026), (Fraction(3), 1970))]
    assert (at_night.daily_from, at_night.daily_to) == ("22:00:00", "06:00:00")
    assert [line.row for line in at_night.lines] == [rows[2]]


def test_an_organizations_own_price_is_called_its_own(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    rows = [*price_rows(input_mtok="2"), *price_rows(position=1, when={"organization": "acme"}, input_mtok="1.5")]
    call = {"provider": "maker", "model": "large", "input_tokens": 10**6}
    own, other = (explained(usage_frame([call | {"organization": name}]), rows) for name in ("acme", "zen"))
    assert (own.price_list, own.exact_usd, own.lines[0].row) == ("acme", Fraction("1.5"), rows[1])
    assert (other.price_list, other.exact_usd, other.lines[0].row) == ("", Fraction(2), rows[0])


def test_what_nothing_prices_is_named(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    call = {"provider": "maker", "model": "large", "input_tokens": 5, "output_image_tokens": 3, "reasoning_tokens": 2}
    cost = explained(usage_frame([call | {"quantities": '{"web_searches": 1}'}]), price_rows(input_mtok="1"))
    assert (cost.status, cost.unpriced_units) == (
        *("partial", ("reasoning_tokens", "output_image_tokens", "web_searches")),
    )
    unknown = explained(usage_frame([call | {"model": "small"}]), price_rows(input_mtok="1"))
    assert (unknown.status, unknown.rule, unknown.priced_as, unknown.cost_nano_usd) == ("unpriced", "", "", 0)


def test_what_the_provider_reported_stands_in_only_for_an_unknown_model(
    price_rows: PriceRows, usage_frame: UsageFrame
) -> None:
    call = {"provider": "maker", "model": "large", "input_tokens": 1000, "reported_cost_nano_usd": 1_100_000}
    known = explained(usage_frame([call]), price_rows(input_mtok="1"))
    assert (known.status, known.cost_nano_usd, known.reported_difference_nano_usd) == ("priced", 10**6, 100_000)
    unknown = explained(usage_frame([call | {"model": "small"}]), price_rows(input_mtok="1"))
    assert (unknown.status, unknown.cost_nano_usd, unknown.reported_difference_nano_usd) == (
        *("reported", 1_100_000, 1_100_000),
    )


def test_a_model_without_rates_has_no_price(price_rows: PriceRows, usage_frame: UsageFrame) -> None:
    rows = price_rows(**{NO_RATES: "0"})
    cost = explained(usage_frame([{"provider": "maker", "model": "large", "input_tokens": 5}]), rows)
    assert (cost.status, cost.priced_as, cost.unpriced_units) == ("unpriced", "maker/large", ("input_tokens",))
