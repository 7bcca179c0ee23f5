"""Control records in the stream: what is in force is a fact of the log, whoever dies and whatever is replayed."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.errors import RevisionMissing
from stream_jobs.worker.books import FIRST, Books
from stream_jobs.worker.control import Controls
from stream_jobs.worker.take import Rules
from tests.stream_jobs.worker.fake_sink import Fate, asking_the_fake
from tests.stream_jobs.worker.fake_warehouse import unix_ms
from tests.stream_jobs.worker.sent import (
    BEGIN,
    INPUT_NANO_USD,
    PARTITIONS,
    Event,
    Log,
    Message,
    Posted,
    Sent,
    Told,
    rules,
)
from tests.stream_jobs.worker.simulation import SimulatedWorker, Simulation, Step

HASH = "a" * 64
DEARER = 3
"""Times the first price, by revision 2; five times by revision 3."""
FACTORS = {1: 1, 2: DEARER, 3: 5}


def book(revision: int) -> PriceBook:
    usd = Decimal(INPUT_NANO_USD * FACTORS[revision]) / 1000
    return PriceBook.from_rows(
        [PriceRow("maker", "large", "Large", "", "input_mtok", usd, 1_000_000, 0, "test")], revision=revision
    )


def pricing_rules() -> Rules:
    """Prices of revision 1; the others are loaded when the log says so."""
    given = rules()
    books = Books.of(book(1), MultiplierTable.from_rows([], revision=1))
    books.load_prices = book
    return Rules(given.routing, given.times, books)


def revision(number: int) -> Told:
    body = {"subject": "prices", "revision": number, "content_hash": HASH}
    return Told("config", body, organization="", number=number)


def simulation(posted: Sequence[Posted | Told], first: datetime = BEGIN, window_events: int = 100) -> Simulation:
    made = Simulation(Log(posted, first), window_events=window_events)
    for number in FACTORS:
        made.warehouse.store("config_revisions", [config_row("prices", number, "", HASH, "")])
    return made


def config_row(kind: str, number: int, organization: str, content_hash: str, content: str) -> dict[str, Any]:
    names = ("kind", "revision", "organization", "content_hash", "content")
    return dict(zip(names, (kind, number, organization, content_hash, content), strict=True))


def costs(done: Simulation) -> dict[int, tuple[int, int]]:
    """Cost and revision of each event by its offset."""
    rows = done.warehouse.rows("usage_raw")
    return {row["src_offset"]: (row["cost_nano_usd"], row["price_revision"]) for row in rows}


def priced(*offsets_and_revisions: tuple[int, int]) -> dict[int, tuple[int, int]]:
    return {offset: (INPUT_NANO_USD * FACTORS[number], number) for offset, number in offsets_and_revisions}


LATE = BEGIN - timedelta(days=3)
STREAM: list[Posted | Told] = [
    Posted((Sent(1),)),
    revision(2),
    Posted((Sent(2),)),
    Posted((Sent(3, LATE),)),
    revision(3),
    revision(2),
    Posted((Sent(4),)),
    Posted((Sent(1),)),
]
WANTED = priced((0, 1), (2, 2), (3, 2), (6, 3))


def test_e21_each_event_is_priced_by_the_highest_revision_seen_before_it() -> None:
    done = simulation(STREAM)
    done.live(last=True, rules=pricing_rules())
    assert costs(done) == WANTED
    switches = [(row["offset"], row["revision"]) for row in done.warehouse.rows("revision_switches")]
    assert switches == [(1, 2), (4, 3)]


def test_e21_states_that_no_partition_is_at_are_forgotten() -> None:
    done, given = simulation(STREAM), pricing_rules()
    done.live(last=True, rules=given)
    assert sorted(given.books.prices) == [FIRST, 3]
    assert costs(done) == WANTED


@pytest.mark.parametrize("envelopes", [1, 2, 3, 8])
@pytest.mark.parametrize("dies_at", range(0, 24, 2))
def test_e21_a_kill_at_any_write_changes_no_price(dies_at: int, envelopes: int) -> None:
    done = simulation(STREAM)
    steps = [Step(envelopes, then) for then in ("drain", "flush", "drain", "drain", "drain")]
    done.live(*steps, fate=Fate(dies_at=dies_at), rules=pricing_rules())
    done.live(last=True, again=2, rules=pricing_rules())
    assert costs(done) == WANTED
    assert sum(cost for cost, _ in WANTED.values()) == sum(
        row["cost_nano_usd"] for row in done.sums("rollup", "quarter").values()
    )


def of_acme(number: int) -> Told:
    body = {"subject": "prices", "revision": number, "content_hash": HASH}
    return Told("config", body, organization="acme", number=number)


MIXED: list[Posted | Told] = [
    Posted((Sent(1),)),
    of_acme(3),
    Posted((Sent(2),)),
    revision(2),
    Posted((Sent(3, LATE),)),
]
"""Acme's third revision reaches the log before everyone's second one, which was stored before it."""


@pytest.mark.parametrize("dies_at", [None, *range(0, 16, 3)])
def test_e21_an_organizations_revision_puts_the_state_of_its_number_in_force(dies_at: int | None) -> None:
    done = simulation(MIXED)
    done.warehouse.store("config_revisions", [config_row("prices", 3, "acme", HASH, "")])
    if dies_at is not None:
        steps = [Step(1, then) for then in ("drain", "flush", "drain", "drain")]
        done.live(*steps, fate=Fate(dies_at=dies_at), rules=pricing_rules())
    done.live(last=True, again=2, rules=pricing_rules())
    assert costs(done) == priced((0, 1), (2, 3), (4, 3))
    switches = {
        (row["offset"], row["organization"], row["revision"]) for row in done.warehouse.rows("revision_switches")
    }
    assert switches == {(1, "acme", 3)}


def test_e21_after_a_restart_an_organizations_state_is_in_force() -> None:
    done = simulation(MIXED)
    done.warehouse.store("config_revisions", [config_row("prices", 3, "acme", HASH, "")])
    done.live(Step(2, "drain"), rules=pricing_rules())
    done.live(last=True, rules=pricing_rules())
    assert costs(done) == priced((0, 1), (2, 3), (4, 3))


def test_e21_an_organizations_revision_is_not_anothers_of_the_same_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names its owner: everyone's entry of that number is not what the record is about."""
    done = simulation([of_acme(3), Posted((Sent(1),))])
    waits: list[float] = []

    def arrives(seconds: float) -> None:
        waits.append(seconds)
        done.warehouse.store("config_revisions", [config_row("prices", 3, "acme", HASH, "")])

    monkeypatch.setattr("stream_jobs.worker.contents.time.sleep", arrives)
    done.live(last=True, rules=pricing_rules())
    assert len(waits) == 1
    assert costs(done) == priced((1, 3))


