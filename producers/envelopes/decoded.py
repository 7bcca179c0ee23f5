"""What decoding an envelope gives: a frame of valid events, where each stood, and what was refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import ValidationError

from producers.envelopes.columns import empty_frame
from tokentally import reasons

Indexes = npt.NDArray[np.uint32]

_MAX_REASON_CHARS = 500
_MAX_PROBLEMS = 5


class RejectionKind(StrEnum):
    """Classes of reasons, few enough to be a label of a metric."""

    ENVELOPE = "envelope"
    NOT_JSON = "not_json"
    INVALID = "invalid"
    NOT_ALLOWED = "not_allowed"


@dataclass(frozen=True, slots=True)
class Rejected:
    """One refused event, or the whole envelope when `index` is None.

    index counts events from 0 (blank lines are not events). reason is made for people and repeats no values.
    raw: the bytes that were sent; for a row of an Arrow envelope, the row as JSON.
    """

    index: int | None
    reason: str
    raw: bytes
    kind: RejectionKind = RejectionKind.INVALID


@dataclass(frozen=True, slots=True)
class Decoded:
    """frame: the valid events, in the columns of COLUMNS. index: the place of each of its rows among all events.

    A polars frame has one owner thread at a time.
    """

    frame: pl.DataFrame
    index: Indexes
    rejected: Sequence[Rejected]


def refused_whole(reason: str, raw: bytes) -> Decoded:
    """An envelope of which nothing could be used."""
    return Decoded(
        empty_frame(), np.empty(0, np.uint32), (Rejected(None, clipped(reason), raw, RejectionKind.ENVELOPE),)
    )


def refusal(error: ValidationError) -> str:
    """The problems of a refused event in one line."""
    problems = reasons(error)
    more = len(problems) - _MAX_PROBLEMS
    sentences = [*problems[:_MAX_PROBLEMS], f"and {more} more problems"] if more > 0 else problems
    return clipped("; ".join(sentences))


def clipped(reason: str) -> str:
    """The reason, short enough for a log line."""
    return reason if len(reason) <= _MAX_REASON_CHARS else reason[: _MAX_REASON_CHARS - 1] + "…"
