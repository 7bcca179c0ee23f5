"""The dry run: a control record in, what it would change by local day and model out. Nothing is written."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import polars as pl
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from producers.control.bodies import AmendBody, ReplaceBody, RepriceBody, VoidBody
from producers.control.record import ControlRecord
from producers.errors import ControlRefused
from stream_jobs.control.corrected import columns_set, corrected
from stream_jobs.control.repriced import NEEDED, QUANTITIES, repriced
from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.pricing.load import load_multipliers, load_price_book, oldest_revision
from stream_jobs.pricing.price_book import INPUT_BUCKETS, PriceBook, exceeds_cost_bound
from stream_jobs.worker.sink import READ_SETTINGS, whole
from tokentally.tokens import TOKEN_BUCKETS
from warehouse.client import classified, permitted
from warehouse.control.met import MetUsage, Place, Totals, where
from warehouse.queries.query import ask

SLICE_EVENTS: Final = 100_000
"""Events that are held in memory at once, some 50 MB."""
MOVES_MAX: Final = 1000
"""Pairs of values that are told apart; others are counted together."""
OTHERS: Final = "…"
OUTPUT_BUCKETS: Final = tuple(name for name in TOKEN_BUCKETS if name not in INPUT_BUCKETS)
SUM_SETTINGS: Final[dict[str, Any]] = {"max_bytes_before_external_group_by": 200_000_000}
MONEY: Final = ("cost_nano_usd", "billed_nano_usd", "credits_micro")
_IN_FORCE = "SELECT max(revision) FROM revision_switches WHERE kind = {kind:String} AND organization = ''"


@dataclass(frozen=True, slots=True)
class Line:
    """Usage of one model on one local day, as it is and as it would be."""

    day: date
    model: str
    before: Totals
    after: Totals


@dataclass(frozen=True, slots=True)
class Move:
    """Events whose column would change from one value to another."""

    column: str
    before: str
    after: str
    events: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What a record would change. named: events that it names one by one, 0 for a selection; those that are not met
    are waited for."""

    lines: tuple[Line, ...]
    moves: tuple[Move, ...] = ()
    named: int = 0

    @property
    def before(self) -> Totals:
        """All that is met."""
        return sum((line.before for line in self.lines), Totals())

    @property
    def after(self) -> Totals:
        """All that would be there instead."""
        return sum((line.after for line in self.lines), Totals())

    @property
    def met(self) -> int:
        """Events that the record is about."""
        return self.before.requests


def together(differences: Sequence[Difference]) -> Difference:
    """What several records of one request would change; none of them meets an event of another."""
    before: dict[Place, Totals] = {}
    after: dict[Place, Totals] = {}
    moves: Counter[tuple[str, str, str]] = Counter()
    for each in differences:
        for line in each.lines:
            place = (line.day, line.model)
            before[place] = before.get(place, Totals()) + line.before
            after[place] = after.get(place, Totals()) + line.after
        for move in each.moves:
            moves[move.column, move.before, move.after] += move.events
    told = tuple(Move(*pair, events) for pair, events in sorted(moves.items()))
    return Difference(_lines(before, after), told, sum(each.named for each in differences))


@dataclass(slots=True)
class _Sums:
    """Grows slice by slice."""

    before: dict[Place, Totals] = field(default_factory=dict)
    after: dict[Place, Totals] = field(default_factory=dict)
    moves: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, former: pl.DataFrame, latter: pl.DataFrame, columns: list[str]) -> None:
        for sums, frame in ((self.before, former), (self.after, latter)):
            for place, totals in _totals(frame):
                sums[place] = sums.get(place, Totals()) + totals
        for column in columns:
            self._move(column, pl.DataFrame({"before": _text(former[column]), "after": _text(latter[column])}))

    def _move(self, column: str, pairs: pl.DataFrame) -> None:
        changed = pairs.filter(pl.col("before") != pl.col("after")).group_by("before", "after").len()
        for before, after, events in changed.sort("before", "after").iter_rows():
            pair = (column, before, after)
            known = pair in self.moves or len(self.moves) < MOVES_MAX
            self.moves[pair if known else (column, OTHERS, OTHERS)] += events

    def difference(self, named: int) -> Difference:
        moves = (Move(*pair, events) for pair, events in sorted(self.moves.items()))
        return Difference(_lines(self.before, self.after), tuple(moves), named)


def difference(client: Client, record: ControlRecord, markup_ppm: Mapping[str, int] | None = None) -> Difference:
    """What a record would change if it were done now.

    Raises ControlRefused for a body that cannot be, or a corrected event of more than a million USD; RevisionMissing
    for a revision that is not stored; WarehouseUnavailable and WarehouseRefused.
    """
    body = record.body
    met = where(record.organization, body)
    named = len(body.events) if isinstance(body, VoidBody | AmendBody | ReplaceBody) else 0
    if not isinstance(body, AmendBody | ReplaceBody | RepriceBody):
        before = ask(client, MetUsage(met), permitted(client, SUM_SETTINGS))
        gone = record.kind in ("void", "erase")
        return Difference(_lines(before, {} if gone else before), named=named)

    columns = [] if isinstance(body, RepriceBody) else columns_set(body)
    price = _pricing(client, body, markup_ppm or {})
    sums = _Sums()
    for former in _slices(client, met, columns):
        latter = former if isinstance(body, RepriceBody) else corrected(former, body)
        if price is not None:
            latter = price(latter)
        sums.add(former, latter, _told(columns, isinstance(body, RepriceBody)))
    return sums.difference(named)


