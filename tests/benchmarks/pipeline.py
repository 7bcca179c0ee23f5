"""Events per second of one worker on a preloaded backlog: from Kafka to raw and rollup rows that queries see.

`./tally benchmark pipeline [--events N] [--format arrow|ndjson] [--envelope-events N] [--dashboards N]`.
With --dashboards the backlog is drained twice, without and with N clients that ask the questions of the dashboards all
the time. Everything runs on this machine.
"""

import argparse

from producers.synthetic.load import ENVELOPE_EVENTS
from tests.benchmarks.backlog import preload
from tests.benchmarks.dashboard_clients import DashboardClients
from tests.benchmarks.drain import drained, stored
from tests.benchmarks.figures import Figures, bar
from tests.benchmarks.scene import STORES, fresh_installation

KEPT_WITH_DASHBOARDS = 0.7
SMALL_ENVELOPE_EVENTS = 10
WANTED = {"arrow": (120_000, 16), "ndjson": (95_000, 19)}
"""Events/s and CPU seconds per million on two quiet cores, with full envelopes."""
WANTED_SMALL = 12_000


def run(events: int, kind: str, envelope_events: int, dashboards: int = 0) -> Figures:
    """One backlog on a fresh installation, drained and printed."""
    with fresh_installation(STORES) as installation:
        envelopes = preload(installation, events, kind, envelope_events=envelope_events)
        print(f"{events:,} events in {envelopes:,} {kind} envelopes, {dashboards} dashboard clients", flush=True)
        clients = DashboardClients(installation, dashboards)
        figures = drained(installation, events, started=clients.start)
        clients.stop()
        for line in [*figures.lines(), *clients.lines(figures.seconds)]:
            print(f"  {line}")
        numbers = stored(installation)
    for name, (requests, cost) in numbers.items():
        print(f"  {name:7} {requests:>12,} events {cost:>24,} nano-USD")
    if len(set(numbers.values())) > 1:
        raise SystemExit("raw and rollup differ")
    return figures


def main() -> None:
    """Runs and holds the figures against the bars."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--format", choices=tuple(WANTED), default="arrow")
    parser.add_argument("--envelope-events", type=int, default=ENVELOPE_EVENTS)
    parser.add_argument("--dashboards", type=int, default=0)
    given = parser.parse_args()
    alone = run(given.events, given.format, given.envelope_events)
    if given.envelope_events == ENVELOPE_EVENTS:
        rate, cpu = WANTED[given.format]
        print(bar("events/s", alone.rate, rate))
        print(bar("CPU seconds per million", alone.cpu_per_million, cpu, most=True, form=".1f"))
    elif given.envelope_events == SMALL_ENVELOPE_EVENTS:
        print(bar(f"events/s in envelopes of {SMALL_ENVELOPE_EVENTS}", alone.rate, WANTED_SMALL))
    if given.dashboards:
        asked = run(given.events, given.format, given.envelope_events, given.dashboards)
        kept = asked.rate / alone.rate
        print(bar(f"rate kept with {given.dashboards} dashboard clients", kept, KEPT_WITH_DASHBOARDS, form=".0%"))


if __name__ == "__main__":
    main()
