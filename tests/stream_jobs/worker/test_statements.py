"""Every statement of the worker runs on the engine and answers what loading.py takes from it."""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from clickhouse_connect.driver.client import Client

from producers.timeliness.rules import FUTURE_MS
from stream_jobs.deduplication.keys import KeyMaker
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.rollups.pairs import PAIR
from stream_jobs.rollups.row_store import RowStore
from stream_jobs.worker import statements
from stream_jobs.worker.cascade import Cascade
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.loading import load_partitions, load_pending, load_progress, load_rows
from stream_jobs.worker.needed_rows import PAIR_TYPES
from stream_jobs.worker.partition import Progress
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.statements import Pair
from tests.stream_jobs.worker.simulation import QuietBeat
from tests.warehouse.recorded import PARTITIONS, Event, bucket_of, directory_rows, events, raw_rows, rollup_rows
from warehouse.families import FAMILIES, ROLLUP, Family

ACME, ZEN = PARTITIONS["acme"], PARTITIONS["zen"]
FIRST = datetime.fromtimestamp(0, UTC)
integration = pytest.mark.integration


@pytest.fixture(scope="module")
def recorded() -> list[Event]:
    return events(120)


def test_texts_are_quoted_and_numbers_are_not() -> None:
    assert statements.listed(["it's \\", 7]) == "'it\\'s \\\\', 7"


def progress_row(offset: int, **changes: Any) -> list[Any]:
    plain = {"topic": "usage.events", "partition": ACME, "offset": offset, "time": datetime(2026, 3, 1, tzinfo=UTC)}
    plain |= {"topic_id": "t1", "seen": 9, "accepted": 5, "duplicates": 3, "rejected": 1, "misrouted": 0}
    return list((plain | changes).values())


PROGRESS = ["topic", "src_partition", "applied_offset", "applied_time", "topic_id"]
PROGRESS += ["seen", "accepted", "duplicates", "rejected", "misrouted"]


@integration
def test_the_highest_progress_of_a_partition_counts(warehouse: Client, sink: Sink) -> None:
    rows = [
        [progress_row(70, seen=12)],
        [
            progress_row(69),
            progress_row(99, topic="it's"),
            progress_row(3, partition=ZEN, time=datetime.fromtimestamp(0, UTC)),
        ],
    ]
    for part in rows:
        warehouse.insert("partition_progress", part, column_names=PROGRESS)
    found = load_progress(sink, "usage.events", [ACME, ZEN, 5])
    assert found == {
        ACME: Progress(70, 1_772_323_200_000, "t1", 12, 5, 3, 1, 0),
        ZEN: Progress(3, 0, "t1", 9, 5, 3, 1, 0),
        5: Progress(),
    }
    assert load_progress(sink, "it's", [ACME])[ACME].applied_offset == 99


@integration
def test_the_newest_ids_come_in_log_order_once_each(warehouse: Client, sink: Sink, recorded: list[Event]) -> None:
    for _ in range(2):
        raw_rows(recorded).insert(warehouse)
    mine = [event for event in recorded if event["src_partition"] == ACME]
    applied = mine[-1]["src_offset"] - 1
    below = [event for event in mine if event["src_offset"] <= applied]
    (loaded,) = load_partitions(sink, {ACME: Progress(applied, accepted=len(below))}, 25, Tombstones()).values()
    newest = below[-25:]
    ids = pl.Series([event["event_id"].bytes for event in newest], dtype=pl.Binary)
    keys = KeyMaker().keys(pl.Series(["acme"] * 25), ids)
    (chunk,) = loaded.window._chunks
    assert (chunk.keys, chunk.first) == (keys, len(below) - 25)
    assert list(chunk.times_ms) == [round(event["time"].timestamp() * 1000) for event in newest]
    left = below[: len(below) - 25]  # with a clock that was set back, what left may have been appended "later"
    latest = max(event["append_time"] for event in [*left, newest[0]])
    assert chunk.append_ms == round(latest.timestamp() * 1000)
    earlier = [event for event in below if event["src_offset"] <= newest[0]["src_offset"]]
    times = {round(event["time"].timestamp() * 1000) for event in earlier}
    assert set(loaded.window.times_ahead) == {time_ms for time_ms in times if time_ms > chunk.append_ms}
    every = statements.times_ahead(ACME, newest[0]["src_offset"], 0, FUTURE_MS)
    assert sorted(sink.rows(every)) == sorted((t,) for t in times)
    assert (loaded.window.accepted, loaded.window.whole, len(loaded.window)) == (len(below), False, 25)
    assert sink.frame(statements.newest_ids(7, applied, 25)).is_empty()


