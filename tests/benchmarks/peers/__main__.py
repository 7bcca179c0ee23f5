"""Our worker beside what people would build instead, on the same events in one run.

`./tally benchmark peers [--events N] [--singles N] [--seconds S]`. Two topics of NDJSON are read by all: envelopes of
1,000 events, which no peer is made for, and one event in each message, which our collector never writes. Each is
usually fed otherwise: Faust and Quix by one event in each message, our worker by Arrow envelopes, the bare consumer by
many rows at once; that is the comparison which is held against what is wanted. CPU seconds are those of all processes.
"""

import argparse
from collections.abc import Sequence

from producers.synthetic.load import ENVELOPE_EVENTS
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
OURS = "Tokentally"
DOES = "all columns, four families, hours, days and weeks, prices at the event's time, credits, copies found, exact"


def main() -> None:
    """Runs everybody on both topics and prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_500_000)
    parser.add_argument("--singles", type=int, default=250_000, help="events of the topic with one in each message")
    parser.add_argument("--seconds", type=float, default=45, help="longest time for each peer")
    given = parser.parse_args()
    together = compared([FAUST, QUIX, BARE], given.events, ENVELOPE_EVENTS, given.seconds)
    singly = compared([FAUST, QUIX], given.singles, 1, given.seconds)
    print("Arrow envelopes, as our collector writes them:")
    arrow = run(given.events, "arrow", ENVELOPE_EVENTS)
    print("\nTokentally's events per second, in times of each peer's:")
    for contender, wanted in WANTED.items():
        usual = (together if contender is BARE else singly)[contender.name].rate
        print(contender.name)
        print(f"  {bar('both as they are usually fed', arrow.rate / usual, wanted, form='.2f')}")
        for words, found in (("NDJSON envelopes", together), ("one event in each message", singly)):
            if contender.name in found:
                print(f"  both from the topic of {words}: {found[OURS].rate / found[contender.name].rate:.2f}")
    print("ClickHouse's own Kafka engine: not measured, it cannot be created in the embedded engine")


def compared(peers: Sequence[Contender], events: int, envelope_events: int, seconds: float) -> dict[str, Figures]:
    """The peers and our worker on one topic of NDJSON: figures by name."""
    found: dict[str, Figures] = {}
    with fresh_installation(("kafka",)) as installation:
        messages = preload(installation, events, "ndjson", envelope_events=envelope_events)
        print(f"{events:,} events in {messages:,} NDJSON messages", flush=True)
        for contender in peers:
            found[contender.name] = contender.measured(installation, events, seconds)
            show(contender.name, found[contender.name], contender.does, contender.leaves_out)
        found[OURS] = drained(installation, events)
        show(OURS, found[OURS], DOES, "nothing")
        print(f"  stored: {stored(installation)}")
    return found


def show(name: str, figures: Figures, does: str, leaves_out: str) -> None:
    """One contender's lines."""
    print(f"{name}:")
    for line in [*figures.lines(), f"does: {does}", f"leaves out: {leaves_out}"]:
        print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
