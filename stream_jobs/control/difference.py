"""The dry run: a control record in, what it would change by local day and model out. Nothing is written."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import polars as pl
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from producers.control.bodies import AmendBody, EraseBody, ReplaceBody, RepriceBody, VoidBody
from producers.control.record import ControlRecord
from producers.errors import ControlRefused
from producers.timeliness.rules import TimeRules
from stream_jobs.control.arrived import arrived
from stream_jobs.control.corrected import columns_set, corrected
from stream_jobs.control.repriced import NEEDED, QUANTITIES, cost_alone, excess, repriced
from stream_jobs.corrections.kept_terms import PLACED, KeptTerms, former_versions
from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.pricing.load import load_multipliers, load_price_book, oldest_revision
from stream_jobs.pricing.price_book import INPUT_BUCKETS, PriceBook
from stream_jobs.worker.sink import READ_SETTINGS, whole
from tokentally.tokens import TOKEN_BUCKETS
from warehouse.client import classified, permitted
from warehouse.control.met import MetUsage, Place, Totals, where
from warehouse.queries.query import ask
from warehouse.set_apart import not_set_apart

SLICE_EVENTS: Final = 100_000
"""Events that are held in memory at once, some 50 MB."""
MOVES_MAX: Final = 1000
"""Pairs of values that are told apart; others are counted together."""
OTHERS: Final = "…"
OUTPUT_BUCKETS: Final = tuple(name for name in TOKEN_BUCKETS if name not in INPUT_BUCKETS)
SUM_SETTINGS: Final[dict[str, Any]] = {"max_bytes_before_external_group_by": 200_000_000}
MONEY: Final = ("cost_nano_usd", "billed_nano_usd", "credits_micro")
ALL_KEPT: Final = TimeRules()
MEASURED: Final = {
    "duration_ms": "duration_ms",
    "time_to_first_token_ms": "time_to_first_token_ms",
    "reported_cost_nano_usd": "reported_cost_usd",
}
"""Columns that differ from event to event, by the names they are asked by: told is only whether there is a value."""
A_VALUE: Final = "a value"
_IN_FORCE = (
    "SELECT max(revision) FROM revision_switches "
    "WHERE kind = {kind:String} AND ({organization:String} = '' OR organization IN ('', {organization:String})) "
    f"AND {not_set_apart('offset')}"
)


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
    """What a record would change. named: events that it names one by one, 0 for a selection. left: events that it is
    about and leaves as they are, because nobody computes days before `first_whole_day` again (rule E13). gone: of those
    that are named, how many have come and are void or erased, or no longer kept: nothing changes for them."""

    lines: tuple[Line, ...]
    moves: tuple[Move, ...] = ()
    named: int = 0
    left: int = 0
    first_whole_day: date | None = None
    gone: int = 0

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
        """Events that it would change, or count again."""
        return self.before.requests

    @property
    def awaited(self) -> int:
        """Of those that are named, how many have not come: they are waited for."""
        return max(0, self.named - self.met - self.left - self.gone)


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
    first = max((each.first_whole_day for each in differences if each.first_whole_day), default=None)
    named, left, gone = (sum(getattr(each, name) for each in differences) for name in ("named", "left", "gone"))
    return Difference(_lines(before, after), told, named, left, first, gone)


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
            pairs = pl.DataFrame({"before": _text(former[column]), "after": _text(latter[column])})
            changed = pairs.filter(pl.col("before") != pl.col("after"))
            if column in MEASURED:
                changed = changed.with_columns(
                    pl.when(pl.all() == "").then(pl.lit("")).otherwise(pl.lit(A_VALUE)).name.keep()
                )
            for before, after, events in changed.group_by("before", "after").len().sort("before", "after").iter_rows():
                self._move(column, before, after, events)

    def _move(self, column: str, before: str, after: str, events: int) -> None:
        if column == "quantities":
            for unit, was, becomes in _by_unit(before, after):
                self._count(f"quantities.{unit}", was, becomes, events)
        else:
            self._count(MEASURED.get(column, column), before, after, events)

    def _count(self, column: str, before: str, after: str, events: int) -> None:
        pair = (column, before, after)
        known = pair in self.moves or len(self.moves) < MOVES_MAX
        self.moves[pair if known else (column, OTHERS, OTHERS)] += events

    def difference(self) -> Difference:
        moves = (Move(*pair, events) for pair, events in sorted(self.moves.items()))
        return Difference(_lines(self.before, self.after), tuple(moves))


def difference(
    client: Client, record: ControlRecord, times: TimeRules = ALL_KEPT, tombstones: Tombstones | None = None
) -> Difference:
    """What a record would change if it were done now. times: the workers'. tombstones: with the
    installation's key; None where no event was erased.

    Raises ControlRefused for a body that cannot be, or a corrected event whose cost or credits are absurd;
    RevisionMissing for a revision that is not stored; NoErasureKey when events are named of an organisation with
    erased ones, and the key is another one or is missing; WarehouseUnavailable and WarehouseRefused.
    """
    body = record.body
    about = where(record.organization, body)
    whole = None if isinstance(body, EraseBody) else times.first_whole_day(record.created)
    found = _changed(client, record, about if whole is None else f"({about}) AND day >= '{whole}'")
    events = body.events if isinstance(body, VoidBody | AmendBody | ReplaceBody) else ()
    left = 0 if whole is None else _count(client, f"usage_raw FINAL WHERE ({about}) AND day < '{whole}'")
    come = arrived(client, record.organization, events, tombstones or Tombstones()) if events else 0
    gone = max(0, come - found.met - left)
    return replace(found, named=len(events), left=left, first_whole_day=whole, gone=gone)


def _changed(client: Client, record: ControlRecord, met: str) -> Difference:
    body = record.body
    if not isinstance(body, AmendBody | ReplaceBody | RepriceBody):
        before = ask(client, MetUsage(met), permitted(client, SUM_SETTINGS))
        gone = record.kind in ("void", "erase")
        return Difference(_lines(before, {} if gone else before))

    columns = list(PLACED) if isinstance(body, RepriceBody) else columns_set(body)
    price = _pricing(client, record.organization, body)
    sums = _Sums()
    for former, events in _slices(client, met, columns):
        latter = former if isinstance(body, RepriceBody) else corrected(former, body)
        if price is not None:
            latter = price(latter, events)
        sums.add(former, latter, _told(columns, isinstance(body, RepriceBody)))
    return sums.difference()


def _count(client: Client, rows: str) -> int:
    return int(_frame(client, f"SELECT count() FROM {rows}").item())


@dataclass(frozen=True, slots=True)
class _Pricing:
    """counts: the multipliers that credits are counted with anew, or what says by which terms events are billed while
    their credits stay."""

    client: Client
    prices: PriceBook
    counts: MultiplierTable | KeptTerms

    def __call__(self, frame: pl.DataFrame, events: str) -> pl.DataFrame:
        """The events, priced anew; `events` is the condition that they meet. Raises ControlRefused for absurd ones."""
        if isinstance(self.counts, MultiplierTable):
            priced = repriced(frame, self.prices, self.counts)
        else:
            known = frame.with_columns(pl.col("event_id").alias("event_id_text"))
            terms = self.counts.located(known, lambda: _frame(self.client, former_versions(events)))
            priced = cost_alone(frame, self.prices, terms)
        excessive = priced.with_columns(excess(priced).alias("excess")).filter(pl.col("excess") != "")
        if not excessive.is_empty():
            named = ", ".join(excessive["event_id"].head(3))
            raise ControlRefused(f"{excessive.height} events ({named}): {excessive['excess'][0]}")
        return priced


def _pricing(client: Client, organization: str, body: AmendBody | ReplaceBody | RepriceBody) -> _Pricing | None:
    """The prices that the work would use: those that are asked for, else those in force; None when none are needed."""
    if isinstance(body, AmendBody):
        return None
    prices, multipliers = (body.prices, body.multipliers) if isinstance(body, RepriceBody) else (None, "in_force")
    book = load_price_book(client, prices or in_force(client, "prices", organization))
    if multipliers is None:
        return _Pricing(client, book, KeptTerms.read(lambda sql: client.query(sql).result_rows, organization))
    state = multipliers if isinstance(multipliers, int) else in_force(client, "multipliers", organization)
    return _Pricing(client, book, load_multipliers(client, state))


def in_force(client: Client, kind: str, organization: str = "") -> int:
    """The state that holds where a record about this organisation ("": all) would stand.

    That is the highest revision for everyone or for this organisation that any partition has read of; about all, the
    highest of anybody: every lower one was published before it, so that state has of each organisation what is in force
    in its own partition. Before the first record: the first for everyone.
    """
    asked = {"kind": kind, "organization": organization}
    highest = int(client.query(_IN_FORCE, parameters=asked).result_rows[0][0])
    return highest or oldest_revision(client, "prices" if kind == "prices" else "multipliers")


def _slices(client: Client, met: str, columns: list[str]) -> Iterator[tuple[pl.DataFrame, str]]:
    """The events in slices of a local day, a large day in several by chance of the id; each with its condition."""
    by_day: Counter[date] = Counter()
    for (day, _), totals in ask(client, MetUsage(met), permitted(client, SUM_SETTINGS)).items():
        by_day[day] += totals.requests
    for day, events in sorted(by_day.items()):
        parts = -(-events // SLICE_EVENTS)
        for part in range(parts):
            condition = slice_condition(met, day, part, parts)
            frame = _frame(client, slice_sql(condition, columns))
            if not frame.is_empty():
                yield frame.rename({"quantities_text": "quantities", "event_id_text": "event_id"}), condition


def slice_condition(met: str, day: date, part: int, parts: int) -> str:
    """Events of one local day, and of these one part by their ids' hash.

    The bounds of time spare reading other days: a local day lies within a day of the same date in UTC.
    """
    since, until = day - timedelta(days=1), day + timedelta(days=2)
    share = f" AND cityHash64(event_id) % {parts} = {part}" if parts > 1 else ""
    return f"({met}) AND day = '{day}' AND time >= '{since} 00:00:00' AND time < '{until} 00:00:00'{share}"


def slice_sql(events: str, columns: list[str]) -> str:
    """What the change of these events follows from, and these columns."""
    wanted = dict.fromkeys((*NEEDED, "day", "cost_nano_usd", "billed_nano_usd", "cost_status", *columns))
    wanted.pop("quantities", None)  # they are read as their text alone
    return (
        f"SELECT toString(event_id) AS event_id_text, {', '.join(wanted)}, {QUANTITIES} FROM usage_raw FINAL "
        f"WHERE {events}"
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
    """Columns whose values are told from -> to: all but the counts that have a sum; and what the price turned into."""
    return ["cost_status"] if is_reprice else [column for column in columns if column not in TOKEN_BUCKETS]


def _text(values: pl.Series) -> pl.Series:
    return values.cast(pl.String).fill_null("")


def _by_unit(before: str, after: str) -> Iterator[tuple[str, str, str]]:
    """Units whose quantity changes, with both; what is not there is 0. The texts are JSON, empty without any."""
    was, becomes = (json.loads(text or "{}", parse_float=Decimal, parse_int=Decimal) for text in (before, after))
    for unit in sorted(was.keys() | becomes.keys()):
        old, new = was.get(unit, Decimal(0)), becomes.get(unit, Decimal(0))
        if old != new:
            yield unit, f"{old.normalize():f}", f"{new.normalize():f}"


def _lines(before: Mapping[Place, Totals], after: Mapping[Place, Totals]) -> tuple[Line, ...]:
    places = sorted(before.keys() | after.keys())
    return tuple(Line(*place, before.get(place, Totals()), after.get(place, Totals())) for place in places)
