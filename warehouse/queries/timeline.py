"""Usage over time: a selection and a granularity in, one bucket per local hour, day, week or month out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from warehouse.queries.query import Rows, utc
from warehouse.queries.selection import Selection
from warehouse.queries.usage import SUMS, Usage, usage_of


class Granularity(StrEnum):
    """Size of the buckets."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket: `start` is the instant of a local hour, or the first date of a local day, week or month."""

    start: datetime | date
    usage: Usage


@dataclass(frozen=True, slots=True)
class Timeline:
    """Buckets that hold something, oldest first; together they are the selection, no more and no less.

    Weeks and months are cut at the ends of the selection, so that every granularity has the same total.
    Hours of all organisations together are hours of UTC; days are always each organisation's own.
    """

    selection: Selection
    granularity: Granularity

    @property
    def sql(self) -> str:
        """The statement."""
        return (
            f"SELECT {self._start} AS start, {SUMS} FROM {self._view} {self.selection.where} "
            "GROUP BY start ORDER BY start"
        )

    @property
    def money(self) -> str:
        """A statement with the money of each day by the start of its bucket, for conversions."""
        return f"SELECT {self._start} AS value, day, cost_usd, billed_usd FROM {self._view} {self.selection.where}"

    @property
    def _view(self) -> str:
        return "usage_hourly" if self.granularity is Granularity.HOUR else "usage_daily"

    @property
    def _start(self) -> str:
        if self.granularity is not Granularity.HOUR:
            return self.granularity.value
        return "toStartOfHour(bucket)" if self.selection.organization is None else "bucket"

    @property
    def parameters(self) -> Mapping[str, object]:
        """Those of the selection."""
        return self.selection.parameters

    def read(self, rows: Rows) -> list[Bucket]:
        """One bucket per row."""
        return [Bucket(utc(start) if isinstance(start, datetime) else start, usage_of(row)) for start, *row in rows]


@dataclass(frozen=True, slots=True)
class Total:
    """The whole selection as one."""

    selection: Selection

    @property
    def sql(self) -> str:
        """The statement."""
        return f"SELECT {SUMS} FROM usage_daily {self.selection.where}"

    @property
    def parameters(self) -> Mapping[str, object]:
        """Those of the selection."""
        return self.selection.parameters

    def read(self, rows: Rows) -> Usage:
        """The one row."""
        return usage_of(rows[0])


def zero_filled(buckets: Iterable[Bucket], starts: Iterable[datetime | date]) -> list[Bucket]:
    """The buckets in order of time with an empty one at each of `starts` that has none."""
    found = {bucket.start: bucket for bucket in buckets}
    empty = {start: Bucket(start, Usage()) for start in starts}
    return [bucket for _, bucket in sorted({**empty, **found}.items())]


def peak(buckets: Sequence[Bucket]) -> Bucket | None:
    """The bucket with most requests, the earliest of equals; None when nothing was used."""
    highest = max(buckets, key=lambda bucket: bucket.usage.requests, default=None)
    return highest if highest is not None and highest.usage.requests else None
