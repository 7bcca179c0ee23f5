"""A price change in the middle of a stream: each event has the price of its own time under the revision in force at its
place in the log, whoever is killed around the change, and however often the log is read.

Revisions come into force at other offsets in each partition. Every revision has a price from a date on, which falls
into the stream, so that late events from before it cost what was valid then.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream_jobs.credits.multiplier_row import MultiplierRow
from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.price_row import ALWAYS
from stream_jobs.worker.books import Books
from stream_jobs.worker.take import Rules
from tests.stream_jobs.worker.fake_sink import Fate
from tests.stream_jobs.worker.sent import BEGIN, PARTITIONS, Log, Posted, Sent, Told, rules
from tests.stream_jobs.worker.simulation import Simulation, Step

HASH: Final = "b" * 64
REVISIONS: Final = (1, 2, 3, 4)
CHANGES_AT: Final = BEGIN + timedelta(minutes=10)
TIMES: Final = [BEGIN + timedelta(minutes=minutes) for minutes in (-4000, -30, 9, 10, 11, 40)]
Money = dict[tuple[str, int, datetime], tuple[int, int, int]]
"""Cost, price revision and credits of each event."""


def price_nano_usd(revision: int, at: datetime) -> int:
    """What an input token costs: ten times the revision's number, and one more from the date on."""
    return 10 * revision + (at >= CHANGES_AT)


def book(revision: int) -> PriceBook:
    rows = [
        PriceRow(
            *("maker", "large", "Large", "", "input_mtok", Decimal(price_nano_usd(revision, start)) / 1000, 10**6),
            *(position, "test"),
            effective_from=start,
        )
        for position, start in enumerate((ALWAYS, CHANGES_AT))
    ]
    return PriceBook.from_rows(rows, revision=revision)


def multipliers(revision: int) -> MultiplierTable:
    return MultiplierTable.from_rows([MultiplierRow("maker", "large", 1000 * revision, "test")], revision=revision)


def revised() -> Rules:
    given = rules()
    books = Books.of(book(1), multipliers(1))
    books.load_prices, books.load_multipliers = book, multipliers
    return Rules(given.routing, given.times, books)


def switched(subject: str, revision: int, partition: int) -> Told:
    body = {"subject": subject, "revision": revision, "content_hash": HASH}
    number = 100 * revision + 10 * len(subject)
    return Told("config", body, organization="", partition=partition, number=number)


def expected(log: Sequence[Posted | Told]) -> Money:
    """A reader who takes one record after the other."""
    money: Money = {}
    in_force = {partition: {"prices": 1, "multipliers": 1} for partition in PARTITIONS.values()}
    for posted in log:
        here = in_force[posted.partition]
        if isinstance(posted, Told):
            subject = posted.body["subject"]
            here[subject] = max(here[subject], posted.body["revision"])
            continue
        for sent in posted.events:
            cost = sent.input_tokens * price_nano_usd(here["prices"], sent.time)
            key = (sent.organization, sent.number, sent.time)
            money.setdefault(key, (cost, here["prices"], 1_000_000 * here["multipliers"]))
    return money


def stored(done: Simulation) -> Money:
    found: Money = {}
    for row in done.warehouse.rows("usage_raw"):
        number = int(row["source_id"].removeprefix("event "))
        key = (row["organization"], number, row["time"])
        found[key] = (row["cost_nano_usd"], row["price_revision"], row["credits_micro"])
    return found


def simulation(log: Sequence[Posted | Told], seed: int = 0) -> Simulation:
    made = Simulation(Log(log, BEGIN + timedelta(hours=1)), window_events=100, seed=seed)
    for subject in ("prices", "multipliers"):
        for number in REVISIONS:
            row = {"kind": subject, "revision": number, "organization": "", "content_hash": HASH, "content": ""}
            made.warehouse.store("config_revisions", [row])
    return made


def check(done: Simulation, wanted: Money) -> None:
    assert stored(done) == wanted
    quarters = done.sums("rollup", "quarter").values()
    assert sum(row["cost_nano_usd"] for row in quarters) == sum(cost for cost, _, _ in wanted.values())
    assert sum(row["credits_micro"] for row in quarters) == sum(credits for _, _, credits in wanted.values())


def _posted(partition: int) -> st.SearchStrategy[Posted]:
    organizations = [name for name, number in PARTITIONS.items() if number == partition]
    sent = st.builds(
        lambda number, **fields: Sent(number, TIMES[number % len(TIMES)], **fields),  # an id comes again with its time
        number=st.integers(0, 17),
        organization=st.sampled_from(organizations),
        input_tokens=st.just(7),
    )
    after = st.sampled_from([timedelta(0), timedelta(seconds=1), timedelta(minutes=20)])
    return st.builds(
        Posted, st.lists(sent, min_size=1, max_size=4).map(tuple), st.just(partition), st.just("arrow"), after=after
    )


def _told(partition: int) -> st.SearchStrategy[Told]:
    subjects = st.sampled_from(["prices", "prices", "multipliers"])
    return st.builds(switched, subjects, st.sampled_from(REVISIONS), st.just(partition))


logs = st.lists(
    st.one_of(*[_posted(partition) for partition in (0, 1)] * 2, *[_told(partition) for partition in (0, 1)]),
    min_size=6,
    max_size=16,
)
steps = st.lists(
    st.builds(Step, st.integers(1, 4), st.sampled_from(["", "flush", "drain", "forget", "evict", "thaw"])),
    min_size=1,
    max_size=5,
)
writes = st.none() | st.integers(0, 40)
lives = st.lists(st.tuples(steps, st.integers(0, 3), writes, writes), max_size=3)


@given(log=logs, lives=lives, last=steps, seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_each_event_has_the_price_of_its_time_under_the_revision_at_its_place(
    log: list[Posted | Told], lives: list[tuple[list[Step], int, int | None, int | None]], last: list[Step], seed: int
) -> None:
    done, zombie = simulation(log, seed), Fate()
    for life, again, dies_at, freezes_at in lives:
        fate = Fate(dies_at=dies_at, freezes_at=freezes_at)
        done.live(*life, fate=fate, again=again, zombie=zombie, rules=revised())
        zombie.late += fate.late
    done.live(*last, again=2, zombie=zombie, last=True, rules=revised())
    wanted = expected(log)
    check(done, wanted)
    undisturbed = simulation(log)
    undisturbed.live(last=True, rules=revised())
    check(undisturbed, wanted)


FIRST, LATE = Sent(1, TIMES[3], input_tokens=7), Sent(2, TIMES[0], input_tokens=7)
STREAM: Final[list[Posted | Told]] = [
    Posted((FIRST,)),
    switched("prices", 2, 0),
    Posted((LATE, Sent(3, TIMES[2], input_tokens=7), Sent(4, TIMES[4], input_tokens=7))),
    switched("prices", 3, 0),
    switched("prices", 1, 0),
    Posted((FIRST, Sent(5, TIMES[0], input_tokens=7))),
]


def test_the_stream_by_hand() -> None:
    done = simulation(STREAM)
    done.live(last=True, rules=revised())
    costs: dict[Any, Any] = {number: (cost, revision) for (_, number, _), (cost, revision, _) in stored(done).items()}
    assert costs == {
        1: (7 * 11, 1),
        2: (7 * 20, 2),
        3: (7 * 20, 2),
        4: (7 * 21, 2),
        5: (7 * 30, 3),
    }
