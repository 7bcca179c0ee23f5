"""Rows of a frame that UsageEvent might refuse: a frame in, a mask out, at a fraction of a microsecond per row.

Complete in one direction: a row without doubt is valid. A doubtful row is decided by UsageEvent itself.
Every check first asks the whole column and looks at its rows only when the answer is no.
"""

from collections.abc import Callable, Iterator
from typing import Final

import polars as pl

from producers.envelopes.canonical import metadata_text, quantities_text
from producers.envelopes.columns import CHOICES, EVENT_ID_BYTES, INTEGER_BOUNDS, NULLABLE, TEXT_LIMITS

_CONTROL = r"[\x00-\x1f\x7f-\x{9f}]"
_CONTROL_BUT_LINES = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x{9f}]"
# 0001-01-01 and 9999-12-31T23:59:59.999 in Unix milliseconds.
_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_999

# Whatever can be seen in one pass: true where a row is doubtful.
_ROW_CHECKS: Final[dict[str, pl.Expr]] = {
    "event_id": pl.col("event_id").bin.size() != EVENT_ID_BYTES,
    "organization": pl.col("organization") == "",
    "control": pl.concat_str([name for name in TEXT_LIMITS if name != "prompt_preview"]).str.contains(_CONTROL),
    "preview": pl.col("prompt_preview").str.contains(_CONTROL_BUT_LINES),
    "nothing used": (pl.col("model") == "") & (pl.col("feature") == "") & (pl.col("quantities") == ""),
}
_SUMMARY: Final = [
    *(check.any().alias(name) for name, check in _ROW_CHECKS.items()),
    *(pl.col(name).str.len_bytes().max().alias(f"{name} bytes") for name in TEXT_LIMITS),
]


def rows_with_nulls(frame: pl.DataFrame) -> pl.Series | None:
    """Rows with a null where none belongs; None when there are none."""
    holed = [name for name in frame.columns if name not in NULLABLE and frame[name].null_count()]
    return frame.select(pl.any_horizontal(pl.col(holed).is_null())).to_series() if holed else None


def doubts(frame: pl.DataFrame) -> pl.Series | None:
    """Rows to be decided by UsageEvent; None when there are none. The frame has no nulls but where they belong."""
    found = None
    for mask in _masks(frame):
        found = mask if found is None else found | mask
    return found


def _masks(frame: pl.DataFrame) -> Iterator[pl.Series]:
    if frame.is_empty():
        return
    summary = frame.select(_SUMMARY).row(0, named=True)
    for name, check in _ROW_CHECKS.items():
        if summary[name]:
            yield frame.select(check).to_series()
    for name, longest in TEXT_LIMITS.items():
        if summary[f"{name} bytes"] > longest:
            yield frame[name].str.len_chars() > longest
    for name, (lowest, highest) in INTEGER_BOUNDS.items():
        yield from _outside(frame[name], lowest, highest)
    yield from _outside(frame["time"].to_physical(), _FIRST_MS, _LAST_MS)
    for name, words in CHOICES.items():
        if not words.issuperset(frame[name].unique().to_list()):
            yield ~frame[name].is_in(list(words))
    yield from _not_canonical(frame["quantities"], quantities_text)
    yield from _not_canonical(frame["metadata"], metadata_text)


def _outside(values: pl.Series, lowest: int, highest: int) -> Iterator[pl.Series]:
    least, greatest = values.min(), values.max()
    # Both are None where all is null.
    if isinstance(least, int) and isinstance(greatest, int) and (least < lowest or greatest > highest):
        yield ~values.is_between(lowest, highest).fill_null(True)


def _not_canonical(texts: pl.Series, canonical: Callable[[bytes], str]) -> Iterator[pl.Series]:
    wrong = [text for text in texts.unique().to_list() if text and not _is_canonical(text, canonical)]
    if wrong:
        yield texts.is_in(wrong)


def _is_canonical(text: str, canonical: Callable[[bytes], str]) -> bool:
    try:
        return canonical(text.encode()) == text
    except ValueError:
        return False