def test_e21_the_newest_revision_at_the_start_of_a_process_means_nothing() -> None:
    done = simulation([Posted((Sent(1),)), Posted((Sent(2),)), revision(3), Posted((Sent(3),))])
    done.live(Step(1, "drain"), rules=pricing_rules())
    done.live(last=True, rules=pricing_rules())
    assert costs(done) == priced((0, 1), (1, 1), (3, 3))


def test_e19_a_record_for_another_partition_is_refused() -> None:
    told = Told("void", {"selection": {"user_id": "u1"}})
    done = simulation([Posted((Sent(1),)), told])
    message = done.log.messages[1]
    done.log.messages[1] = type(message)(1, 0, message.timestamp, message.headers, message.value)
    done.live(last=True, rules=pricing_rules())
    [refused] = done.warehouse.rejections.values()
    assert refused.reason == "the control record was signed for log partition 0, this is 1"
    assert not list(done.warehouse.rows("jobs"))


def test_e19_without_the_signature_anybody_could_erase(monkeypatch: pytest.MonkeyPatch) -> None:
    forged = Told("erase", {}, signed=False)
    done = simulation([Posted((Sent(1),)), forged])
    done.live(last=True, rules=pricing_rules())
    assert not list(done.warehouse.rows("jobs"))
    monkeypatch.setattr("producers.control.record.hmac.compare_digest", lambda *_: True)
    unchecked = simulation([Posted((Sent(1),)), forged])
    unchecked.live(last=True, rules=pricing_rules())
    assert [row["kind"] for row in unchecked.warehouse.rows("jobs")] == ["erase"]