@integration
def test_stored_events_are_counted_once_in_each_span(warehouse: Client, sink: Sink, recorded: list[Event]) -> None:
    raw_rows(recorded).insert(warehouse)
    raw_rows(recorded).insert(warehouse)
    for number in (ACME, ZEN):
        offsets = sorted(event["src_offset"] for event in recorded if event["src_partition"] == number)
        applied, top = offsets[len(offsets) // 4], offsets[-len(offsets) // 4]
        inside = len(
            {
                (e["src_offset"], e["src_index"])
                for e in recorded
                if e["src_partition"] == number and applied < e["src_offset"] <= top
            }
        )
        assert sink.rows(statements.stored_events({number: (applied, top)})) == [(number, inside)]
    assert sink.rows(statements.stored_events({7: (-1, 100), 8: (0, 5)})) == []


@integration
def test_the_highest_bucket_of_each_organization_is_known(warehouse: Client, sink: Sink, recorded: list[Event]) -> None:
    rollup_rows(recorded, ROLLUP, "quarter").insert(warehouse)
    rollup_rows(recorded, ROLLUP, "week").insert(warehouse)
    loaded = load_partitions(sink, dict.fromkeys((ACME, ZEN, 5), Progress()), 10, Tombstones())
    for name, number in PARTITIONS.items():
        highest = max(bucket_of(event, "quarter") for event in recorded if event["organization"] == name)
        assert loaded[number].highest_bucket == {name: int(highest.timestamp())}
    assert loaded[5].highest_bucket == {}


@integration
def test_periods_are_pending_while_touched_is_above_done(warehouse: Client, sink: Sink) -> None:
    directory_rows().insert(warehouse)
    directory = Directory(sink, "UTC", 1)
    marks = Cascade(sink, QuietBeat.__new__(QuietBeat), directory, 1.0).marks
    days = [date(2026, 3, day) for day in (27, 28, 29, 30, 31)]
    rows = [(ACME, "acme", "day", day, "touched", 0) for day in days]
    rows += [(ACME, "acme", "day", days[1], "done", 0), (ACME, "acme", "day", days[2], "done", 5)]
    sink.insert("touched_periods", marks(rows))
    rows = [(ACME, "acme", "day", days[2], "touched", 4), (ACME, "acme", "day", days[1], "touched", 1)]
    rows += [(ZEN, "zen", "week", date(2026, 3, 29), "touched", 9), (5, "zen", "day", days[0], "touched", 9)]
    sink.insert("touched_periods", marks(rows))
    pending = load_pending(sink, directory, [ACME, ZEN])
    expected = {(ACME, "acme", "day", days[n]) for n in (0, 1, 3, 4)} | {(ZEN, "zen", "week", date(2026, 3, 29))}
    assert set(pending) == expected
    spring = pending[(ACME, "acme", "day", days[1])]
    assert (spring.period.start, spring.period.end - spring.period.start) == (1_774_652_400, 86_400)
    assert spring.week == date(2026, 3, 23)


@integration
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.table)
def test_rows_come_back_as_they_were_written(
    warehouse: Client, sink: Sink, recorded: list[Event], family: Family
) -> None:
    rollup_rows(recorded, family, "quarter").insert(warehouse)
    rollup_rows(recorded, family, "hour").insert(warehouse)
    pairs = sorted(
        {(e["src_partition"], e["organization"], int(bucket_of(e, "quarter").timestamp())) for e in recorded}
    )
    wanted = pairs[::2]
    loaded = load_rows(sink, family, asked(wanted))
    assert set(loaded.select("src_partition", "organization", "bucket").iter_rows()) <= set(wanted)
    store = RowStore(family)
    store.put(loaded)
    written = store.rows(np.arange(len(store)))
    kept = [event for event in recorded if pair_of(event) in wanted]
    assert len(store) == len(rollup_rows(kept, family, "quarter").values)
    before = everything(warehouse, family)
    sink.insert(family.table, written.with_columns(pl.lit("quarter").alias("grain")))
    assert everything(warehouse, family) == before
    keys = [*PAIR, *family.dimensions, *family.measures, "offset"]
    assert written.select(keys).sort(keys).equals(loaded.select(keys).sort(keys))


def asked(pairs: list[Pair]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema=PAIR_TYPES, orient="row")


@integration
def test_rows_are_found_by_their_whole_key_and_counted_by_pair(
    warehouse: Client, sink: Sink, recorded: list[Event]
) -> None:
    for family in FAMILIES:
        rollup_rows(recorded, family, "quarter").insert(warehouse)
        whole = load_rows(sink, family, asked(sorted({pair_of(event) for event in recorded})))
        wanted = whole[::3].select(*PAIR, *family.dimensions)
        found = load_rows(sink, family, wanted)
        assert found.select(wanted.columns).sort(wanted.columns).equals(wanted.sort(wanted.columns))
    pair = pair_of(recorded[0])
    stored = sum(load_rows(sink, family, asked([pair])).height for family in FAMILIES)
    counted = sink.frame(statements.row_counts([pair[0]]), asked([pair]).drop("src_partition"))
    assert counted.rows() == [(*pair, stored)]


def pair_of(event: Event) -> tuple[int, str, int]:
    return event["src_partition"], event["organization"], int(bucket_of(event, "quarter").timestamp())


