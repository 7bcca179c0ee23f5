"""What a copy torn across tables needs beside a replay: events for every row, and repairs begun again."""

from datetime import timedelta

from tests.stream_jobs.worker.fake_warehouse import KEYS
from tests.stream_jobs.worker.recomputed import Recomputed
from tests.stream_jobs.worker.sent import BEGIN, Log, Posted, Sent
from tests.stream_jobs.worker.simulation import Simulation, Step
from tests.stream_jobs.worker.test_simulation import LATER, check_numbers
from tests.stream_jobs.worker.torn_copy import TornCopy, WatchedWarehouse
from warehouse.backups import order
from warehouse.families import FAMILIES

AT_THE_END = 10_000
STEPS = [step.name for step in order.plan(KEYS)]


def days_log() -> Log:
    """A day that has closed, one with a late event, and an end long after."""
    sent = [Sent(number, thread="t", prompt="p", category="c", input_tokens=number) for number in range(4)]
    late = Sent(7, BEGIN - timedelta(days=1))
    ends = [Sent(99, BEGIN + LATER, name) for name in ("acme", "zen")]
    return Log(
        [
            Posted(tuple(sent), 0),
            Posted((late,), 0),
            Posted((ends[0],), 0, after=LATER),
            Posted((ends[1],), 1, after=timedelta(0)),
        ]
    )


def pauses(moment: int) -> list[int]:
    """Everything up to the first copy of the repairs at once, the families at that moment, the rest at the end."""
    waits = {order.FAMILIES[0]: moment, "event_id_log": AT_THE_END}
    return [waits.get(name, 0) for name in STEPS[1:]]


def damaged(moment: int) -> tuple[Simulation, TornCopy]:
    """Rows of a closed day are wrong; a worker computes it again while the families are copied at that moment."""
    simulation = Simulation(days_log(), warehouse=(watched := WatchedWarehouse()))
    simulation.live(Step(9, "drain"), Step(1, "cascade"), last=True)
    for family in FAMILIES:
        rows = watched.tables[family.table]
        rows.update({key: {**row, "requests": row["requests"] + 5} for key, row in rows.items() if row["requests"]})
    watched.ask_repairs()
    copied = TornCopy(watched, 0, pauses(moment))
    simulation.live(Step(1, "repair asked"), last=True)
    return simulation, copied


def test_e8_a_repair_that_was_copied_half_done_is_begun_again() -> None:
    changes = damaged(AT_THE_END)[1].changes
    assert changes > 20
    for moment in range(changes):
        simulation, copied = damaged(moment)
        assert {row["state"] for row in copied.warehouse.rows("repairs")} == {"done"}
        simulation.warehouse = copied.restored()
        simulation.finish()
        check_numbers(simulation, Recomputed(simulation.log, simulation.window_events))
        assert {row["state"] for row in simulation.warehouse.rows("repairs")} == {"done"}