@dataclass(frozen=True, slots=True)
class _Pricing:
    prices: PriceBook
    multipliers: MultiplierTable | None
    markup_ppm: Mapping[str, int]

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        priced = repriced(frame, self.prices, self.multipliers, self.markup_ppm)
        excessive = priced.filter(exceeds_cost_bound(priced))
        if not excessive.is_empty():
            named = ", ".join(excessive["event_id"].head(3))
            raise ControlRefused(
                f"{excessive.height} events would cost more than 1,000,000 USD each ({named}): check the unit of the "
                "token counts"
            )
        return priced


def _pricing(client: Client, body: AmendBody | ReplaceBody | RepriceBody, markup: Mapping[str, int]) -> _Pricing | None:
    """The prices that the work would use: those that are asked for, else those in force; None when none are needed."""
    match body:
        case AmendBody():
            return None
        case RepriceBody(prices=prices, multipliers=multipliers):
            table = None if multipliers is None else load_multipliers(client, multipliers)
            return _Pricing(load_price_book(client, prices), table, markup)
        case _:
            table = load_multipliers(client, in_force(client, "multipliers"))
            return _Pricing(load_price_book(client, in_force(client, "prices")), table, markup)


def in_force(client: Client, kind: str) -> int:
    """The highest revision that any partition has read of; before the first record the lowest one that is stored."""
    highest = int(client.query(_IN_FORCE, parameters={"kind": kind}).result_rows[0][0])
    return highest or oldest_revision(client, "prices" if kind == "prices" else "multipliers")


def _slices(client: Client, met: str, columns: list[str]) -> Iterator[pl.DataFrame]:
    """The events in slices of a local day, a large day in several by chance of the id."""
    by_day: Counter[date] = Counter()
    for (day, _), totals in ask(client, MetUsage(met), permitted(client, SUM_SETTINGS)).items():
        by_day[day] += totals.requests
    for day, events in sorted(by_day.items()):
        parts = -(-events // SLICE_EVENTS)
        for part in range(parts):
            frame = _frame(client, slice_sql(met, columns, day, part, parts))
            if not frame.is_empty():
                yield frame.rename({"quantities_text": "quantities", "event_id_text": "event_id"})


def slice_sql(met: str, columns: list[str], day: date, part: int, parts: int) -> str:
    """Events of one local day, and of these one part by their ids' hash.

    The bounds of time spare reading other days: a local day lies within a day of the same date in UTC.
    """
    wanted = dict.fromkeys((*NEEDED, "day", "cost_nano_usd", "billed_nano_usd", "cost_status", *columns))
    since, until = day - timedelta(days=1), day + timedelta(days=2)
    share = f" AND cityHash64(event_id) % {parts} = {part}" if parts > 1 else ""
    return (
        f"SELECT toString(event_id) AS event_id_text, {', '.join(wanted)}, {QUANTITIES} FROM usage_raw FINAL "
        f"WHERE ({met}) AND day = '{day}' AND time >= '{since} 00:00:00' AND time < '{until} 00:00:00'{share}"
    )


def _frame(client: Client, sql: str) -> pl.DataFrame:
    try:
        body = whole(client.raw_query(sql, settings=permitted(client, READ_SETTINGS), fmt="ArrowStream"))
    except (Error, OSError) as failure:
        raise classified(failure) from failure
    return pl.DataFrame(pl.from_arrow(pa.ipc.open_stream(body).read_all())) if body else pl.DataFrame()


def _totals(frame: pl.DataFrame) -> Iterator[tuple[Place, Totals]]:
    grouped = frame.group_by("day", "model").agg(
        pl.len().cast(pl.Int64).alias("requests"),
        pl.sum_horizontal(pl.col(INPUT_BUCKETS).cast(pl.Int128)).sum().alias("input_tokens"),
        pl.sum_horizontal(pl.col(OUTPUT_BUCKETS).cast(pl.Int128)).sum().alias("output_tokens"),
        *(pl.col(name).cast(pl.Int128).sum() for name in MONEY),
    )
    for day, model, *sums in grouped.iter_rows():
        yield (day, model), Totals(*map(int, sums))


def _told(columns: list[str], is_reprice: bool) -> list[str]:
    """Columns whose values are told from -> to: words, not counts; and what the price turned into."""
    counts = {*TOKEN_BUCKETS, "duration_ms", "time_to_first_token_ms", "reported_cost_nano_usd"}
    return ["cost_status"] if is_reprice else [column for column in columns if column not in counts]


def _text(values: pl.Series) -> pl.Series:
    return values.cast(pl.String).fill_null("")


def _lines(before: Mapping[Place, Totals], after: Mapping[Place, Totals]) -> tuple[Line, ...]:
    places = sorted(before.keys() | after.keys())
    return tuple(Line(*place, before.get(place, Totals()), after.get(place, Totals())) for place in places)
