"""E10: workers are replaced one by one by ones with other rules, under load, some of them killed on the way."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.faults import Fault
from tests.chaos.rounds import Run, playing
from tests.chaos.stage import Stage
from tests.conftest import free_port_base

pytestmark = pytest.mark.chaos

SECONDS, EVENTS = 40.0, 8000
FAULTS = [
    Fault(6, "new version", (0,), 1),
    Fault(11, "kill worker", (1,)),
    Fault(12, "new version", (1,), 1),
    Fault(17, "kill worker", (0,)),
    Fault(19, "ask for repairs"),
    Fault(22, "kill worker", (2,)),
    Fault(22.2, "new version", (2,), 1),
    Fault(30, "kill all workers", (0, 1, 2)),
]
"""Worker 1 and 2 leave behind what they had not finished, for their successors to take back."""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with playing(Stage.at(tmp_path / "home", free_port_base()), "rolling") as running:
        yield running


def test_e10_a_rolling_restart_with_other_rules_loses_and_doubles_nothing(run: Run) -> None:
    calm = run.round(0, [], EVENTS // 8, SECONDS / 8)
    assert (calm.settled, calm.found.words) == ("", []), "the former version has counted what comes first"
    outcome = run.round(1, FAULTS, EVENTS, SECONDS)
    assert outcome.settled == ""
    assert outcome.found.words == []
    assert (outcome.found.total_wrong, outcome.reconciled_wrong) == (0, 0)
    assert outcome.faults["new version"] == 3
    assert outcome.faults["ask for repairs"] == 1
    written = run.client.query("SELECT DISTINCT logic_version FROM usage_raw ORDER BY 1").result_rows
    assert written == [(1,), (2,)], "both versions wrote"
