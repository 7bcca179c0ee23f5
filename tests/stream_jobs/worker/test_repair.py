"""Days computed again: whatever was wrong in their rows is right afterwards, through crashes, zombies and replays."""

from datetime import timedelta
from unittest.mock import patch

import polars as pl
import pytest
from structlog.testing import capture_logs

from stream_jobs.errors import RollbackFailed
from stream_jobs.worker.partition import Partition
from stream_jobs.worker.repair import Repairs
from stream_jobs.worker.settings import LOGIC_VERSION
from stream_jobs.worker.take import Rules, TakeProcessor
from tests.stream_jobs.worker.fake_sink import FakeSink, Fate, Question
from tests.stream_jobs.worker.recomputed import Recomputed
from tests.stream_jobs.worker.sent import BEGIN, Log, Posted, Sent, one_row, rules
from tests.stream_jobs.worker.simulation import Simulation, Step
from tests.stream_jobs.worker.test_simulation import LATER, TABLES, check, logic
from warehouse.errors import WarehouseRefused, WarehouseStrained

DAYS = timedelta(days=1)


def a_log() -> Log:
    """Two organisations over some days, in every family, and long after them the end."""
    hours = [timedelta(hours=h) for h in (0, -30, -1, -54, 0, -30)]
    posted = [
        Posted((Sent(n, BEGIN + ago, name, thread="t", prompt="p", category="c", duration_ms=n),), int(name != "acme"))
        for n, ago in enumerate(hours)
        for name in ("acme", "zen")
    ]
    end = BEGIN + LATER
    last = [Posted((Sent(99, end, "acme"),), 0, after=LATER), Posted((Sent(99, end, "zen"),), 1, after=timedelta(0))]
    return Log([*posted, *last])


def damaged(simulation: Simulation, grain: str) -> None:
    """Every row of a grain counts double, and each has a twin that nothing stands for."""
    for table in TABLES:
        rows = simulation.warehouse.tables[table]
        for key, row in list(rows.items()):
            if row["grain"] == grain:
                rows[key] = {**row, "requests": 2 * row["requests"]}
                name = "thread_id" if table == "rollup_thread" else "model"
                simulation.warehouse.store(table, [{**row, name: "nobody's"}])


@pytest.mark.parametrize("grain", ["quarter", "hour", "day", "week"])
def test_a_repair_heals_wrong_rows_and_empties_those_without_a_source(grain: str) -> None:
    log = a_log()
    simulation = Simulation(log).finish()
    damaged(simulation, grain)
    assert simulation.sums("rollup", grain) != Recomputed(log, 5).rows("rollup", grain, until=BEGIN + LATER)
    simulation.finish(Step(0, "repair"))
    check(simulation, Recomputed(log, 5))
    assert {row["state"] for row in simulation.warehouse.rows("repairs")} == {"done"}


@pytest.mark.parametrize("dies_at", range(0, 60, 3))
def test_a_repair_that_dies_between_any_two_writes_is_done_by_the_next_worker(dies_at: int) -> None:
    log = a_log()
    simulation = Simulation(log).finish()
    damaged(simulation, "quarter")
    simulation.live(Step(0, "repair"), fate=Fate(dies_at=dies_at))
    simulation.finish(Step(0, "repair"))
    check(simulation, Recomputed(log, 5))


def test_traffic_goes_on_in_rows_that_were_repaired() -> None:
    log = one_row(30)
    simulation = Simulation(log)
    simulation.live(Step(5, "drain"), Step(5, "repair"), Step(5), Step(5, "repair"), Step(3, "forget"), last=True)
    assert simulation.sums("rollup", "quarter") == Recomputed(log, 5).rows("rollup", "quarter")
    assert {row["epoch"] for row in simulation.warehouse.rows("rollup") if row["grain"] == "quarter"} == {4}


def test_a_repair_of_a_frozen_owner_that_lands_late_changes_nothing() -> None:
    log = one_row(30)
    simulation, zombie = Simulation(log), Fate()
    simulation.live(Step(10, "drain"))
    # It freezes with the first write of its repair; another worker takes over and counts on.
    simulation.live(Step(0, "repair"), fate=(frozen := Fate(freezes_at=1)))
    zombie.late += frozen.late
    simulation.live(Step(10, "drain"))
    zombie.thaw()
    assert simulation.sums("rollup", "quarter") == Recomputed(Log(log.posted[:20]), 5).rows("rollup", "quarter")
    simulation.finish()
    assert simulation.sums("rollup", "quarter") == Recomputed(log, 5).rows("rollup", "quarter")


def late_after_a_repair_of_an_idle_day() -> Simulation:
    """A day without events is computed again, its week with it; then an event of the week's first day comes late."""
    monday = BEGIN - 5 * DAYS
    log = Log([Posted((Sent(0, monday),)), Posted((Sent(1, BEGIN + LATER),), after=LATER), Posted((Sent(2, monday),))])
    simulation = Simulation(log)
    simulation.live(Step(2, "cascade"))
    simulation.warehouse.ask_repairs((0, "acme", (monday + 2 * DAYS).date()))
    return simulation.finish(Step(0, "repair asked"))


def test_a_week_whose_idle_day_was_repaired_still_takes_late_events() -> None:
    assert late_after_a_repair_of_an_idle_day().requests("week") == 2


