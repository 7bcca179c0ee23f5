"""Whole frames against the plain form, event by event: which terms hold, what counts, what is billed."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_jobs.credits import MultiplierRow, MultiplierTable, Terms, TermsRow, TermsTable, billed
from stream_jobs.credits.count import MAX_CREDITS_MICRO, exceeds_credits_bound
from stream_jobs.credits.terms import MAX_CREDITS_PER_USD, MAX_MARKUP_PPM
from stream_jobs.pricing.rounding import MAX_INT64

from .conftest import PricedFrame

JANUARY, JUNE = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
INSTANT = timedelta(milliseconds=1)
ORGANIZATIONS = ("acme", "zeta", "other")
DATES = (datetime(1970, 1, 1, tzinfo=UTC), JANUARY, JUNE)

per_usd = st.one_of(
    st.sampled_from([Decimal(1), Decimal(1000), Decimal("0.5"), Decimal(MAX_CREDITS_PER_USD), Decimal("1e-18")]),
    st.decimals(Decimal("1e-18"), MAX_CREDITS_PER_USD, places=18, allow_nan=False, allow_infinity=False),
)
terms_of = st.builds(
    Terms,
    basis=st.sampled_from(["request", "cost", "tokens"]),
    credits_per_usd=per_usd,
    rounding=st.sampled_from(["exact", "up"]),
    markup_ppm=st.one_of(st.just(0), st.integers(0, MAX_MARKUP_PPM)),
)
rows_of = st.lists(
    st.builds(
        TermsRow,
        organization=st.sampled_from(["", *ORGANIZATIONS[:2]]),
        terms=terms_of,
        effective_from=st.sampled_from(DATES),
    ),
    max_size=8,
)
event_of = st.fixed_dictionaries(
    {
        "organization": st.sampled_from(ORGANIZATIONS),
        "time": st.sampled_from([JANUARY - INSTANT, JANUARY, JUNE - INSTANT, JUNE, JUNE + INSTANT]),
        "model": st.sampled_from(["small", "large", "unheard-of"]),
        "input_tokens": st.one_of(st.integers(0, 3), st.integers(0, 10**12)),
        "output_tokens": st.integers(0, 10**12),
        "quantities": st.sampled_from(["", '{"requests":1}', '{"requests":0}']),
        "cost_nano_usd": st.one_of(st.integers(0, 3), st.integers(0, 10**15), st.just(MAX_INT64)),
        "billing_type": st.sampled_from(["SYSTEM", "SYSTEM", "BYOK"]),
        "plan": st.sampled_from(["PRO", "FREE", ""]),
    }
)
MULTIPLIERS = [
    MultiplierRow("", "", 1100, "test"),
    MultiplierRow("", "small", 300, "test"),
    MultiplierRow("", "large", 2500, "test", effective_from=JANUARY),
    MultiplierRow("", "large", 5000, "test", effective_from=JUNE),
    MultiplierRow("", "large", 999_999, "test", organization="zeta"),
]


def _table(*rows: TermsRow) -> MultiplierTable:
    return MultiplierTable.from_rows(MULTIPLIERS, revision=1, terms=TermsTable(rows))


@given(rows=rows_of, events=st.lists(event_of, min_size=1, max_size=12))
def test_a_frame_counts_and_bills_what_the_plain_form_says(
    priced_frame: PricedFrame, rows: list[TermsRow], events: list[dict[str, Any]]
) -> None:
    table, frame = _table(*rows), priced_frame(events)
    out = billed(table.credit(frame), table.terms.located(frame))
    assert out["credits_micro"].to_list() == [_plain_credits(table, event) for event in events]
    assert out["billed_nano_usd"].to_list() == [_plain_billed(table, event) for event in events]


@given(rows=rows_of, events=st.lists(event_of, min_size=2, max_size=6), cut=st.integers(0, 6))
def test_an_event_counts_the_same_in_any_company(
    priced_frame: PricedFrame, rows: list[TermsRow], events: list[dict[str, Any]], cut: int
) -> None:
    table = _table(*rows)
    parts = [part for part in (events[:cut], events[cut:]) if part]
    apart = [micro for part in parts for micro in table.credit(priced_frame(part))["credits_micro"]]
    assert table.credit(priced_frame(events))["credits_micro"].to_list() == apart


def test_terms_are_those_of_the_events_own_time(priced_frame: PricedFrame) -> None:
    """Before an organization's first date the default holds, before the default's the terms everybody begins with."""
    table = TermsTable(
        [
            TermsRow("", Terms(markup_ppm=10), JANUARY),
            TermsRow("acme", Terms(markup_ppm=30), JUNE + timedelta(days=1)),
            TermsRow("acme", Terms(markup_ppm=20), JUNE),
        ]
    )
    times = (JANUARY - INSTANT, JANUARY, JUNE - INSTANT, JUNE, JUNE + timedelta(days=1))
    assert [table.at("acme", _ms(time)).markup_ppm for time in times] == [0, 10, 10, 20, 30]
    assert [table.at("zeta", _ms(time)).markup_ppm for time in times] == [0, 10, 10, 10, 10]
    events = [{"organization": name, "time": time} for name in ("acme", "zeta") for time in times]
    cost: dict[str, Any] = {"cost_nano_usd": 1_000_000}
    frame = priced_frame([event | cost for event in events])
    amounts = billed(frame, table.located(frame))["billed_nano_usd"].to_list()
    assert [amount - 1_000_000 for amount in amounts] == [0, 10, 10, 20, 30, 0, 10, 10, 10, 10]


def test_without_an_organizations_own_rows_nothing_is_looked_up(priced_frame: PricedFrame) -> None:
    frame = priced_frame([{}, {"organization": "zeta"}])
    assert TermsTable().located(frame).places is None
    default = TermsTable([TermsRow("", Terms(rounding="up"))])
    assert default.located(frame).present == (Terms(rounding="up"),)
    mixed = TermsTable([TermsRow("zeta", Terms(rounding="up"))]).located(frame)
    assert mixed.places is not None


def test_of_two_rows_of_one_date_the_later_one_holds() -> None:
    rows = [TermsRow("acme", Terms(markup_ppm=ppm)) for ppm in (1, 2)]
    assert TermsTable(rows).at("acme", 0).markup_ppm == 2


def test_an_empty_frame_stays_empty(priced_frame: PricedFrame) -> None:
    table = _table(TermsRow("acme", Terms("cost", Decimal(1))), TermsRow("zeta", Terms("tokens")))
    frame = priced_frame([]).clear()
    assert billed(table.credit(frame), table.terms.located(frame)).is_empty()


@pytest.mark.parametrize("beyond", [0, 1])
def test_absurd_credits_are_found(priced_frame: PricedFrame, beyond: int) -> None:
    table = _table(TermsRow("", Terms("cost", Decimal(1000))))
    frame = table.credit(priced_frame([{"cost_nano_usd": MAX_CREDITS_MICRO + beyond}]))
    assert exceeds_credits_bound(frame).to_list() == [bool(beyond)]


@given(costs=st.lists(st.integers(0, 10**12), min_size=1, max_size=50), rate=per_usd)
def test_rounding_micro_credits_never_drifts(priced_frame: PricedFrame, costs: list[int], rate: Decimal) -> None:
    """The whole error stays below half a micro-credit per event."""
    table = _table(TermsRow("", Terms("cost", rate)))
    counted = sum(table.credit(priced_frame([{"cost_nano_usd": cost} for cost in costs]))["credits_micro"].to_list())
    exact = sum(costs) * int(rate.scaleb(18))  # in units of 10**-27 credits
    assert abs(counted * 10**21 - exact) * 2 <= len(costs) * 10**21


def _plain_credits(table: MultiplierTable, event: Mapping[str, Any]) -> int:
    terms = table.terms.at(event["organization"], _ms(event["time"]))
    tokens = event["input_tokens"] + event["output_tokens"]
    used = tokens > 0 or event["quantities"] == '{"requests":1}'
    milli = table.milli_of(event["organization"], "", "", event["model"], _ms(event["time"]))
    return terms.credits_micro(milli, tokens, event["cost_nano_usd"], used=used)


def _plain_billed(table: MultiplierTable, event: Mapping[str, Any]) -> int:
    terms = table.terms.at(event["organization"], _ms(event["time"]))
    return terms.billed_nano_usd(event["cost_nano_usd"], event["billing_type"], event["plan"])


def _ms(time: datetime) -> int:
    return round(time.timestamp() * 1000)
