"""How fast an installation under load recovers: the longest time any partition stood still after each fault.

`./tally benchmark recovery [--rate N] [--only NAME] [--outage 10m] [--hung]`. A stall is the longest time in which a
partition's applied offset did not move while the log held more, sampled ten times a second from stored progress.
"""

import argparse
import logging
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from deploy.local.installation import Installation
from tests.benchmarks.machine import Meter
from tests.benchmarks.recovery.scenarios import SCENARIOS, Figure, Scene, outage
from tests.benchmarks.recovery.stalls import Sampler
from tests.benchmarks.recovery.steady_load import SteadyLoad
from tests.conftest import free_port_base

WITHOUT = ("superset", "collector", "api")
LONGEST_SECONDS = 1800.0
"""All scenarios take about twelve minutes; a load that ended before them would leave nothing to recover."""


def seconds(text: str) -> float:
    """10m, 90s or 90."""
    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:])
    return float(text[:-1]) * unit if unit else float(text)


def main() -> None:
    """Runs the scenarios one after the other on one installation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=2_000, help="events per second")
    parser.add_argument("--only", action="append", choices=list(SCENARIOS), help="may be repeated")
    parser.add_argument("--outage", type=seconds, default=0.0, help="also takes the warehouse away for so long")
    parser.add_argument("--hung", action="store_true", help="the outage: it accepts connections and says nothing")
    given = parser.parse_args()
    logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)  # the sampler asks while nobody answers
    chosen: list[tuple[str, Callable[[Scene], list[Figure]]]] = []
    if given.only or not given.outage:
        chosen = [(name, scenario) for name, scenario in SCENARIOS.items() if name in (given.only or SCENARIOS)]
    if given.outage:
        chosen.append(("outage", lambda scene: outage(scene, given.outage, hung=given.hung)))
    folder = Path(tempfile.mkdtemp(prefix="tally-recovery-"))
    installation = Installation(folder, port_base=free_port_base(), workers=1)
    try:
        installation.up(without=WITHOUT)
        load = SteadyLoad(installation, given.rate, LONGEST_SECONDS + 2 * given.outage)
        sampler = Sampler(installation, load)
        load.start()
        sampler.start()
        scene, meter = Scene(installation, load, sampler), Meter({})
        show([figure for _, scenario in chosen for figure in told(scenario(scene))], load, meter)
        load.stopped.set()
        load.join(60)
        scene.caught_up()
        sampler.stopped.set()
        print(f"{load.sent:,} events sent, all applied; stolen {meter.stolen_share():.1%}")
    finally:
        installation.down()
        shutil.rmtree(folder, ignore_errors=True)


def told(figures: list["Figure"]) -> list["Figure"]:
    """Says each figure as soon as it is known."""
    for figure in figures:
        print(f"  {figure.what}: {figure.seconds:.1f} s", flush=True)
    return figures


def show(figures: list["Figure"], load: SteadyLoad, meter: Meter) -> None:
    """The table at the end."""
    table = Table("what", "seconds", "bar", box=None, padding=(0, 2, 0, 0))
    for figure in figures:
        bar = "" if figure.bar_seconds is None else f"{figure.bar_seconds:.0f}"
        missed = figure.bar_seconds is not None and figure.seconds > figure.bar_seconds
        table.add_row(figure.what, f"{figure.seconds:.1f}", f"{bar} missed" if missed else bar)
    Console(highlight=False, width=120).print(table)
    print(f"at {load.sent / meter.seconds:,.0f} events/s")


if __name__ == "__main__":
    main()
