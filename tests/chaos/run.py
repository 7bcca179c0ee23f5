"""A chaos run of some minutes: `python -m tests.chaos.run --minutes 10 --seed 1`.

A run is a number of rounds that together take so long; traffic and faults of a round follow from the seed and the
round's number. Each round ends with a comparison of every row, whose result is kept at once. A run that was interrupted
goes on, on a fresh installation, with the first round that has no result yet. It ends at the first round that is wrong,
and then keeps the installation's folder with its logs.
"""

import argparse
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from deploy.local import processes
from deploy.local.home import Home
from tests.chaos.faults import plan
from tests.chaos.results import Result, RoundResult, table
from tests.chaos.rounds import Run, playing
from tests.chaos.stage import Stage
from tests.conftest import free_port_base

DISTURBED_SECONDS = 75.0
EVENTS_PER_SECOND = 150
CONTROL_RECORDS = (10, 25)
"""Of a round, fewest and most."""


def main() -> None:
    """Reads what is wanted and does it."""
    parser = argparse.ArgumentParser(prog="tests.chaos.run", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--rule-off", default="", help="a rule of tests/chaos/worker_without.py")
    parser.add_argument("--events-per-second", type=int, default=EVENTS_PER_SECOND)
    parser.add_argument("--results", type=Path, default=Home.from_environment().folder / "chaos")
    parser.add_argument("--show", action="store_true", help="only print the kept results")
    wanted = parser.parse_args()
    for request_to_stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(request_to_stop, signal.default_int_handler)
    right = True
    if not wanted.show:
        right = go_on(wanted.results, wanted.seed, wanted.minutes, wanted.rule_off, wanted.events_per_second)
    kept = sorted(wanted.results.glob("seed-*.json"))
    print(table(Result.read(path) for path in kept))
    sys.exit(0 if right else 1)


def go_on(results: Path, seed: str, minutes: float, rule_off: str, events_per_second: int) -> bool:
    """Does rounds until those with a result took that long; True when none is wrong."""
    name = f"seed-{seed}" + (f"-without-{rule_off}" if rule_off else "")
    path, folder = results / f"{name}.json", (results / f"home-{name}").resolve()
    result = Result.read(path) if path.exists() else Result(seed, minutes, rule_off)
    result.planned_minutes = max(minutes, result.planned_minutes)
    if result.is_complete():
        print(f"seed {seed}: {len(result.rounds)} rounds are kept in {path}; remove the file to run them again")
        return result.is_right
    processes.end(processes.under(folder))
    shutil.rmtree(folder, ignore_errors=True)
    stage = Stage.at(folder, free_port_base())
    stage.workers.rule_off = rule_off
    with playing(stage, seed) as run:
        while not result.is_complete():
            one_round(run, result, events_per_second)
            result.write(path)
    if result.is_right:
        shutil.rmtree(folder, ignore_errors=True)
    return result.is_right


def one_round(run: Run, result: Result, events_per_second: int) -> None:
    """Runs the next round, adds its result and says in a line how it went."""
    began, number = time.monotonic(), len(result.rounds)
    faults = plan(result.seed, number, DISTURBED_SECONDS)
    records = random.Random(f"records {result.seed} {number}").randint(*CONTROL_RECORDS)
    outcome = run.round(number, faults, round(events_per_second * DISTURBED_SECONDS), DISTURBED_SECONDS, records)
    done = RoundResult.of(outcome, time.monotonic() - began)
    result.rounds.append(done)
    faults_told = ", ".join(f"{count} {kind}" for kind, count in sorted(done.faults.items()))
    print(
        f"seed {result.seed} round {number + 1} ({result.minutes:.1f} of {result.planned_minutes:g} min): "
        f"{done.events:,} events, {faults_told}; "
        f"calm after {done.calm_seconds:.0f} s; {done.rows_compared + done.reconciled_rows:,} rows compared, "
        f"{done.rows_wrong + done.reconciled_wrong} wrong {done.settled}",
        flush=True,
    )
    for words in () if done.is_right else done.words:
        print(f"  {words}", flush=True)


if __name__ == "__main__":
    main()
