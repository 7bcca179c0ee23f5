"""A take summed by row: families leave out what they are not about, and lines know their last offset."""

from typing import Any

import polars as pl
import pytest

from stream_jobs.rollups.groups import grouped
from warehouse.families import FAMILIES, ROLLUP, ROLLUP_PROMPT, ROLLUP_THREAD, Family

TEXTS = sorted({name for family in FAMILIES for name in family.dimensions})
MEASURES = sorted({name for family in FAMILIES for name in family.measures})
SCHEMA: dict[str, Any] = {
    "pair": pl.Int64,
    "src_offset": pl.Int64,
    **dict.fromkeys(TEXTS, pl.String),
    **dict.fromkeys(MEASURES, pl.Int64),
}


def events(*changes: dict[str, Any]) -> pl.DataFrame:
    """Events of one pair, each 1 in every measure."""
    plain: dict[str, Any] = {"pair": 3, "src_offset": 5}
    plain |= dict.fromkeys(TEXTS, "") | dict.fromkeys(MEASURES, 1)
    return pl.DataFrame([plain | change for change in changes], schema=SCHEMA)


def lines(frame: pl.DataFrame, family: Family, *, by_offset: bool = False, of: str) -> set[tuple[Any, ...]]:
    return set(grouped(frame, family, by_offset=by_offset).select(of, "requests", "offset").iter_rows())


def test_events_of_one_row_become_one_line_with_their_highest_offset() -> None:
    frame = events({"user_id": "a"}, {"user_id": "a", "src_offset": 9}, {"user_id": "b", "src_offset": 7})
    assert lines(frame, ROLLUP, of="user_id") == {("a", 2, 9), ("b", 1, 7)}


def test_by_offset_there_is_a_line_for_each_envelope() -> None:
    frame = events({"user_id": "a"}, {"user_id": "a"}, {"user_id": "a", "src_offset": 9})
    assert lines(frame, ROLLUP, by_offset=True, of="user_id") == {("a", 2, 5), ("a", 1, 9)}


@pytest.mark.parametrize("family", [family for family in FAMILIES if family.only], ids=lambda family: family.table)
def test_a_family_leaves_out_events_without_its_dimension(family: Family) -> None:
    assert family.only is not None
    frame = events({family.only: "x"}, {})
    assert lines(frame, family, of=family.only) == {("x", 1, 5)}
    assert grouped(events({}), family, by_offset=True).is_empty()


def test_every_event_is_in_the_first_family() -> None:
    assert grouped(events({}, {"prompt_id": "p"}), ROLLUP, by_offset=False)["requests"].sum() == 2


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.table)
def test_every_key_column_keeps_rows_apart(family: Family) -> None:
    plain: dict[str, Any] = {family.only: "x"} if family.only else {}
    others: list[dict[str, Any]] = [{"pair": 4}] + [{name: "other"} for name in family.dimensions]
    frame = events(plain, *(plain | other for other in others))
    made = grouped(frame, family, by_offset=False)
    assert made.height == len(others) + 1
    assert made.columns == ["pair", *family.dimensions, *family.measures, "offset"]


def test_texts_do_not_run_together() -> None:
    frame = events({"prompt_id": "a", "provider": "bc"}, {"prompt_id": "ab", "provider": "c"})
    assert grouped(frame, ROLLUP_PROMPT, by_offset=False).height == 2


def test_all_measures_of_the_family_are_summed() -> None:
    made = grouped(events({"thread_id": "t"}, {"thread_id": "t"}), ROLLUP_THREAD, by_offset=False)
    assert made.select(ROLLUP_THREAD.measures).row(0) == (2,) * len(ROLLUP_THREAD.measures)
