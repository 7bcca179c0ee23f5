"""Which local days an audit compares: recent ones, those that changed, and a share of the older ones in turn."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from warehouse.families import ROLLUP_TABLES
from warehouse.queries.query import Rows
from warehouse.queries.reconcile.part import Cut

RECENT_DAYS = 2
"""Today and yesterday in every time zone lie within this many days of the date in UTC."""


@dataclass(frozen=True, slots=True)
class KnownDays:
    """Every local date that has rows in any table."""

    @property
    def sql(self) -> str:
        """The statement."""
        tables = ["usage_raw", *ROLLUP_TABLES]
        together = " UNION ALL ".join(f"SELECT DISTINCT day FROM {table}" for table in tables)
        return f"SELECT DISTINCT day FROM ({together}) ORDER BY day"

    @property
    def parameters(self) -> Mapping[str, object]:
        """None."""
        return {}

    def read(self, rows: Rows) -> list[date]:
        """Oldest first."""
        return [row[0] for row in rows]


@dataclass(frozen=True, slots=True)
class TouchedSince:
    """Local days that got events above a cut."""

    cut: Cut

    @property
    def sql(self) -> str:
        """The statement."""
        marked = "grain = 'day' AND kind = 'touched'"
        return f"SELECT DISTINCT date FROM touched_periods WHERE {marked} AND offset > {Cut.sql}"

    @property
    def parameters(self) -> Mapping[str, object]:
        """Those of the cut."""
        return self.cut.parameters

    def read(self, rows: Rows) -> set[date]:
        """The dates."""
        return {row[0] for row in rows}


@dataclass(frozen=True, slots=True)
class Last:
    """Where the last audit stood: its cut, the last older day it compared, and the date on which it ran."""

    applied: Cut
    older_until: date
    ran: date


@dataclass(frozen=True, slots=True)
class LastAudit:
    """The newest row of `audits`; None before the first."""

    sql = "SELECT applied, older_until, toDate(started) FROM audits ORDER BY started DESC LIMIT 1"

    @property
    def parameters(self) -> Mapping[str, object]:
        """None."""
        return {}

    def read(self, rows: Rows) -> Last | None:
        """The one row."""
        return Last(Cut(rows[0][0]), *rows[0][1:]) if rows else None


def older_share(known: Sequence[date], until: date, audits: int) -> list[date]:
    """The older days whose turn it is: those behind `until`, from the beginning again at the end.

    After `audits` of them every day was compared once, also when the process did not run all the time.
    """
    number = -(-len(known) // audits)
    behind = [day for day in known if day > until]
    return (behind + [day for day in known if day <= until])[:number]


def ranges(days: Collection[date]) -> Iterator[tuple[date, date]]:
    """Neighbouring days together, oldest first."""
    first: date | None = None
    last = date.min
    for day in sorted(days):
        if first is not None and day - last > timedelta(days=1):
            yield first, last
            first = None
        first, last = first or day, day
    if first is not None:
        yield first, last