def too_much(simulation: Simulation, at_once_seconds: int) -> None:
    """The warehouse cannot sum up more than so many seconds of raw events at once."""
    derive = FakeSink.derive

    def strained(self: FakeSink, sql: str) -> None:
        assert isinstance(sql, Question)
        if sql.method == "quarters" and sql.arguments[3] - sql.arguments[2] > at_once_seconds:
            raise WarehouseStrained("Code: 241. DB::Exception: Memory limit")
        derive(self, sql)

    with patch.object(FakeSink, "derive", strained):
        simulation.finish(Step(0, "repair"))


def test_a_day_that_is_too_much_at_once_is_computed_in_parts() -> None:
    log = a_log()
    simulation = Simulation(log).finish()
    damaged(simulation, "quarter")
    too_much(simulation, 3600)
    check(simulation, Recomputed(log, 5))
    assert {row["state"] for row in simulation.warehouse.rows("repairs")} == {"done"}


def test_a_day_that_is_too_much_however_small_is_noted_and_the_worker_goes_on() -> None:
    simulation = Simulation(a_log()).finish()
    too_much(simulation, 0)
    assert {(row["state"], row["message"]) for row in simulation.warehouse.rows("repairs")} == {
        ("failed", "Code: 241. DB::Exception: Memory limit")
    }


def test_e24_what_the_warehouse_says_of_a_failed_repair_names_nobody() -> None:
    simulation = Simulation(a_log()).finish()

    def refused(_: FakeSink, sql: str) -> None:
        assert isinstance(sql, Question)
        raise WarehouseRefused("Code: 6. Cannot parse 'u-42' in user_id = 'u-42'")

    with patch.object(FakeSink, "derive", refused), capture_logs() as lines:
        simulation.finish(Step(0, "repair"))
    said = "Code: 6. Cannot parse '…' in user_id = '…'"
    assert {row["message"] for row in simulation.warehouse.rows("repairs")} == {said}
    assert {line["reason"] for line in lines if line["event"] == "repair failed"} == {said}


def test_e10_events_of_other_rules_stay_while_their_sums_cannot_be_taken_back() -> None:
    with patch.object(Repairs, "carry_out", lambda *_: False), pytest.raises(RollbackFailed, match="on 2026-03-28"):
        costs_after_new_rules(LOGIC_VERSION + 1)


def beyond_progress_and_repaired() -> Simulation:
    """One row repaired at offset 9, the other written up to 19 by a worker that died before its progress."""
    events = [Posted((Sent(2 * n), Sent(2 * n + 1, BEGIN - DAYS)), after=timedelta(0)) for n in range(30)]
    simulation = Simulation(Log(events))
    simulation.live(Step(10, "drain"))
    written = simulation.live(Step(10, "drain"), fate=Fate()).fake.fate.writes
    simulation = Simulation(Log(events))
    simulation.live(Step(10, "drain"))
    simulation.live(Step(10, "drain"), fate=Fate(dies_at=written.index("partition_progress")))
    day = next(row["day"] for row in simulation.warehouse.rows("rollup") if row["bucket"] < BEGIN.timestamp() - 3600)
    simulation.warehouse.ask_repairs((0, "acme", day))
    return simulation.finish(Step(0, "repair asked"))


def test_e1_offsets_are_compared_never_versions() -> None:
    assert beyond_progress_and_repaired().requests() == 60


def test_e1_with_a_masked_version_a_row_that_was_not_repaired_counts_twice() -> None:
    highest: dict[int, int] = {}

    def masked(partitions: dict[int, Partition], stored: pl.DataFrame) -> None:
        version = pl.col("epoch").cast(pl.Int64) * 2**48 + pl.col("offset")
        for number, top in stored.group_by("src_partition").agg(version.max()).iter_rows():
            highest[number] = max(top, highest.get(number, -1))
            partitions[number].horizon = highest[number] % 2**48

    with patch.object(TakeProcessor, "_raise_horizons", staticmethod(masked)):
        assert beyond_progress_and_repaired().requests() > 60


def dearer() -> Rules:
    """Rules under which a token costs more."""
    with patch("tests.stream_jobs.worker.sent.INPUT_NANO_USD", 9000):
        return rules()


def costs_after_new_rules(logic_version: int) -> tuple[int, int]:
    """Cost in rows and in raw events when the worker of new rules replays what an old one wrote behind its progress."""
    log = one_row(20)
    writes = Simulation(log).live(Step(5, "drain"), Step(5, "drain")).fake.fate.writes
    last_progress = len(writes) - 1 - writes[::-1].index("partition_progress")
    simulation = Simulation(log)
    simulation.live(Step(5, "drain"), Step(5, "drain"), fate=Fate(dies_at=last_progress))
    with logic(logic_version):
        simulation.live(rules=dearer(), last=True)
    in_rows = sum(row["cost_nano_usd"] for row in simulation.sums("rollup", "quarter").values())
    return in_rows, sum(row["cost_nano_usd"] for row in simulation.warehouse.rows("usage_raw"))


def test_e10_rows_behind_progress_are_computed_by_one_version_of_the_rules() -> None:
    in_rows, in_events = costs_after_new_rules(LOGIC_VERSION + 1)
    assert in_rows == in_events == 5 * 2000 + 15 * 9000


def test_e10_without_the_rule_old_and_new_numbers_are_mixed() -> None:
    in_rows, in_events = costs_after_new_rules(LOGIC_VERSION)
    assert in_rows != in_events