def test_e19_a_repeated_record_is_known_after_a_restart() -> None:
    told = Told("repair", {"first": "2026-03-28", "last": "2026-03-28"})
    done = simulation([told, Posted((Sent(1),)), told])
    done.live(Step(2, "drain"), rules=pricing_rules())
    done.live(last=True, rules=pricing_rules())
    outcomes = {row["src_offset"]: row["outcome"] for row in done.warehouse.rows("control_log")}
    assert outcomes == {0: "applied", 2: "repeated"}


def test_e25_a_revision_that_is_not_in_force_prices_nothing_again() -> None:
    told = [
        Told("reprice", {"prices": number, "selection": {"model": "large"}}, number=20 + number) for number in (2, 3)
    ]
    done = simulation([revision(2), told[0], told[1]])
    done.live(last=True, rules=pricing_rules())
    outcomes = {row["src_offset"]: (row["outcome"], row["reason"]) for row in done.warehouse.rows("control_log")}
    assert outcomes[1] == ("applied", "")
    assert outcomes[2] == (
        "refused",
        "reprice: revision 3 of the prices is not in force here (it is 2): publish it first",
    )


def test_e25_a_number_that_is_no_state_prices_nothing_again_and_ends_no_worker() -> None:
    """Revision 2 was begun with by somebody who died: its number is skipped, and lies below the one in force."""
    given = pricing_rules()

    def stored(number: int) -> PriceBook:
        if number == 2:
            raise RevisionMissing("no prices of revision 2")
        return book(number)

    given.books.load_prices = stored
    done = simulation([revision(3), Told("reprice", {"prices": 2}, number=22), Posted((Sent(1),))])
    done.live(last=True, rules=given)
    outcomes = {row["src_offset"]: (row["outcome"], row["reason"]) for row in done.warehouse.rows("control_log")}
    assert outcomes[1] == ("refused", "reprice: revision 2 of the prices: no prices of revision 2")
    assert not list(done.warehouse.rows("jobs"))
    assert costs(done) == priced((2, 3))


def calendar(zone: str, week_start: int, start: datetime, number: int = 1) -> tuple[Told, dict[str, Any]]:
    """The record of a change, and the revision that it names."""
    content = json.dumps({"time_zone": zone, "week_start": week_start, "effective_from": start.isoformat()})
    digest = hashlib.sha256(content.encode()).hexdigest()
    body = {"subject": "calendar", "revision": number, "content_hash": digest}
    return Told("config", body, number=50 + number), config_row("calendar", number, "acme", digest, content)


CHANGES = [
    ("Asia/Kathmandu", 7),
    ("Australia/Lord_Howe", 1),
    ("America/New_York", 7),
    ("Pacific/Kiritimati", 3),
    ("Europe/Paris", 7),
]


@pytest.mark.parametrize(("zone", "week_start"), CHANGES)
@pytest.mark.parametrize("first", [datetime(2026, 3, 26, tzinfo=UTC), datetime(2026, 10, 22, tzinfo=UTC)])
def test_e14_a_zone_changes_at_a_local_midnight_and_what_was_before_keeps_its_place(
    first: datetime, zone: str, week_start: int
) -> None:
    paris = ZoneInfo("Europe/Paris")
    begin = (first + timedelta(days=2)).astimezone(paris).date()
    start = datetime(begin.year, begin.month, begin.day, tzinfo=paris).astimezone(UTC)
    told, row = calendar(zone, week_start, start)
    times = [first + timedelta(minutes=15 * number) for number in range(7 * 96)]
    posted: list[Posted | Told] = [
        told,
        *(Posted((Sent(n, time),), after=timedelta(minutes=15)) for n, time in enumerate(times)),
    ]
    done = simulation(posted, first, window_events=10_000)
    done.warehouse.store("config_revisions", [row])
    done.live(Step(100, "drain"), rules=pricing_rules())
    done.live(last=True, rules=pricing_rules())
    wanted = [placed(time, start, zone, week_start) for time in times]
    rows = sorted(done.warehouse.rows("usage_raw"), key=lambda row: row["time"])
    assert [(row["hour"], row["day"], row["week"]) for row in rows] == wanted
    days: Counter[date] = Counter()
    for summed in done.warehouse.rows("rollup"):
        days[summed["day"]] += summed["requests"] if summed["grain"] == "day" else 0
    closed = {day: count for day, count in days.items() if count}
    assert len(closed) >= 5
    assert closed == {day: sum(place[1] == day for place in wanted) for day in closed}


