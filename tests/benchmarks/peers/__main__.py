"""Our worker beside what people would build instead, on the same events in one run.

`./tally benchmark peers [--events N] [--seconds S]`. One topic of NDJSON envelopes is read by all; our worker reads
the same events from the collector's Arrow envelopes as well. CPU seconds are those of all processes.
"""

import argparse

from tests.benchmarks.backlog import preload
from tests.benchmarks.drain import drained, stored
from tests.benchmarks.figures import Figures, bar
from tests.benchmarks.peers.contender import Contender
from tests.benchmarks.pipeline import run
from tests.benchmarks.scene import fresh_installation

FAUST = Contender(
    "stock Faust",
    "faust_tables",
    "one Table in memory with changelog, tumbling windows of 15 minutes per organisation, user, feature and model: "
    "3 sums",
    "prices, copies, raw rows, refusals, calendars, a sink; counts twice after a crash",
)
QUIX = Contender(
    "Quix Streams",
    "quix_windows",
    "tumbling windows of 15 minutes by the same key in RocksDB with changelog: 3 sums; keyed in place",
    "prices, copies, raw rows, refusals, calendars, a sink; counts twice after a crash",
)
BARE = Contender(
    "bare consumer",
    "bare_consumer",
    "librdkafka into ClickHouse's JSONEachRow parser in its own process; raw rows, four summed families by views",
    "copies, validity, dated and tiered prices, credits, late events, calendars, hours to weeks; counts a replay twice",
    own_environment=False,
)
WANTED = {FAUST: 30.0, QUIX: 4.0, BARE: 0.75}
OURS = "all columns, four families, hours, days and weeks, prices at the event's time, credits, copies found, exact"


def main() -> None:
    """Runs everybody and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_500_000)
    parser.add_argument("--seconds", type=float, default=45, help="longest time for each peer")
    given = parser.parse_args()
    found: dict[str, Figures] = {}
    with fresh_installation(("kafka",)) as installation:
        envelopes = preload(installation, given.events, "ndjson")
        print(f"{given.events:,} events in {envelopes:,} NDJSON envelopes", flush=True)
        for contender in WANTED:
            found[contender.name] = contender.measured(installation, given.events, given.seconds)
            show(contender.name, found[contender.name], contender.does, contender.leaves_out)
        ours = drained(installation, given.events)
        show("Tokentally, NDJSON", ours, OURS, "nothing")
        print(f"  stored: {stored(installation)}")
    print("Tokentally, Arrow:")
    arrow = run(given.events, "arrow", 1_000)
    print("\nTimes as many events per second as each peer (NDJSON for all; Arrow is what our collector writes):")
    for contender, wanted in WANTED.items():
        rate = found[contender.name].rate
        print(f"  Arrow {arrow.rate / rate:.2f} x {contender.name}")
        print(f"  {bar(f'NDJSON, times {contender.name}', ours.rate / rate, wanted, form='.2f')}")
    print("ClickHouse's own Kafka engine: not measured, it cannot be created in the embedded engine")


def show(name: str, figures: Figures, does: str, leaves_out: str) -> None:
    """One contender's lines."""
    print(f"{name}:")
    for line in [*figures.lines(), f"does: {does}", f"leaves out: {leaves_out}"]:
        print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
