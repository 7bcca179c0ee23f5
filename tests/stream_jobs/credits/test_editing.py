"""Changes of multipliers: what counts at a date before and after, and what changes nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.cli.prices.multiplier_report import multiplier_lines
from stream_jobs.credits.editing import (
    BUILT_IN,
    milli_of,
    multiplier_difference,
    with_multiplier,
    with_multiplier_end,
)
from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.credits.multiplier_row import ALWAYS, MultiplierRow
from stream_jobs.credits.multiplier_table import MultiplierTable

MARCH, JUNE, SEPTEMBER = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 6, 9))
ROW = MultiplierRow("openai", "gpt-4o", 1500, "test")
DEFAULT = MultiplierRow("", "", 500, "test")


def dated(milli: int, start: datetime, organization: str = "", **said: Any) -> MultiplierRow:
    return replace(ROW, multiplier_milli=milli, effective_from=start, organization=organization, **said)


def ending(start: datetime, organization: str = "") -> MultiplierRow:
    return replace(ROW, multiplier_milli=0, effective_from=start, organization=organization, ended=True)


def told(before: list[MultiplierRow], after: list[MultiplierRow], everyones: list[MultiplierRow]) -> list[str]:
    return multiplier_lines(multiplier_difference(before, after, everyones))


def test_before_is_what_counts_at_the_date() -> None:
    rows = [ROW, DEFAULT]
    assert told(rows, with_multiplier(rows, dated(2000, JUNE)), []) == ["openai/gpt-4o from 2026-06-01: 1.5x → 2x"]
    other = replace(dated(2000, JUNE), model="o1")
    assert told(rows, with_multiplier(rows, other), []) == ["openai/o1 from 2026-06-01: 0.5x → 2x"]
    assert told([], with_multiplier([], other), []) == ["openai/o1 from 2026-06-01: 1x → 2x"], "the built-in one"
    (changed,) = multiplier_difference([], [other])
    assert (changed.row, changed.before, changed.after) == (other, BUILT_IN, other)


def test_of_an_organization_everyones_counts_before_its_own() -> None:
    everyones, own = [ROW, DEFAULT], dated(2000, JUNE, "acme")
    assert told([], [own], everyones) == ["acme: openai/gpt-4o from 2026-06-01: 1.5x → 2x"]
    same = dated(1500, JUNE, "acme")
    assert with_multiplier([], same) == [same], "it stays when everyone's changes"
    assert told([], [same], everyones) == ["acme: openai/gpt-4o from 2026-06-01: 1.5x → 1.5x, its own"]
    ended = [own, ending(SEPTEMBER, "acme")]
    assert told([own], ended, everyones) == ["acme: openai/gpt-4o from 2026-09-01: 2x → 1.5x"]
    assert told([same], [same, ending(SEPTEMBER, "acme")], everyones) == [
        "acme: openai/gpt-4o from 2026-09-01: 1.5x → 1.5x, no longer its own"
    ]


def test_an_end_shows_what_counts_after_it() -> None:
    any_provider = replace(ROW, provider="", multiplier_milli=3000, effective_from=SEPTEMBER)
    rows = [ROW, DEFAULT, any_provider]
    assert told(rows, with_multiplier_end(rows, ending(JUNE)), []) == ["openai/gpt-4o from 2026-06-01: 1.5x → 0.5x"]
    late = with_multiplier_end(rows, ending(SEPTEMBER))
    assert told(rows, late, []) == ["openai/gpt-4o from 2026-09-01: 1.5x → 3x"]
    assert told(late, rows, []) == ["openai/gpt-4o from 2026-09-01: 3x → 1.5x"], "the difference the other way round"


@pytest.mark.parametrize(
    ("rows", "new"),
    [
        ([ROW], dated(1500, JUNE)),
        ([ROW], dated(1500, ALWAYS, note="why", source="other")),
        ([ROW], dated(1500, JUNE, provider="OpenAI", model="GPT-4o")),
        ([ROW, dated(2000, SEPTEMBER)], dated(1500, JUNE)),
    ],
)
def test_what_is_so_already_changes_nothing(rows: list[MultiplierRow], new: MultiplierRow) -> None:
    assert with_multiplier(rows, new) == rows


@pytest.mark.parametrize(
    ("rows", "new"),
    [
        ([ROW, dated(2000, JUNE)], dated(1500, JUNE)),
        ([ROW, dated(2000, MARCH)], dated(1500, JUNE)),
        ([dated(1500, SEPTEMBER)], dated(1500, JUNE)),
        ([ROW, ending(MARCH)], dated(1500, JUNE)),
        ([replace(ROW, provider="")], dated(1500, JUNE)),
        ([DEFAULT], dated(500, JUNE)),
    ],
)
def test_what_is_otherwise_at_the_date_or_said_elsewhere_is_a_change(
    rows: list[MultiplierRow], new: MultiplierRow
) -> None:
    assert new in with_multiplier(rows, new)


def test_what_has_ended_ends_once() -> None:
    rows = [ROW, ending(MARCH)]
    assert with_multiplier_end(rows, ending(JUNE)) == rows


NAMES = st.sampled_from([("", ""), ("", "a"), ("p", "a"), ("p", "b")])
ROWS = st.builds(
    lambda name, milli, start, ended, organization: MultiplierRow(
        name[0], name[1], 0 if ended else milli, "test", effective_from=start, organization=organization, ended=ended
    ),
    NAMES,
    st.sampled_from([500, 1500, 2000]),
    st.sampled_from([ALWAYS, MARCH, JUNE, SEPTEMBER]),
    st.booleans(),
    st.sampled_from(["", "acme"]),
)


@given(before=st.lists(ROWS, max_size=8), new=ROWS)
def test_what_is_shown_is_what_the_table_counts(before: list[MultiplierRow], new: MultiplierRow) -> None:
    own = [row for row in before if row.organization == new.organization]
    everyones = [row for row in before if not row.organization] if new.organization else []
    after = with_multiplier(own, new)
    provider, model = new.provider, new.model
    time_ms = int(new.effective_from.timestamp() * 1000)
    counted = [
        MultiplierTable(0, [*everyones, *rows]).milli_of(
            new.organization, f"{provider}/{model}", provider, model, time_ms
        )
        for rows in (own, after)
    ]
    found = multiplier_difference(own, after, everyones)
    shown = [(each.before.multiplier_milli, each.after.multiplier_milli) for each in found]
    assert shown in ([], [tuple(counted)])
    assert shown or counted[0] == counted[1]


@pytest.mark.parametrize(
    ("text", "milli"), [("2", 2000), (" 1.5x ", 1500), ("0.10000000000000000000000", 100), ("1e2", 100_000)]
)
def test_a_multiplier_in_thousandths(text: str, milli: int) -> None:
    assert milli_of(text) == milli


@pytest.mark.parametrize("text", ["1_0", "٣", "1e999999", "1.0000000000000000000000000000001", "", "x"])
def test_what_is_no_multiplier(text: str) -> None:
    with pytest.raises(CreditRulesRefused, match="is no multiplier; write a number from 0 to 1000"):
        milli_of(text)