def placed(time: datetime, start: datetime, zone: str, week_start: int) -> tuple[int, date, date]:
    """Local hour, date and first date of the week by zoneinfo alone."""
    changed = start.astimezone(ZoneInfo("Europe/Paris")).date()
    local = time.astimezone(ZoneInfo(zone if time >= start else "Europe/Paris"))
    hour = unix_ms(time) // 1000 // 900 * 900
    while hour % 900 == 0 and hour > unix_ms(time) // 1000 - 3600:
        earlier = datetime.fromtimestamp(hour - 900, UTC)
        same_rule = (earlier >= start) == (time >= start)
        before = earlier.astimezone(local.tzinfo)
        if not same_rule or (before.hour, before.utcoffset()) != (local.hour, local.utcoffset()):
            break
        hour -= 900
    first_day = week_start if local.date() >= changed else 1
    week = local.date() - timedelta(days=(local.isoweekday() - first_day) % 7)
    return hour, local.date(), week


def test_e14_a_change_that_has_begun_is_refused() -> None:
    told, row = calendar("Asia/Tokyo", 1, BEGIN + timedelta(minutes=15))
    done = simulation([told, Posted((Sent(1, BEGIN + timedelta(minutes=15)),))])
    done.warehouse.store("config_revisions", [row])
    done.live(last=True, rules=pricing_rules())
    [refused] = done.warehouse.rejections.values()
    assert "more than 15 minutes after the record reaches the log" in refused.reason
    assert [row["day"] for row in done.warehouse.rows("usage_raw")] == [date(2026, 3, 28)]


@pytest.mark.parametrize("lives", [1, 2])
def test_e21_a_lower_revision_of_a_calendar_that_comes_later_changes_nothing(lives: int) -> None:
    """Neither in the life that read the higher one, nor in the next."""
    later = PARIS_MIDNIGHT + timedelta(days=2)
    low, low_row = calendar("Asia/Kathmandu", 1, PARIS_MIDNIGHT, 1)
    high, high_row = calendar("Asia/Tokyo", 1, PARIS_MIDNIGHT, 2)
    again = Told("config", low.body, number=90)
    done = simulation([low, high, Posted((Sent(1),)), again, Posted((Sent(2, later),), after=timedelta(days=3))])
    for row in (low_row, high_row):
        done.warehouse.store("config_revisions", [row])
    if lives == 2:
        done.live(Step(3, "drain"), rules=pricing_rules())
    done.live(last=True, rules=pricing_rules())
    [refused] = done.warehouse.rejections.values()
    assert "calendar revision 1 of acme came after a later one, which holds" in refused.reason
    hours = {row["src_offset"]: row["hour"] for row in done.warehouse.rows("usage_raw")}
    assert hours[4] % 3600 == 0, "hours of Kathmandu begin at a quarter"


PARIS_MIDNIGHT = datetime(2026, 3, 28, 23, tzinfo=UTC)
"""The first of 2026-03-29, a Sunday."""


def changing(*posted: Posted | Told, zone: str) -> Simulation:
    """A log in which the week of acme begins on Sundays from the next midnight on."""
    told, row = calendar(zone, 7, PARIS_MIDNIGHT)
    done = simulation([posted[0], told, *posted[1:]])
    done.warehouse.store("config_revisions", [row])
    return done


