"""The comparison notices when a rule is missing: each scenario is right with all rules and wrong without one.

Proven here on real services: offset check, horizon raised by loads, epochs kept apart from offsets, deduplication by
number and position, insert before acknowledgement, stored touched periods, the version of derived rows, resuming from
progress. For the version of derived rows the comparison sees that a row does not carry the offset of its derivation;
that an older derivation then lands last and wins is shown in tests/stream_jobs/worker (rule E5), because a server can
not be stopped between reading and writing. Some of it is played with every run of the tests, all of it with
`CHAOS_EVERY_RULE=1 ./tally test tests/chaos/test_rules_off.py`.
"""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest

from tests.chaos.found import Found
from tests.chaos.scenarios import ALONE, CATCHES, SCENARIOS, found_in
from tests.chaos.stage import Stage
from tests.conftest import free_port_base

pytestmark = pytest.mark.chaos
NOTHING = "nothing"
AT_ONCE = 4
EVERY_RULE = bool(os.environ.get("CHAOS_EVERY_RULE"))
PLAYED = list(SCENARIOS) if EVERY_RULE else ["crash-before-progress", "orders"]
RULES = (
    list(CATCHES)
    if EVERY_RULE
    else ["offset-check", "split-epoch", "insert-before-ack", "stored-touched-periods", "signature"]
)
Played = tuple[str, str]
"""Scenario and the rule that is off."""
Shown = Mapping[Played, Future[Found]]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """What each scenario showed, with all rules and without each rule that it is about; played side by side."""
    plays = [(scenario, NOTHING) for scenario in PLAYED] + [(CATCHES[rule], rule) for rule in RULES]
    plays.sort(key=lambda play: play[0] == ALONE)
    numbers = {play: number for number, play in enumerate(plays)}
    stage = Stage.at(tmp_path_factory.mktemp("rules") / "home", free_port_base())
    try:
        stage.up()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            played: dict[Played, Future[Found]] = {}
            for (scenario, rule), number in numbers.items():
                if scenario == ALONE:
                    wait(played.values())
                played[scenario, rule] = pool.submit(found_in, stage, scenario, number, rule)
        yield played
    finally:
        stage.down()


@pytest.mark.parametrize("scenario", PLAYED)
def test_with_all_rules_every_row_is_right(shown: Shown, scenario: str) -> None:
    assert shown[scenario, NOTHING].result().words == []
    assert shown[scenario, NOTHING].result().total_rows > 0


@pytest.mark.parametrize("rule", RULES)
def test_without_the_rule_rows_are_wrong(shown: Shown, rule: str) -> None:
    assert shown[CATCHES[rule], rule].result().total_wrong > 0
