"""Rows are a pure function of the log: any format, split, crash, zombie, eviction and replay gives the same numbers.

The worker's own code runs on a warehouse in memory; a second, plain count of the same log says what is right.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream_jobs.errors import WarehouseSetBack
from stream_jobs.worker import batch, flush, former, rollback
from tests.stream_jobs.worker.fake_sink import Fate
from tests.stream_jobs.worker.fake_warehouse import KEYS
from tests.stream_jobs.worker.recomputed import Recomputed
from tests.stream_jobs.worker.sent import BAD_LINES, BEGIN, PARTITIONS, REGISTERED, Log, Posted, Sent
from tests.stream_jobs.worker.simulation import Simulation, Step
from tests.stream_jobs.worker.torn_copy import TornCopy, WatchedWarehouse, uncovered
from warehouse.backups import order
from warehouse.families import FAMILIES

NEWEST_LOGIC = 2
TABLES = [family.table for family in FAMILIES]
TIMES = [BEGIN + timedelta(minutes=minutes) for minutes in (-3000, -600, -20, 0, 14, 30, 700)]
TIMES.append(datetime(1999, 12, 31, tzinfo=UTC))
STEPS = order.plan(KEYS)
LATER = timedelta(days=21)
"""Long enough after the last event that every day and week has closed."""


def _sent(organizations: Sequence[str]) -> st.SearchStrategy[Sent]:
    """Mostly an id has its own time, so that the same event comes again; seldom it comes with another time."""
    usual = list(enumerate(TIMES))
    return st.builds(
        lambda identity, **fields: Sent(*identity, **fields),
        identity=st.one_of(*[st.sampled_from(usual)] * 3, st.tuples(st.integers(0, 5), st.sampled_from(TIMES))),
        organization=st.sampled_from(organizations),
        user=st.sampled_from(["u1", "u2"]),
        thread=st.sampled_from(["", "t"]),
        prompt=st.sampled_from(["", "p"]),
        category=st.sampled_from(["", "c"]),
        model=st.sampled_from(["large", "large", "unheard-of"]),
        input_tokens=st.integers(0, 9),
        output_tokens=st.integers(0, 9),
        status=st.sampled_from(["success", "success", "error"]),
        billing=st.sampled_from(["SYSTEM", "BYOK"]),
        duration_ms=st.sampled_from([None, 0, 40]),
        rating=st.sampled_from([None, 5]),
    )


def _posted(partition: int) -> st.SearchStrategy[Posted]:
    organizations = [name for name, number in PARTITIONS.items() if number == partition]
    return st.builds(
        Posted,
        events=st.lists(_sent(organizations), min_size=2, max_size=5).map(tuple),
        partition=st.just(partition),
        form=st.sampled_from([*["ndjson", "arrow", "gzip"] * 3, "garbage"]),
        bad_lines=st.lists(st.sampled_from(BAD_LINES), max_size=1).map(tuple),
        after=st.sampled_from([timedelta(0), timedelta(seconds=1), timedelta(minutes=20), timedelta(hours=6)]),
    )


def _ended(posted: list[Posted]) -> Log:
    """The log with one more event in each partition, long after: by then everything before has closed."""
    end = BEGIN + sum((envelope.after for envelope in posted), LATER)
    acme, zen = (Sent(99, end, name) for name in ("acme", "zen"))
    return Log([*posted, Posted((acme,), 0, after=LATER), Posted((zen,), 1, after=timedelta(0))])


logs = st.lists(st.one_of(_posted(0), _posted(1)), min_size=5, max_size=10).map(_ended)
actions = st.sampled_from(
    ["", "", "flush", "flush", "drain", "cascade", "evict", "evict rows", "forget", "thaw", "repair"]
)
steps = st.lists(st.builds(Step, st.integers(1, 4), actions), min_size=1, max_size=5)
EXAMPLES = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Life:
    """One worker: what it does, and at which write it dies or freezes."""

    steps: list[Step]
    again: int
    dies_at: int | None
    freezes_at: int | None
    logic_version: int


at_some_write = st.one_of(st.none(), st.integers(0, 40))
lives = st.lists(
    st.builds(Life, steps, st.integers(0, 2), at_some_write, at_some_write, st.integers(1, NEWEST_LOGIC)), max_size=3
)


@given(
    log=logs,
    lives=lives,
    last=steps,
    window=st.integers(1, 6),
    rows=st.sampled_from([1, 8, 24, 1_000_000]),
    seed=st.integers(0, 1000),
)
@EXAMPLES
def test_any_life_of_workers_gives_the_numbers_of_the_plain_count(
    log: Log, lives: list[Life], last: list[Step], window: int, rows: int, seed: int
) -> None:
    simulation, zombie = Simulation(log, window, rows, seed=seed), Fate()
    for life in sorted(lives, key=lambda life: life.logic_version):
        fate = Fate(dies_at=life.dies_at, freezes_at=life.freezes_at)
        with logic(life.logic_version):
            simulation.live(*life.steps, fate=fate, again=life.again, zombie=zombie)
        zombie.late += fate.late
    with logic(NEWEST_LOGIC):
        simulation.finish(*last, zombie=zombie)
    check(simulation, Recomputed(log, window))


@given(
    log=logs,
    before=steps,
    during=steps,
    copied=st.integers(0, 30),
    later=st.integers(0, 15),
    seed=st.integers(0, 1000),
)
@EXAMPLES
def test_e8_a_warehouse_set_back_at_any_write_to_a_copy_made_at_any_write_costs_nothing(
    log: Log, before: list[Step], during: list[Step], copied: int, later: int, seed: int
) -> None:
    """Both may fall into one flush; the worker counts on, or it leaves and its successor counts again.

    An alert that an organization was created on sight may be lost with what followed it.
    """
    simulation = Simulation(log, seed=seed)
    simulation.live(*before)
    with suppress(WarehouseSetBack):
        simulation.live(*during, fate=Fate(copied_at=copied, set_back_at=copied + later))
    simulation.finish()
    expected = Recomputed(log, simulation.window_events)
    check_numbers(simulation, expected)
    assert told_on_sight(simulation) <= unregistered(expected)


@given(
    log=logs,
    lives=lives,
    start=st.integers(0, 60),
    pauses=st.lists(st.sampled_from([0, 0, 0, 1, 2, 3, 5, 8, 20]), min_size=len(STEPS) - 1, max_size=len(STEPS) - 1),
    newest=st.integers(1, NEWEST_LOGIC),
    seed=st.integers(0, 1000),
)
@EXAMPLES
def test_e8_a_warehouse_restored_from_tables_that_were_copied_one_after_the_other_costs_nothing(
    log: Log, lives: list[Life], start: int, pauses: list[int], newest: int, seed: int
) -> None:
    """Each table is copied at any moment after the one before it, in the order of a backup, while workers write, die,
    repair, and either freeze or take back what other rules wrote. `warehouse/backups/order.py` says why this order."""
    simulation, zombie = Simulation(log, warehouse=WatchedWarehouse(), seed=seed), Fate()
    assert isinstance(simulation.warehouse, WatchedWarehouse)
    copied = TornCopy(simulation.warehouse, start, pauses)
    for life in sorted(lives, key=lambda life: life.logic_version):
        fate = Fate(dies_at=life.dies_at, freezes_at=life.freezes_at if newest == 1 else None)
        with logic(min(newest, life.logic_version)):
            simulation.live(*life.steps, fate=fate, again=life.again, zombie=zombie)
        zombie.late += fate.late
    simulation.warehouse = copied.restored()
    if newest == 1:  # else events are being taken back, and rows follow when a worker begins
        assert uncovered(simulation.warehouse) == []
    with logic(newest):
        simulation.finish()
    expected = Recomputed(log, simulation.window_events)
    check_numbers(simulation, expected)
    assert told_on_sight(simulation) <= unregistered(expected)


@contextmanager
def logic(version: int) -> Iterator[None]:
    """Workers of this version of the rules, which decide as all others do."""
    with ExitStack() as patches:
        for module in (batch, flush, former, rollback):
            patches.enter_context(patch.object(module, "LOGIC_VERSION", version))
        yield


def check(simulation: Simulation, expected: Recomputed) -> None:
    """What is stored is what a plain count gives, and people were told of organizations that nobody had registered."""
    check_numbers(simulation, expected)
    assert told_on_sight(simulation) == unregistered(expected)


def told_on_sight(simulation: Simulation) -> set[str]:
    return {row["organization"] for row in simulation.warehouse.rows("alerts")}


def unregistered(expected: Recomputed) -> set[str]:
    return {e.sent.organization for e in expected.accepted} - set(REGISTERED)


def check_numbers(simulation: Simulation, expected: Recomputed) -> None:
    """All rows, marks and refusals."""
    open_since = BEGIN + LATER
    for table in TABLES:
        assert simulation.sums(table, "quarter") == expected.rows(table, "quarter")
        check_offsets(simulation, table, expected)
        for grain in ("hour", "day", "week"):
            assert simulation.sums(table, grain) == expected.rows(table, grain, until=open_since)
    assert simulation.counts() == expected.counts
    check_raw(simulation, expected)
    assert len(simulation.warehouse.rejections) == sum(counts["rejected"] for counts in expected.counts.values())
    assert simulation.marks("touched") == expected.periods()
    assert simulation.pending() == expected.periods(open_since)


def check_offsets(simulation: Simulation, table: str, expected: Recomputed) -> None:
    """The last offset in each row; one that was repaired stands at the repair's cut, which is not below."""
    stored, wanted = simulation.offsets(table), expected.offsets(table)
    if any(simulation.warehouse.rows("repairs")):
        assert all(stored[key] >= offset for key, offset in wanted.items())
    else:
        assert stored == wanted


def check_raw(simulation: Simulation, expected: Recomputed) -> None:
    """Every accepted event once, at its place."""
    stored = sorted(
        (row["src_partition"], row["src_offset"], row["organization"], row["source_id"], row["time"], row["late"])
        for row in simulation.warehouse.rows("usage_raw")
    )
    assert stored == sorted(
        (e.partition, e.offset, e.sent.organization, f"event {e.sent.number}", e.sent.time, int(e.late))
        for e in expected.accepted
    )
