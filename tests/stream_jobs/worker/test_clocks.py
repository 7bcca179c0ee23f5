"""E12: no wall clock decides anything; the log's clock may jump back without harm."""

import ast
import time
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from producers.timeliness.rules import TimeRules
from tests.stream_jobs.worker.sent import BEGIN, Log, Posted, Sent, rules
from tests.stream_jobs.worker.simulation import Simulation, Step

ROOT = Path(__file__).parents[3]
FOLDERS = ("stream_jobs/worker", "stream_jobs/rollups", "stream_jobs/deduplication", "stream_jobs/calendars")
MORE_FOLDERS = ("stream_jobs/credits", "producers/timeliness", "producers/envelopes", "producers/rejections")
WALL_CLOCKS = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}
TOLD_TO_PEOPLE = {"stream_jobs/worker/waits.py", "stream_jobs/worker/metrics.py"}
"""Since when something is waited for, and the delay until events are visible: shown, never decided by."""
HOURS = timedelta(hours=1)


def wall_clocks(path: Path) -> set[str]:
    asked = {
        (node.func.value.id, node.func.attr)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
    }
    return {".".join(call) for call in asked & WALL_CLOCKS}


def test_e12_what_decides_asks_no_wall_clock() -> None:
    files = [path for folder in (*FOLDERS, *MORE_FOLDERS) for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(files) > 30
    found = {str(path.relative_to(ROOT)): wall_clocks(path) for path in files}
    assert {name for name, calls in found.items() if calls} <= TOLD_TO_PEOPLE


def everything(simulation: Simulation) -> object:
    return {name: dict(rows) for name, rows in simulation.warehouse.tables.items()}


def a_log() -> Log:
    sent = [Posted((Sent(n, BEGIN - n % 5 * 20 * HOURS), Sent(n // 2, BEGIN)), after=4 * HOURS) for n in range(12)]
    return Log(sent)


@pytest.mark.parametrize("years", [-40, 40])
def test_e12_a_worker_whose_clock_is_years_wrong_writes_the_same_rows(years: int) -> None:
    right = Simulation(a_log()).finish(Step(4, "cascade"))
    seconds = years * 365 * 86_400
    with patch.object(time, "time", lambda real=time.time: real() + seconds):
        wrong = Simulation(a_log()).finish(Step(4, "cascade"))
    assert everything(wrong) == everything(right)


def test_e15_a_broker_whose_clock_jumps_back_hides_no_copy() -> None:
    """The copy's event is newer than what memory's oldest entry seems to allow, because the log's clock went back."""
    events = (
        [Sent(1, BEGIN + 2 * HOURS)] + [Sent(n, BEGIN - HOURS) for n in range(2, 12)] + [Sent(1, BEGIN + 2 * HOURS)]
    )
    jumps = [2 * HOURS, -2 * HOURS] + [timedelta(seconds=1)] * 9 + [2 * HOURS]
    log = Log([Posted((event,), after=after) for event, after in zip(events, jumps, strict=True)])
    whole = Simulation(log, window_events=3)
    whole.live(*[Step(1, "drain")] * 12, last=True)
    assert whole.requests() == 11
    restarted = Simulation(log, window_events=3)
    restarted.live(Step(11, "drain"))
    restarted.finish()
    assert restarted.requests() == 11


def test_a_clock_that_jumps_back_opens_no_closed_day_again() -> None:
    days = 24 * HOURS
    sent = [Posted((Sent(1, BEGIN - 3 * days),)), Posted((Sent(2, BEGIN - 3 * days),), after=-2 * days)]
    simulation = Simulation(Log(sent), window_events=100).finish(Step(1, "cascade"), Step(1, "cascade"))
    assert simulation.requests("day") == simulation.requests() == 2
    assert {grain for _, _, grain, _ in simulation.pending()} == {"week"}


def test_e13_a_late_event_does_not_recompute_a_day_whose_quarter_hours_are_gone() -> None:
    days = 24 * HOURS
    old = BEGIN - 95 * days
    log = Log(
        [Posted((Sent(1, old),), after=-90 * days), Posted((Sent(2, BEGIN),), after=90 * days), Posted((Sent(3, old),))]
    )
    kept = rules(TimeRules(retention_days=90))
    simulation = Simulation(log, window_events=100)
    simulation.live(Step(2, "cascade"), rules=kept)
    table = simulation.warehouse.tables["rollup"]
    for key in [
        key
        for key, row in table.items()
        if key[0] == "quarter" and row["requests"] and row["bucket"] < (BEGIN - days).timestamp()
    ]:
        del table[key]
    before = simulation.requests("day")
    simulation.live(rules=kept, last=True)
    assert before == simulation.requests("day") == 1
    assert [r.reason[:7] for r in simulation.warehouse.rejections.values()] == ["too_old"]


def test_a_late_burst_and_then_silence_leaves_the_open_day_to_the_quarter_hours() -> None:
    """The partition's clock stands still then: closed days are derived, the open one stays pending."""
    days = 24 * HOURS
    log = Log([Posted((Sent(1, BEGIN - 3 * days), Sent(2, BEGIN)))])
    simulation = Simulation(log, window_events=100).finish()
    pending = {day for _, _, grain, day in simulation.pending() if grain == "day"}
    assert pending == {BEGIN.date()}
    assert simulation.requests("day") == 1
    assert simulation.requests() == 2
