"""A short chaos run: three workers, every kind of unpleasant traffic, kills and freezes; then every row is compared.

Longer runs with other seeds: `./tally test --chaos 10m --seed 7`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.faults import Fault
from tests.chaos.rounds import Run, playing
from tests.chaos.stage import SESSION_SECONDS, Stage
from tests.conftest import free_port_base

pytestmark = pytest.mark.chaos

SECONDS, EVENTS, RECORDS = 32.0, 9000, 16
FAULTS = sorted(
    [
        Fault(3, "copy warehouse"),
        Fault(7, "kill worker", (0,)),
        Fault(10, "freeze worker", (1,), SESSION_SECONDS + 3),
        Fault(13, "kill worker and warehouse", (2,)),
        Fault(19, "kill broker"),
        Fault(23, "kill two workers", (0, 2)),
        Fault(25, "leave and join", (1,), 2),
        Fault(28, "set warehouse back"),
        Fault(12, "kill worker in a job"),
        Fault(21, "pause jobs", (), 6),
        Fault(29, "kill worker in a job"),
        Fault(30, "kill all workers", (0, 1, 2)),
    ]
)
"""One of each."""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with playing(Stage.at(tmp_path / "home", free_port_base()), "short") as running:
        yield running


def test_every_row_and_measure_is_right_after_every_kind_of_fault(run: Run) -> None:
    outcome = run.round(0, FAULTS, EVENTS, SECONDS, RECORDS)
    assert outcome.settled == ""
    assert outcome.found.words == []
    assert (outcome.found.total_wrong, outcome.reconciled_wrong) == (0, 0)
    assert outcome.found.total_rows > EVENTS
    assert outcome.found.rows["corrections"] > 100
    assert outcome.faults["kill worker"] >= 4, "6 unless some are dead already"
    assert sum(count for kind, count in outcome.faults.items() if kind.endswith("record")) == RECORDS