def everything(warehouse: Client, family: Family) -> list[tuple[Any, ...]]:
    rows = warehouse.query(f"SELECT *, ver FROM {family.table} FINAL ORDER BY ALL").result_rows
    return [tuple(row) for row in rows]


@integration
def test_pairs_without_rows_give_nothing(sink: Sink) -> None:
    assert load_rows(sink, ROLLUP, asked([(ACME, "acme", 900), (ZEN, "it's", 1800)])).is_empty()


@integration
def test_e1_a_loaded_row_carries_its_offset_and_not_its_version(
    warehouse: Client, sink: Sink, recorded: list[Event]
) -> None:
    rows = rollup_rows(recorded[:1], ROLLUP, "quarter")
    rows.insert(warehouse)
    epoch = [[*value[:-1], 150, 1] for value in rows.values]
    warehouse.insert("rollup", epoch, column_names=[*rows.columns, "epoch"])
    rows.values[0][-1] = 300
    rows.insert(warehouse)
    assert load_rows(sink, ROLLUP, asked([pair_of(recorded[0])]))["offset"].to_list() == [150]
    assert warehouse.query("SELECT ver FROM rollup FINAL").result_rows == [(2**48 + 150,)]


@integration
def test_the_position_of_earlier_copies_is_exact(warehouse: Client, sink: Sink, recorded: list[Event]) -> None:
    raw_rows(recorded).insert(warehouse)
    schema: dict[str, Any] = {"organization": pl.String, "time": pl.Datetime("ms", "UTC"), "event_id": pl.Binary}
    keys = [(e["organization"], e["time"], e["event_id"].bytes) for e in recorded]
    strangers = [
        ("other", *keys[0][1:]),
        (keys[1][0], FIRST, keys[1][2]),
        (*keys[2][:2], b"x" * 16),
    ]
    asked = pl.DataFrame([*keys, *strangers], schema=schema, orient="row")
    found = sink.frame(statements.earlier_copies("event_id_lookup"), asked)
    assert found.schema["time"] == schema["time"]
    places = [(e["src_partition"], e["src_offset"], e["src_index"]) for e in recorded]
    expected = dict(zip(keys, places, strict=True))
    assert {tuple(row[:3]): tuple(row[3:]) for row in found.iter_rows()} == expected
    assert sink.frame(statements.earlier_copies("event_id_lookup"), asked.tail(3)).is_empty()


@integration
def test_epochs_are_those_of_any_grain_because_an_idle_day_has_no_quarter_hour(
    warehouse: Client, sink: Sink, recorded: list[Event]
) -> None:
    def raised(grain: str) -> list[tuple[int, date]]:
        sql = statements.raised_epochs(grain, [number], [name], 0, 1 << 31)
        return [(epoch, first) for _, _, first, epoch in sink.rows(sql)]

    first = next(event for event in recorded if event["organization"] == "acme")
    number, name = first["src_partition"], "acme"
    for grain, epoch in (("quarter", 2), ("day", 4), ("week", 6)):
        rows = rollup_rows([first], ROLLUP, grain)
        warehouse.insert("rollup", [[*row, epoch] for row in rows.values], column_names=[*rows.columns, "epoch"])
    assert [epoch for epoch, _ in raised("day")] == [4]
    assert [epoch for epoch, _ in raised("week")] == [6]
    assert raised("week")[0][1].isoweekday() == 1


@integration
def test_every_calendar_of_an_organization_is_told(warehouse: Client, sink: Sink) -> None:
    columns = ["organization", "effective_from", "time_zone", "week_start"]
    rows = [
        ["it's", FIRST, "UTC", 1],
        ["it's", datetime(2020, 1, 1, tzinfo=UTC), "Asia/Tokyo", 7],
    ]
    warehouse.insert("organizations", [*rows, ["zen", FIRST, "UTC", 3]], column_names=columns)
    assert sink.rows(statements.organizations(["it's", "nobody"])) == [
        ("it's", 0, "UTC", 1),
        ("it's", round(datetime(2020, 1, 1, tzinfo=UTC).timestamp()), "Asia/Tokyo", 7),
    ]


@integration
def test_an_organization_created_on_sight_is_found_again(warehouse: Client, sink: Sink) -> None:
    Directory(sink, "Europe/Paris", 7).learn(["it's"], 1_500)
    again = Directory(sink, "UTC", 1)
    again.learn(["it's"], 2_500)
    assert (again.calendar("it's").newest.time_zone, again.calendar("it's").newest.week_start) == ("Europe/Paris", 7)
    found = sink.rows("SELECT toString(organization), toUnixTimestamp64Milli(time) FROM alerts FINAL")
    assert found == [("it's", 1_500)]
    again.write_years([("it's", date(2026, 1, 1))])
    counted = sink.rows("SELECT toString(grain), count() FROM calendar FINAL GROUP BY grain")
    assert dict(counted) == {"hour": 8760, "day": 365, "week": 52}
