"""What the truth makes of control records: hand-made logs in, events that count out."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

import pytest

from producers.control.record import ControlRecord, named_in, read_record, signature
from producers.errors import ControlRefused
from tests.chaos.accepted import Accepted
from tests.chaos.controls import Asked, Controls
from tests.chaos.event import EPOCH, Event
from tests.chaos.history import Ended, History
from tests.chaos.log import Control, Record
from tests.chaos.orders import Refused, read_order
from tests.chaos.prices import PriceList
from tests.chaos.traffic import Traffic
from tests.chaos.truth import Outcome, Truth
from tokentally import partition_of

KEY = b"a key of an installation"
NOW_MS = 1_794_000_000_000
DAY_MS = 86_400_000
PARTITIONS = 4
MODEL = ("openai", "gpt-4o")


def prices() -> PriceList:
    """Three revisions: input tokens at 1, 2 and 3 USD a million, in the last from yesterday on at 4."""

    def tiers(price: int) -> dict[int, dict[str, Decimal]]:
        return {0: {"input_mtok": Decimal(price) / 10**6}}

    sheets = {(revision, *MODEL): {0: tiers(revision)} for revision in (1, 2, 3)}
    sheets[3, *MODEL][NOW_MS - DAY_MS] = tiers(4)
    return PriceList(sheets, {(1, "", ""): 1000, (2, "", ""): 5000})


@dataclass(slots=True)
class Log:
    """One partition's log as it grows, and the truth that reads it."""

    organization: str = "acme"
    truth: Truth = field(default_factory=lambda: Truth(PARTITIONS, 100, History(prices()), KEY))
    end: int = 0
    now_ms: int = NOW_MS

    @property
    def partition(self) -> int:
        return partition_of(self.organization, PARTITIONS)

    def _read(self, **what: Any) -> int:
        self.truth.read([Record(self.partition, self.end, self.now_ms + self.end, **what)])
        self.end += 1
        return self.end - 1

    def events(self, *events: Event) -> int:
        return self._read(events=list(enumerate(events)))

    def control(self, kind: str, body: dict[str, Any], organization: str | None = None, **how: Any) -> Outcome:
        named = self.organization if organization is None else organization
        record = ControlRecord(how.get("control_id", str(uuid4())), kind, named, body, "a", "", datetime.now(UTC))
        value = record.value(how.get("signed_for", self.partition))
        signed = how.get("signature", signature(value, KEY))
        return self.truth.outcomes[self.partition, self._read(control=Control(value, signed))]

    @property
    def counted(self) -> list[Accepted]:
        return self.truth.accepted

    @property
    def costs(self) -> list[int]:
        """USD of each event that counts."""
        return [each.charged.cost_nano_usd // 10**9 for each in self.counted]


def event(number: int, organization: str = "acme", age_ms: int = 0, **fields: Any) -> Event:
    """A call of a million input tokens."""
    told = {"provider": MODEL[0], "model": MODEL[1], "input_tokens": 10**6, "user_id": "eve"} | fields
    return Event(organization, str(uuid5(NAMESPACE_OID, str(number))), NOW_MS - age_ms, told)


def named(*events: Event, **values: Any) -> dict[str, Any]:
    """The body that names these events."""
    told = [(each.event_id, (EPOCH + timedelta(milliseconds=each.time_ms)).isoformat()) for each in events]
    extra = {"set": values} if values else {}
    return {"events": [{"event_id": key, "time": time} | extra for key, time in told]}


@pytest.fixture
def log() -> Log:
    return Log()


def config(log: Log, subject: str, revision: int) -> Outcome:
    return log.control("config", {"subject": subject, "revision": revision, "content_hash": "0" * 64}, "")


def test_e21_a_revision_prices_what_comes_after_its_record_in_its_partition(log: Log) -> None:
    log.events(event(1), event(2, age_ms=3 * DAY_MS))
    assert config(log, "prices", 3) == Outcome("applied", "config")
    log.events(event(3), event(4, age_ms=3 * DAY_MS))
    config(log, "prices", 2)  # lower than what is in force: changes nothing
    config(log, "multipliers", 2)
    log.events(event(5))
    assert log.costs == [1, 1, 4, 3, 4]
    assert [each.charged.credits_micro for each in log.counted] == [1_000_000] * 4 + [5_000_000]
    assert [each.by.prices for each in log.counted] == [1, 1, 3, 3, 3]
    elsewhere = "other" if partition_of("other", PARTITIONS) != log.partition else "another"
    log.truth.read([Record(partition_of(elsewhere, PARTITIONS), 0, NOW_MS, [(0, event(6, elsewhere))])])
    assert log.costs[-1] == 1


def test_a_revision_that_the_run_never_stored_is_a_fault_of_the_run(log: Log) -> None:
    with pytest.raises(LookupError, match="revision 9"):
        config(log, "prices", 9)


def test_void_events_never_count_whether_they_came_or_come_and_their_copies_stay_copies(log: Log) -> None:
    log.events(event(1), event(2))
    log.control("void", named(event(1), event(3)))
    log.events(event(1), event(3), event(4))
    assert [each.event.key for each in log.counted] == [event(2).key, event(4).key]
    counts = {"seen": 5, "accepted": 4, "duplicates": 1, "rejected": 0, "misrouted": 0}
    assert log.truth.counts[log.partition] == counts
    assert [(version, each.before.version) for (_, version), each in log.truth.history.corrections.items()] == [(2, 0)]
    log.control("amend", named(event(1), rating=5))
    log.control("amend", {"selection": {"user_id": "eve"}, "set": {"rating": 1}})
    assert [each.event.fields.get("rating") for each in log.truth.history.events.values()] == [None, 1, None, 1]


def test_what_is_cleared_is_not_there_any_more(log: Log) -> None:
    log.control("amend", named(event(2), clear=["rating"]))
    log.events(event(1, rating=2), event(2, rating=3), event(3, rating=4))
    log.control("amend", {**named(event(1), clear=["rating"])})
    assert [each.event.fields.get("rating") for each in log.counted] == [None, None, 4]


def test_a_selection_meets_what_came_before_it_with_the_values_that_earlier_records_left(log: Log) -> None:
    log.events(event(1), event(2, user_id="bob"))
    log.control("replace", {"selection": {"user_id": "bob"}, "set": {"user_id": "eve"}})
    log.control("void", {"selection": {"user_id": "eve", "since": "2020-01-01T00:00:00Z"}})
    log.events(event(3))
    assert [each.event.key for each in log.counted] == [event(3).key]
    assert len(log.truth.history.corrections) == 3
    until = (EPOCH + timedelta(milliseconds=NOW_MS)).isoformat()
    log.control("void", {"selection": {"until": until}})
    assert len(log.counted) == 1  # `until` is excluded


def test_amended_events_keep_their_price_and_replaced_ones_get_that_of_the_revision_in_force(log: Log) -> None:
    log.events(event(1), event(2))
    config(log, "prices", 2)
    log.control("amend", named(event(1), event(3), category="legal", status="error"))
    log.control("replace", named(event(2), event(4), input_tokens=3 * 10**6))
    assert log.costs == [1, 6]
    config(log, "prices", 3)
    log.events(event(3), event(4))
    assert log.costs == [1, 6, 4, 12]
    assert [each.version for each in log.counted] == [3, 4, 3, 4]
    assert [each.event.text("category") for each in log.counted] == ["legal", "", "legal", ""]
    assert [each.measures()["errors"] for each in log.counted] == [1, 0, 1, 0]
    assert [each.by.prices for each in log.counted] == [1, 2, 3, 3]


def test_several_records_meet_an_event_in_their_order(log: Log) -> None:
    log.control("replace", named(event(1), user_id="bob", feature="chat"))
    log.control("amend", named(event(1), rating=4))
    log.control("replace", named(event(1), user_id="ann"))
    log.events(event(1))
    [one] = log.counted
    assert (one.event.text("user_id"), one.event.text("feature"), one.event.number("rating")) == ("ann", "chat", 4)
    assert (one.version, log.truth.history.corrections) == (3, {})


def test_e25_repricing_takes_a_revision_in_force_and_meets_earlier_events_at_their_own_time(log: Log) -> None:
    log.events(event(1), event(2, age_ms=3 * DAY_MS), event(3, feature="x"))
    assert log.control("reprice", {"prices": 3}, "").word == "refused"
    config(log, "prices", 3)
    config(log, "multipliers", 2)
    assert log.control("reprice", {"selection": {"feature": ""}, "prices": 3}, "").word == "applied"
    log.events(event(4))
    assert log.costs == [4, 3, 1, 4]
    assert [each.charged.credits_micro // 1_000_000 for each in log.counted] == [1, 1, 1, 5]
    log.control("reprice", {"prices": 1, "multipliers": 1})
    assert log.costs == [1, 1, 1, 1]
    assert log.control("reprice", {"prices": 1, "multipliers": 3}).word == "refused"
    log.control("reprice", {"multipliers": "in_force"})
    assert log.costs == [4, 3, 4, 4]
    assert [each.charged.credits_micro // 1_000_000 for each in log.counted] == [5, 5, 5, 5]


def own_prices() -> PriceList:
    """Those of everybody, and as the fourth numbers revisions of acme: 9 USD since yesterday, and markups."""
    known = prices()
    known.sheets[4, *MODEL] = {NOW_MS - DAY_MS: {0: {"input_mtok": Decimal(9) / 10**6}}}
    known.milli[4, *MODEL] = 7000
    known.markups |= {1: {0: 100_000}, 2: {0: 200_000}, 4: {NOW_MS - DAY_MS: 500_000}}
    known.owners |= {("prices", 4): "acme", ("multipliers", 4): "acme"}
    return known


def test_e21_an_organisations_revision_lies_over_everyones_from_its_date_on() -> None:
    log = Log(truth=Truth(PARTITIONS, 100, History(own_prices()), KEY))
    for subject in ("prices", "multipliers"):
        log.control("config", {"subject": subject, "revision": 4, "content_hash": "0" * 64})
    same = next(name for name in map(str, range(99)) if partition_of(name, PARTITIONS) == log.partition)
    log.events(event(1), event(2, age_ms=3 * DAY_MS), event(3, same), event(4, model="another"))
    assert log.costs == [9, 3, 4, 0]
    billed = [each.charged.billed_nano_usd * 10 // 10**9 for each in log.counted]
    assert billed == [135, 36, 48, 0]
    assert [each.charged.credits_micro // 1_000_000 for each in log.counted] == [7, 7, 5, 5]
    assert log.control("reprice", {"prices": 4, "multipliers": 3}).word == "refused", "nobody stored a third"


def test_e25_there_and_back_gives_every_number_again_whatever_terms_came_meanwhile() -> None:
    log = Log(truth=Truth(PARTITIONS, 100, History(own_prices()), KEY))
    config(log, "prices", 3)
    log.events(event(1), event(2))
    config(log, "multipliers", 2)
    log.control("replace", named(event(2), input_tokens=2 * 10**6))
    log.control("config", {"subject": "multipliers", "revision": 4, "content_hash": "0" * 64})
    before = [each.charged for each in log.counted]
    assert [each.billed_nano_usd * 10 // 10**9 for each in before] == [44, 96]
    log.control("reprice", {"prices": 1})
    assert [each.charged.billed_nano_usd * 10 // 10**9 for each in log.counted] == [11, 24]
    log.control("reprice", {})
    assert [each.charged for each in log.counted] == before


def test_e24_erased_events_leave_no_trace_but_their_place_among_copies(log: Log) -> None:
    log.events(event(1), event(2, user_id="bob"), event(3))
    log.control("replace", named(event(2), user_id="eve"))
    log.control("replace", named(event(3), user_id="bob"))
    log.control("erase", {"user_id": "eve"})
    log.events(event(1), event(2), event(4))
    assert [each.event.key for each in log.counted] == [event(3).key, event(4).key]
    assert log.truth.counts[log.partition]["duplicates"] == 2
    history = log.truth.history
    assert list(history.corrections) == []
    # What event 3 was named the erased user: its row may stay only because he came again.
    assert {each.event.key for each in history.emptied()} == {each.key for each in (event(1), event(2), event(3))}
    log.control("void", named(event(4)))
    assert {each.event.key for each in history.emptied()} == {event(2).key, event(4).key}
    log.control("erase", {})
    assert (log.counted, log.truth.organizations) == ([], {"acme"})


def calendar(log: Log, start_ms: int, zone: str = "Pacific/Kiritimati", week_start: int = 4, **content: Any) -> Outcome:
    said = {"time_zone": zone, "week_start": week_start}
    said |= {"effective_from": (EPOCH + timedelta(milliseconds=start_ms)).isoformat()} | content
    text = json.dumps(said)
    number, hashed = len(log.truth.history.contents) + 1, hashlib.sha256(text.encode()).hexdigest()
    log.truth.history.contents["acme", number, hashed] = text
    return log.control("config", {"subject": "calendar", "revision": number, "content_hash": hashed})


MIDNIGHT_MS = (NOW_MS // DAY_MS + 1) * DAY_MS
HOUR_MS = DAY_MS // 24


def days(log: Log) -> list[str]:
    return [str(each.place.day) for each in log.counted]


def test_e14_a_calendar_holds_from_its_start_on_and_what_was_before_stays(log: Log) -> None:
    past = MIDNIGHT_MS - NOW_MS  # from here on the log's time is that of the next midnight and later
    log.events(event(1), event(2, age_ms=DAY_MS))
    calendar(log, MIDNIGHT_MS)
    log.events(event(3), event(4, age_ms=DAY_MS))
    log.now_ms += past + 12 * HOUR_MS
    log.events(event(5, age_ms=DAY_MS - past), event(6, age_ms=-past), event(7, age_ms=-past - 10 * HOUR_MS))
    assert days(log) == ["2026-11-06", "2026-11-05"] * 2 + ["2026-11-06", "2026-11-07", "2026-11-08"]
    weeks = [str(each.place.week) for each in log.counted]
    assert weeks == ["2026-11-02"] * 5 + ["2026-11-05"] * 2  # Mondays, then Thursdays from the 7th on
    assert log.truth.calendars.period("acme", "week", date(2026, 11, 2))[1] == MIDNIGHT_MS // 1000
    assert log.truth.calendars.period("acme", "day", date(2026, 11, 7))[0] == MIDNIGHT_MS // 1000
    assert not log.truth.closed(log.partition, "acme", "week", date(2026, 11, 5))
    assert log.truth.closed(log.partition, "acme", "day", date(2026, 11, 7))


def test_e14_the_last_word_of_the_log_about_an_instant_holds(log: Log) -> None:
    calendar(log, MIDNIGHT_MS + DAY_MS, "Asia/Tokyo", 1)
    calendar(log, MIDNIGHT_MS, "America/New_York", 1)
    log.now_ms += 3 * DAY_MS
    log.events(event(1, age_ms=NOW_MS - MIDNIGHT_MS - DAY_MS))
    assert days(log) == ["2026-11-07"]  # not in Tokyo, where it was the 8th


def test_e21_a_lower_revision_of_a_calendar_comes_too_late(log: Log) -> None:
    calendar(log, MIDNIGHT_MS + DAY_MS, "Asia/Tokyo", 1)
    calendar(log, MIDNIGHT_MS, "America/New_York", 1)
    (_, number, hashed), *_ = log.truth.history.contents
    again = log.control("config", {"subject": "calendar", "revision": number, "content_hash": hashed})
    assert (number, again.word) == (1, "refused")
    log.now_ms += 3 * DAY_MS
    log.events(event(1, age_ms=NOW_MS - MIDNIGHT_MS - DAY_MS))
    assert days(log) == ["2026-11-07"]


def test_e14_a_calendar_that_would_move_what_came_or_cannot_be_read_is_refused(log: Log) -> None:
    assert calendar(log, NOW_MS + 10 * 60_000).word == "refused"
    assert calendar(log, MIDNIGHT_MS - DAY_MS).word == "refused"
    assert calendar(log, MIDNIGHT_MS + 300_000).word == "refused"
    assert calendar(log, MIDNIGHT_MS, "Europe").word == "refused"
    assert calendar(log, MIDNIGHT_MS, week_start=0).word == "refused"
    assert log.truth.calendars.said == {}
    assert log.control("config", {"subject": "calendar", "revision": 1, "content_hash": "0" * 64}, "").word == "refused"


def test_of_a_cancelled_job_the_days_it_has_done_are_changed(log: Log) -> None:
    day, before = "2026-11-06", "2026-11-05"
    name = str(uuid4())
    log.truth.history.ended = {
        (log.partition, name): Ended("amend", {("acme", day): "cancelled", ("acme", before): "done"})
    }
    log.events(event(1), event(2, age_ms=DAY_MS))
    about = named(event(1), event(2, age_ms=DAY_MS), event(3), rating=5)
    assert log.control("amend", about, control_id=name).word == "applied"
    log.events(event(3))
    assert [each.event.number("rating") for each in log.counted] == [0, 5, 5]
    assert log.truth.history.unplanned == []
    log.truth.history.ended = {(log.partition, "other"): Ended("void", {("acme", before): "done"})}
    log.control("void", {"selection": {"user_id": "eve"}}, control_id=str(uuid4()))
    assert log.counted == []


def test_of_a_cancelled_erasure_nothing_is_gone_but_what_was_to_make_events_the_users(log: Log) -> None:
    name = str(uuid4())
    log.truth.history.ended = {(log.partition, name): Ended("erase", {})}
    log.events(event(1))
    log.control("replace", named(event(2, user_id="bob"), user_id="eve"))
    log.control("erase", {"user_id": "eve"}, control_id=name)
    log.events(event(2, user_id="bob"))
    assert [each.event.text("user_id") for each in log.counted] == ["eve", "bob"]
    assert log.truth.history.erased == []


def test_a_day_that_a_cancelled_job_should_have_planned_is_told(log: Log) -> None:
    name = str(uuid4())
    log.truth.history.ended = {(log.partition, name): Ended("void", {("acme", "2026-11-01"): "done"})}
    log.events(event(1))
    log.control("void", {"selection": {"user_id": "eve"}}, control_id=name)
    assert len(log.truth.history.unplanned) == len(log.counted) == 1


def test_repairs_and_replays_change_no_number(log: Log) -> None:
    log.events(event(1))
    before = log.truth.lines()
    log.control("repair", {"first": "2026-01-01", "last": "2026-12-31"})
    log.control("replay", {"first": "2026-01-01"})
    assert log.truth.lines() == before
    assert (log.truth.ends[log.partition], log.truth.clocks_ms[log.partition]) == (3, NOW_MS + 2)


def test_e19_what_is_not_signed_for_this_place_changes_nothing_and_repeats_have_no_effect(log: Log) -> None:
    log.events(event(1), event(2))
    assert log.control("void", named(event(1)), signature=None).word == "refused"
    assert log.control("void", named(event(1)), signature=b"0" * 64).word == "refused"
    assert log.control("void", named(event(1)), signed_for=log.partition + 1).word == "refused"
    assert log.control("void", {}).word == "refused"
    assert len(log.counted) == 2
    control_id = str(uuid4())
    later = {"selection": {"model": "gpt-4o"}}
    assert log.control("reprice", {"prices": 2} | later, control_id=control_id).word == "refused"
    config(log, "prices", 2)
    assert log.control("reprice", {"prices": 2} | later, control_id=control_id).word == "applied"
    log.events(event(3))
    log.control("reprice", {"prices": 1})
    assert log.control("reprice", {"prices": 2} | later, control_id=control_id).word == "repeated"
    assert log.costs == [1, 1, 1]


def drawn(seed: str, count: int) -> Sequence[Asked]:
    """Records of a round, beside the traffic they are about."""
    traffic = Traffic(seed, 1, PARTITIONS, NOW_MS)
    for _, _ in zip(range(60), traffic.envelopes(20_000, 60), strict=False):
        pass
    controls = Controls(seed, 1)
    made: list[Asked] = []
    for _ in range(count):
        asked = controls.next(traffic)
        if asked.revision:
            asked = replace(asked, body=asked.body | {"content_hash": "a" * 64})
        made.append(asked)
    return made


def refuses(reader: Callable[..., object], refusal: type[Exception], place: tuple[object, ...]) -> bool:
    """Whether this reader refuses what stands there."""
    try:
        reader(*place)
    except refusal:
        return True
    return False


@pytest.mark.parametrize("seed", [str(number) for number in range(8)])
def test_the_truth_and_the_contract_agree_on_what_is_refused(seed: str) -> None:
    """Two readers, written apart: of drawn records, of damaged ones and of those for another place."""
    words = set()
    for asked in drawn(seed, 200):
        record = ControlRecord(asked.control_id, asked.kind, asked.organization, asked.body, "a", "", datetime.now(UTC))
        value = record.value(1)
        for partition, bytes_read in ((1, value), (2, value), (1, value.replace(b'"body"', b'"bodies"'))):
            place = (bytes_read, signature(bytes_read, KEY), KEY, partition)
            word = "refused" if refuses(read_order, Refused, place) else "applied"
            assert refuses(read_record, ControlRefused, place) == (word == "refused"), (asked, partition)
            if word == "refused":
                with pytest.raises(Refused) as refused:
                    read_order(*place)
                assert named_in(*place).get("kind", "") == refused.value.kind, "told under its id, or under none"
            words.add((asked.forged, partition, word))
    assert {("", 1, "applied"), ("", 2, "refused"), ("nonsense", 1, "refused")} <= words


def test_a_round_draws_every_kind_and_the_same_seed_draws_the_same() -> None:
    made = drawn("7", 300)
    assert {asked.kind for asked in made} >= {"config", "void", "amend", "replace", "reprice", "repair", "erase"}
    assert {asked.forged for asked in made} == {"", "unsigned", "another key", "another partition", "nonsense"}
    assert len({asked.control_id for asked in made}) < len(made)
    assert any(asked.die for asked in made)
    assert json.dumps([asked.body for asked in made]) == json.dumps([asked.body for asked in drawn("7", 300)])
    assert made != drawn("8", 300)
    assert all(UUID(asked.control_id) for asked in made)


def test_promised_events_come_after_they_were_named() -> None:
    traffic = Traffic("7", 1, PARTITIONS, NOW_MS)
    envelopes = traffic.envelopes(20_000, 60)
    next(envelopes)
    waited = {traffic.promised("steady-1").identity for _ in range(10)}
    came = {event.identity for _, posted in envelopes for event in posted.events} & waited
    assert len(came) >= 8
