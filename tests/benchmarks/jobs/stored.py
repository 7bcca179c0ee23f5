"""The events that jobs rewrite: a number of events and days in, envelopes' frames and what they add up to out."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from producers.synthetic.load import ENVELOPE_EVENTS, frames
from stream_jobs.pricing import PriceBook

SEED: Final = 11
USERS: Final = 200
"""Of the organisation: at 5 million events in ten days some five events share a row, as in an ordinary load."""
SAME_DAY: Final = timedelta(minutes=10)
THREAD_MS: Final = 300_000


@dataclass(slots=True)
class StoredEvents:
    """All of one organisation, evenly over `days` whole days (UTC) before midnight; no event is a copy of another.

    user: the one who has all of them; "" for many. books: prices by revision; `replaced_input_tokens` is what they are
    priced with a second time.
    """

    organization: str
    user: str
    events: int
    days: int
    books: dict[int, PriceBook]
    replaced_input_tokens: int
    until: datetime = field(init=False)
    """No event of these is as young; what comes meanwhile is not older."""
    input_tokens: int = 0
    cost_nano_usd: Counter[tuple[int, bool]] = field(default_factory=Counter)
    """By revision, and whether the input tokens are replaced."""

    def __post_init__(self) -> None:
        now = datetime.now(UTC) - SAME_DAY
        self.until = now.replace(hour=0, minute=0, second=0, microsecond=0)

    @property
    def first_day(self) -> date:
        """The oldest local day."""
        return (self.until - timedelta(days=self.days)).date()

    def frames(self) -> Iterator[pl.DataFrame]:
        """One per envelope, in the order of their times; adds them up on the way."""
        start = self.until - timedelta(days=self.days)
        step_ms = self.days * 86_400_000 / self.events
        made, first = frames(SEED, self.events, 1, envelope_events=ENVELOPE_EVENTS), 0
        for _, frame in made:
            times = int(start.timestamp() * 1000) + ((first + np.arange(len(frame))) * step_ms).astype(np.int64)
            own = self._of_organization(frame, times, first)
            first += len(own)
            self._add(own)
            yield own

    def _of_organization(
        self, frame: pl.DataFrame, times: "np.ndarray[tuple[int], np.dtype[np.int64]]", first: int
    ) -> pl.DataFrame:
        number = pl.col("user_id").str.strip_prefix("user-").cast(pl.Int64) % USERS
        user = pl.lit(self.user) if self.user else pl.format("user-{}", number)
        thread = number * 1_000_000_000 + pl.Series(times // THREAD_MS)
        return frame.with_columns(
            ids(times, first),
            pl.Series("time", times).cast(pl.Datetime("ms", "UTC")),
            pl.lit(self.organization).alias("organization"),
            pl.lit("").alias("customer_id"),
            user.alias("user_id"),
            pl.format("key-{}", number).alias("api_key_id"),
            pl.format("thread-{}", thread).alias("thread_id"),
        )

    def _add(self, frame: pl.DataFrame) -> None:
        self.input_tokens += int(frame["input_tokens"].sum())
        replaced = frame.with_columns(pl.lit(self.replaced_input_tokens, pl.Int64).alias("input_tokens"))
        for revision, book in self.books.items():
            self.cost_nano_usd[revision, False] += int(book.price(frame)["cost_nano_usd"].sum())
            self.cost_nano_usd[revision, True] += int(book.price(replaced)["cost_nano_usd"].sum())


def ids(times: "np.ndarray[tuple[int], np.dtype[np.int64]]", first: int) -> pl.Series:
    """A UUID of version 7 for each time (Unix ms); those of the numbers from `first` on differ from all others."""
    raw = np.zeros((len(times), 16), np.uint8)
    raw[:, :6] = times.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 2:]
    raw[:, 6], raw[:, 8] = 0x70, 0x80
    raw[:, 9:] = (first + np.arange(len(times))).astype(">u8").view(np.uint8).reshape(-1, 8)[:, 1:]
    data = raw.tobytes()
    return pl.Series("event_id", [data[at : at + 16] for at in range(0, len(data), 16)], dtype=pl.Binary)
