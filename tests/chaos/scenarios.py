"""Scenarios that make one rule matter: what happens to the worker of a trial, and what the comparison then finds."""

from collections.abc import Callable, Mapping

from tests.chaos.control_scenarios import CONTROL_CATCHES, CONTROL_SCENARIOS
from tests.chaos.found import Found
from tests.chaos.stage import Stage
from tests.chaos.trials import Restless, Trial, trial


def crash_before_progress(on: Trial) -> None:
    """Rows are written, progress is not; one organisation was repaired before. What comes next holds copies."""
    on.start(die_before="partition_progress")
    on.send(*(on.event(number, "repaired") for number in range(10)))
    on.send(*(on.event(number) for number in range(100, 110)))
    on.calm()
    on.raise_epochs("repaired")
    on.doom()
    on.send(*(on.event(number) for number in range(200, 210)))
    on.await_death()
    on.send(on.event(300, "repaired"), on.event(301), on.event(3, "repaired"), on.event(105))
    on.start()
    on.calm()


def crash_before_rows(on: Trial) -> None:
    """Raw events are written, rows are not."""
    on.start(die_before="rollup")
    on.send(*(on.event(number) for number in range(10)))
    on.calm()
    on.doom()
    on.send(*(on.event(number) for number in range(100, 110)))
    on.await_death()
    on.start()
    on.calm()


def crash_before_derivation(on: Trial) -> None:
    """Late events in a burst, the crash before their days are derived, then silence."""
    on.doom()
    on.start(die_before="derive")
    on.send(*(on.event(number) for number in range(10)))
    on.send(*(on.event(number, age_days=0) for number in range(100, 103)))
    on.await_death()
    on.start()
    on.applied()
    on.calm()


def derived_after_more_came(on: Trial) -> None:
    """A day's older row is derived after others of the day have come."""
    on.start()
    on.send(on.event(0))
    on.send(on.event(1))
    on.calm()


def warehouse_set_back(on: Trial) -> None:
    """The warehouse is replaced by an older copy while the worker is away; Kafka's commit knows of more."""
    on.start()
    on.send(*(on.event(number) for number in range(10)))
    on.calm()
    on.stage.back_up()
    on.send(*(on.event(number) for number in range(100, 110)))
    on.calm()
    on.await_commit()
    on.end()
    on.stage.set_back()
    on.send(on.event(200))
    on.start()
    on.calm()


SCENARIOS: Mapping[str, Callable[[Trial], None]] = {
    "crash-before-progress": crash_before_progress,
    "crash-before-rows": crash_before_rows,
    "crash-before-derivation": crash_before_derivation,
    "derived-after-more-came": derived_after_more_came,
    "warehouse-set-back": warehouse_set_back,
    **CONTROL_SCENARIOS,
}
ALONE = "warehouse-set-back"
"""Stops the warehouse: nothing may run beside it."""
CATCHES = {
    "offset-check": "crash-before-progress",
    "raised-horizon": "crash-before-progress",
    "split-epoch": "crash-before-progress",
    "numbered-window": "crash-before-progress",
    "insert-before-ack": "crash-before-rows",
    "stored-touched-periods": "crash-before-derivation",
    "version-of-the-flush": "derived-after-more-came",
    "resume-from-progress": "warehouse-set-back",
    **CONTROL_CATCHES,
}
"""The scenario in which the comparison fails without the rule."""


def found_in(stage: Stage, scenario: str, number: int, rule_off: str = "nothing") -> Found:
    """Plays a scenario without a rule and compares every row. Not to come to rest is wrong too."""
    with trial(stage, scenario, number, rule_off) as on:
        try:
            SCENARIOS[scenario](on)
        except Restless as waiting:
            found = Found()
            found.same("at rest", "", str(waiting))
            return found
        return on.ledger.compared()
