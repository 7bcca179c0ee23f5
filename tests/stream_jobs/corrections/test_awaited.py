"""Rule E23: an event that comes after what was said of it is what it would be, had it come before."""

from datetime import UTC, datetime

import polars as pl
import pytest

from stream_jobs.corrections.awaited import (
    NOT_MET,
    Awaited,
    AwaitedEvents,
    Identity,
    Met,
    awaited_rows,
    born,
    change_of,
)
from stream_jobs.corrections.change import Change

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
IDENTITY: Identity = ("acme", round(NOON.timestamp() * 1000), b"e" * 16)
ABSURD = 10**12
AMENDED = Change(columns={"category": "code"})
REPLACED = Change(reprices=True, columns={"input_tokens": 5})
REPLACED_ABSURDLY = Change(reprices=True, columns={"input_tokens": ABSURD, "category": "wrong"})
VOID = Change(void=True)


def priced(rows: pl.DataFrame) -> pl.DataFrame:
    """Two nano-USD for a token."""
    absurd = pl.col("input_tokens") >= ABSURD
    return rows.with_columns(
        (2 * pl.col("input_tokens")).alias("cost_nano_usd"),
        pl.when(absurd).then(pl.lit("absurd")).otherwise(pl.lit("")).alias("refusal"),
    )


def come(*changes: Change) -> tuple[pl.DataFrame, list[Met]]:
    """An event that comes after these records, at offsets from 1, and what it met."""
    awaited = AwaitedEvents()
    for offset, change in enumerate(changes, 1):
        awaited.add(IDENTITY, Awaited(offset, "", "", change, version=offset + 1))
    sent = {"organization": "acme", "event_id": b"e" * 16, "src_offset": 9, "category": "", "input_tokens": 1}
    frame = pl.DataFrame([sent]).with_columns(
        pl.lit(0, pl.UInt16).alias("src_partition"),
        pl.lit(NOON).cast(pl.Datetime("ms", "UTC")).alias("time"),
        pl.lit(2, pl.Int64).alias("cost_nano_usd"),
    )
    return born(frame, {0: awaited}, priced)


def after(*changes: Change) -> tuple[object, ...]:
    """Category, tokens, cost, void and version of such an event."""
    rows, met = come(*changes)
    assert [each.awaited.src_offset for each in met] == list(range(1, len(changes) + 1))
    return rows.select("category", "input_tokens", "cost_nano_usd", "void", "control_offset").row(0)


@pytest.mark.parametrize(
    ("changes", "becomes"),
    [
        ((AMENDED,), ("code", 1, 2, 0, 2)),
        ((AMENDED, REPLACED), ("code", 5, 10, 0, 3)),
        ((REPLACED, VOID), ("", 5, 10, 1, 3)),
    ],
)
def test_changes_follow_each_other(changes: tuple[Change, ...], becomes: tuple[object, ...]) -> None:
    assert after(*changes) == becomes


@pytest.mark.parametrize(
    ("changes", "becomes"),
    [
        ((REPLACED_ABSURDLY,), ("", 1, 2, 0, 0)),
        ((REPLACED_ABSURDLY, VOID), ("", 1, 2, 1, 3)),
        ((AMENDED, REPLACED_ABSURDLY), ("code", 1, 2, 0, 2)),
        ((REPLACED_ABSURDLY, AMENDED), ("code", 1, 2, 0, 3)),
        ((REPLACED_ABSURDLY, REPLACED), ("", 5, 10, 0, 3)),
    ],
)
def test_only_the_absurd_change_is_left_out(changes: tuple[Change, ...], becomes: tuple[object, ...]) -> None:
    assert after(*changes) == becomes


def test_nothing_is_said_of_a_void_event_any_more() -> None:
    assert after(VOID, AMENDED, REPLACED_ABSURDLY) == ("", 1, 2, 1, 2)


def test_what_left_the_event_as_it_was_says_why() -> None:
    _, met = come(AMENDED, REPLACED_ABSURDLY, VOID)
    assert [each.awaited.refusal for each in met] == ["", "absurd", ""]
    stored = awaited_rows((0, each.identity, each.awaited, each.offset) for each in met)
    assert [("refusal" in text, change_of(text)) for text in stored["change"]] == [
        (False, AMENDED),
        (True, REPLACED_ABSURDLY),
        (False, VOID),
    ]


def test_nothing_is_refused_before_the_event_comes() -> None:
    stored = awaited_rows([(0, IDENTITY, Awaited(1, "", "", REPLACED_ABSURDLY, version=2), NOT_MET)])
    assert stored["change"].to_list() == [REPLACED_ABSURDLY.text()]