def test_e14_whoever_gets_a_partition_back_looks_calendars_up_again() -> None:
    later = Sent(2, PARIS_MIDNIGHT + timedelta(hours=1))
    done = changing(Posted((Sent(1),)), Posted((later,), after=timedelta(hours=14)), zone="Asia/Kathmandu")
    first = done.live(Step(1, "drain"), rules=pricing_rules())
    done.live(Step(1, "drain"), rules=pricing_rules())
    with asking_the_fake(0):
        asyncio.run(back_again(first, done.log.messages[2:]))
    [row] = [row for row in done.warehouse.rows("usage_raw") if row["src_offset"] == 2]
    assert (row["hour"], row["week"]) == (unix_ms(PARIS_MIDNIGHT + timedelta(minutes=15)) // 1000, date(2026, 3, 29))


async def back_again(worker: SimulatedWorker, messages: Sequence[Message]) -> None:
    """A worker that lost its partitions to somebody gets them back and takes these."""
    generation = worker.app.consumer_generation_id + 1
    worker.app.consumer_generation_id = generation
    worker.resume = worker._positions(generation, sorted(set(PARTITIONS.values())))
    await worker._take([Event(replace(message, generation_id=generation)) for message in messages])
    await worker.flusher.drain(worker.state)


@pytest.mark.parametrize(
    "steps", [[Step(2, "drain")], [Step(1, "drain"), Step(1, "drain")], [Step(1, "flush"), Step(1, "drain")]]
)
def test_e14_periods_that_were_touched_before_a_change_end_where_it_says(steps: list[Step]) -> None:
    done = changing(Posted((Sent(1),)), zone="Europe/Paris")
    worker = done.live(*steps, rules=pricing_rules())
    pending = worker.state.pending[0, "acme", "week", date(2026, 3, 23)]
    assert pending.period.end == unix_ms(PARIS_MIDNIGHT) // 1000
    assert pending.week == date(2026, 3, 23)


def test_e21_a_revision_that_is_not_stored_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    done = simulation([revision(2), Posted((Sent(1),))])
    stored = done.warehouse.tables["config_revisions"]
    missing = dict(stored)
    stored.clear()
    waits: list[float] = []

    def arrives(seconds: float) -> None:
        waits.append(seconds)
        stored.update(missing)

    monkeypatch.setattr("stream_jobs.worker.contents.time.sleep", arrives)
    worker = done.live(last=True, rules=pricing_rules())
    assert len(waits) == 1
    assert isinstance(worker.controls, Controls)
    assert costs(done) == priced((1, 2))


EVERYWHERE = sorted(set(PARTITIONS.values()))
REPAIR = {"first": "2026-03-28", "last": "2026-03-28"}


def test_e19_what_the_warehouse_lacks_of_a_record_comes_from_the_log() -> None:
    """A restored backup is older than the record."""
    told = Told("void", {"selection": {"user_id": "é"}})
    done = simulation([Posted((Sent(1),)), told, told])
    done.live(last=True, rules=pricing_rules())
    [row] = done.warehouse.rows("control_records")
    assert row == {
        "control_id": told.control_id,
        "kind": "void",
        "organization": "acme",
        "body": '{"selection": {"user_id": "é"}}',
        "author": "ada",
        "note": "a test",
        "created": BEGIN,
        "partitions": [0],
    }
    [place] = done.warehouse.rows("control_publications")
    assert place == {"control_id": told.control_id, "src_partition": 0, "src_offset": 1}


@pytest.mark.parametrize("dies_at", [None, *range(12)])
def test_e19_a_record_about_everyone_is_the_same_row_from_every_partition(dies_at: int | None) -> None:
    told = [Told("repair", REPAIR, organization="", partition=number) for number in EVERYWHERE]
    done = simulation([Posted((Sent(1),)), *told])
    done.live(*[Step(1, "drain")] * 3, fate=Fate(dies_at=dies_at), rules=pricing_rules())
    done.live(last=True, again=2, rules=pricing_rules())
    [row] = done.warehouse.rows("control_records")
    assert (row["organization"], row["partitions"]) == ("", EVERYWHERE)
    places = {(row["src_partition"], row["src_offset"]) for row in done.warehouse.rows("control_publications")}
    assert places == {(0, 1), (1, 0)}


def test_e19_what_is_stored_of_a_record_is_never_written_again() -> None:
    """An erasure has emptied it; and a repeat may say something else."""
    told = Told("repair", REPAIR)
    other = Told("repair", REPAIR | {"last": "2026-03-29"})
    done = simulation([told, other])
    done.warehouse.store("control_records", [{"control_id": told.control_id, "body": ""}])
    done.live(last=True, rules=pricing_rules())
    assert [row["body"] for row in done.warehouse.rows("control_records")] == [""]
    first = simulation([told, other])
    first.live(Step(1, "drain"), rules=pricing_rules())
    first.warehouse.tables["control_records"].clear()
    first.live(last=True, rules=pricing_rules())
    assert not list(first.warehouse.rows("control_records")), "what ran was another request"


def test_e19_a_refused_record_is_told_too_and_a_forged_one_is_not() -> None:
    refused, forged = Told("reprice", {"prices": 3}, number=1), Told("erase", {}, number=2, signed=False)
    done = simulation([refused, forged])
    done.live(last=True, rules=pricing_rules())
    for table in ("control_records", "control_publications"):
        assert [row["control_id"] for row in done.warehouse.rows(table)] == [refused.control_id]
