"""Corrections on the real engine: what control records say of events is done to raw rows and every rollup row."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client
from confluent_kafka import TopicPartition

from producers.timeliness.rules import TimeRules
from stream_jobs.audit.counting import LogCounter
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.jobs import planning
from stream_jobs.jobs.job import Job
from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.rollups.bundle import Bundle
from stream_jobs.worker.books import Books
from stream_jobs.worker.jobs import Jobs
from stream_jobs.worker.repair import Repairs
from stream_jobs.worker.resume import LogState
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.take import Rules
from tests.stream_jobs.audit.test_log_reader import Message as LogMessage
from tests.stream_jobs.worker.lived import (
    FIRST,
    LATER,
    SECOND,
    THIRD,
    answer,
    counted,
    credits_table,
    is_right,
    key_of,
    live,
    prepared,
    switched,
    with_revisions,
)
from tests.stream_jobs.worker.sent import BEGIN, INPUT_NANO_USD, Posted, Told, rules
from tests.stream_jobs.worker.simulation import ERASURE_KEY, TOPIC_ID
from warehouse.errors import WarehouseRefused, WarehouseStrained
from warehouse.queries.corrected import AwaitedChanges, FormerVersions, Tombstone, TombstonedOrganizations
from warehouse.queries.query import ask
from warehouse.queries.reconcile.reconcile import Reconciler, reconcile
from warehouse.queries.traced import CountedEvents

pytestmark = pytest.mark.integration
__all__ = ["prepared"]


def test_a_void_event_counts_nowhere_and_its_copies_stay_copies(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    void = Told("void", {"events": [key_of(SECOND)]})
    worker = live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), void, Posted((SECOND, LATER))])
    assert counted(warehouse) == {"u1": (2, 1010 * INPUT_NANO_USD)}
    assert is_right(warehouse)
    assert worker.state.partitions[0].counts.duplicates == 1
    kept = answer(warehouse, "SELECT user_id, rating, former_control_offset, control_offset, kind FROM corrections")
    assert kept == [("u2", 5, 0, 2, "void")]
    assert answer(warehouse, "SELECT toString(state), slices FROM jobs FINAL") == [("done", 1)]


def test_an_event_is_amended_before_and_after_it_comes(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    amend = Told(
        "amend",
        {
            "events": [
                {**key_of(FIRST), "set": {"category": "chat", "rating": 1}},
                {**key_of(LATER), "set": {"category": "chat", "status": "error"}},
            ]
        },
    )
    worker = live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), amend, Posted((LATER,))])
    assert is_right(warehouse)
    held = worker.state.partitions[0].awaited
    assert (held.by_identity, held.organizations) == ({}, {})
    found = answer(warehouse, "SELECT category, rating, status, control_offset FROM usage_raw FINAL ORDER BY time")
    assert found == [("chat", 1, "success", 2), ("", 5, "success", 0), ("chat", None, "error", 2)]
    rows = answer(warehouse, "SELECT category, requests, errors FROM rollup_category FINAL WHERE grain = 'quarter'")
    assert sorted(rows) == [("chat", 1, 0), ("chat", 1, 1), ("sql", 0, 0)]
    awaited = answer(warehouse, "SELECT toUnixTimestamp(time), met FROM awaited_events FINAL ORDER BY time")
    assert [met for _, met in awaited] == [-2, 2]


def test_amounts_are_taken_away_before_and_after_the_event_comes(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    come, to_come = SECOND, replace(LATER, rating=3, duration_ms=9)
    events = [{**key_of(come), "set": {"clear": ["rating"]}}, {**key_of(to_come), "set": {"clear": ["rating"]}}]
    timed = Told("replace", {"selection": {"user_id": "u2"}, "set": {"clear": ["duration_ms"]}}, number=2)
    live(sink, tmp_path / "a", [Posted((FIRST, come)), Told("amend", {"events": events}), timed, Posted((to_come,))])
    assert is_right(warehouse)
    found = answer(warehouse, "SELECT rating, duration_ms FROM usage_raw FINAL ORDER BY time")
    assert found == [(None, None), (None, None), (None, 9)]
    sums = "SELECT sum(rated_requests), sum(rating_sum), sum(timed_requests) FROM rollup FINAL WHERE grain = 'quarter'"
    assert answer(warehouse, sums) == [(0, 0, 1)]


def test_a_reported_cost_is_given_and_taken_away_before_and_after_the_event_comes(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    given = {"model": "unheard-of", "reported_cost_usd": "0.5"}
    events = [key_of(each) for each in (SECOND, LATER)]
    records = [
        Told("replace", {"events": [each | {"set": changes} for each in events]}, number=number)
        for number, changes in enumerate((given, {"clear": ["reported_cost_usd"], "duration_ms": 7}))
    ]
    live(sink, tmp_path / "a", [Posted((SECOND,)), *records, Posted((LATER,))])
    assert is_right(warehouse)
    told = "SELECT reported_cost_nano_usd, cost_nano_usd, toString(cost_status) FROM usage_raw FINAL ORDER BY time"
    assert answer(warehouse, told) == [(None, 0, "unpriced")] * 2
    former = (
        "SELECT reported_cost_nano_usd, cost_nano_usd, duration_ms FROM corrections FINAL ORDER BY time, control_offset"
    )
    assert answer(warehouse, former)[:2] == [(None, 100 * INPUT_NANO_USD, 40), (5 * 10**8, 5 * 10**8, 40)]


def test_wrong_usage_is_replaced_and_priced_again(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    replace = Told("replace", {"selection": {"user_id": "u1"}, "set": {"user_id": "u3", "input_tokens": 7}})
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), replace, Posted((LATER,))])
    assert is_right(warehouse)
    assert counted(warehouse) == {
        "u1": (1, 1000 * INPUT_NANO_USD),
        "u2": (1, 100 * INPUT_NANO_USD),
        "u3": (1, 7 * INPUT_NANO_USD),
    }


def test_a_reprice_leaves_credits_as_they_are_unless_multipliers_are_named(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    posted: list[Posted | Told] = [
        Posted((FIRST, SECOND, THIRD)),
        switched(warehouse, "prices", 3),
        switched(warehouse, "multipliers", 5),
        Told("reprice", {"selection": {"user_id": "u1"}, "prices": 3}, number=1),
        Told("reprice", {"selection": {"user_id": "u2"}, "prices": 3, "multipliers": 5}, number=2),
        Told("replace", {"selection": {"user_id": "u4"}, "set": {"input_tokens": 7}}, number=3),
        Posted((LATER,)),
    ]
    live(sink, tmp_path / "a", posted, rules=with_revisions())
    assert is_right(warehouse)
    found = answer(
        warehouse,
        "SELECT user_id, input_tokens, cost_nano_usd, billed_nano_usd, credits_micro, price_revision "
        "FROM usage_raw FINAL ORDER BY time, user_id",
    )
    price = 3 * INPUT_NANO_USD
    assert found == [
        ("u1", 10, 10 * price, 10 * price, 1_000_000, 3),
        ("u2", 100, 100 * price, 100 * price, 5_000_000, 3),
        ("u4", 7, 7 * price, 7 * price, 5_000_000, 3),
        ("u1", 1000, 1000 * price, 1000 * price, 5_000_000, 3),
    ]
    rolled = answer(warehouse, "SELECT sum(credits_micro) FROM rollup FINAL WHERE grain = 'quarter'")
    assert rolled == [(16_000_000,)]


def test_a_replaced_service_tier_is_priced_at_its_own_rates_and_can_be_taken_back(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    rows = [
        PriceRow("maker", "large", "Large", "", "input_mtok", Decimal(usd), 1_000_000, place, "test", service_tier=tier)
        for place, (tier, usd) in enumerate((("", 8), ("batch", 4)))
    ]
    given = rules()
    books = Books.of(PriceBook.from_rows(rows, revision=1), credits_table(1))
    events = {"selection": {"user_id": "u1"}}
    told: list[Posted | Told] = [
        Told("replace", events | {"set": {"service_tier": "batch"}}, number=1),
        Posted((LATER,)),
        Told("replace", events | {"set": {"service_tier": ""}}, number=2),
        Told("replace", {"events": [{**key_of(SECOND), "set": {"service_tier": "batch"}}]}, number=3),
    ]
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), *told], rules=Rules(given.routing, given.times, books))
    assert is_right(warehouse)
    stored = "SELECT user_id, service_tier, toInt64(cost_usd * 1000000000) FROM usage_events ORDER BY time"
    assert answer(warehouse, stored) == [("u1", "", 80_000), ("u2", "batch", 400_000), ("u1", "", 8_000_000)]
    former = "SELECT user_id, service_tier, toInt64(cost_usd * 1000000000) FROM corrections_log ORDER BY cost_usd"
    assert answer(warehouse, former)[:2] == [("u1", "batch", 40_000), ("u1", "", 80_000)]


def test_replaced_quantities_are_priced_also_of_events_to_come(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    row = PriceRow("maker", "large", "Large", "", "web_searches_kcount", Decimal(10), 1_000, 0, "test")
    given = rules()
    books = Books.of(PriceBook.from_rows([row], revision=1), credits_table(1))
    wanted = {"web_searches": 1000, "audio_seconds": "0.000000001"}
    events = [{**key_of(each), "set": {"quantities": wanted, "input_tokens": 0}} for each in (FIRST, SECOND, LATER)]
    told: list[Posted | Told] = [
        Told("replace", {"events": events}, number=1),
        Posted((LATER,)),
        Told("replace", {"events": [{**key_of(SECOND), "set": {"quantities": {}}}]}, number=2),
    ]
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), *told], rules=Rules(given.routing, given.times, books))
    assert is_right(warehouse)
    stored = "SELECT quantities, cost_nano_usd, toString(cost_status) FROM usage_raw FINAL ORDER BY time"
    full = {"audio_seconds": Decimal("0.000000001"), "web_searches": Decimal(1000)}
    assert answer(warehouse, stored) == [
        (full, 10 * 10**9, "partial"),
        ({}, 0, "priced"),
        (full, 10 * 10**9, "partial"),
    ]


def test_corrections_of_one_event_follow_each_other(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    told = [
        Told("replace", {"selection": {"user_id": "u1"}, "set": {"user_id": "u2"}}, number=1),
        Told("replace", {"selection": {"user_id": "u2"}, "set": {"input_tokens": 5}}, number=2),
        Told("void", {"selection": {"user_id": "u1"}}, number=3),
        Told("amend", {"events": [{**key_of(FIRST), "set": {"rating": 2}}]}, number=4),
    ]
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), *told])
    assert is_right(warehouse)
    assert counted(warehouse) == {"u2": (2, 10 * INPUT_NANO_USD)}
    versions = answer(
        warehouse, "SELECT control_offset, former_control_offset FROM corrections ORDER BY event_id, control_offset"
    )
    assert sorted(versions) == [(2, 0), (3, 0), (3, 2), (5, 3)]


@pytest.mark.parametrize("is_first", [True, False])
def test_e23_an_absurd_replacement_takes_no_other_correction_with_it_in_either_order(
    warehouse: Client, sink: Sink, tmp_path: Path, *, is_first: bool
) -> None:
    absurd = {"set": {"input_tokens": 10**12}}
    told = [
        Told("replace", {"events": [{**key_of(each), **absurd} for each in (FIRST, SECOND)]}, number=1),
        Told("void", {"events": [key_of(FIRST)]}, number=2),
        Told("amend", {"events": [{**key_of(SECOND), "set": {"rating": 1}}]}, number=3),
    ]
    events = Posted((FIRST, SECOND))
    live(sink, tmp_path / "a", [events, *told, Posted((LATER,))] if is_first else [*told, events, Posted((LATER,))])
    found = answer(warehouse, "SELECT user_id, input_tokens, rating, control_offset > 0 FROM usage_raw FINAL")
    assert sorted(found) == [("u1", 1000, None, False), ("u2", 100, 1, True)]
    assert counted(warehouse) == {"u1": (1, 1000 * INPUT_NANO_USD), "u2": (1, 100 * INPUT_NANO_USD)}
    assert [str(each) for each in reconcile(warehouse).differences] == []


def test_e19_unsigned_records_change_nothing_and_are_kept(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    forged = Told("void", {"selection": {"user_id": "u1"}}, signed=False)
    worker = live(sink, tmp_path / "a", [Posted((FIRST,)), forged, Posted((LATER,))])
    assert counted(warehouse) == {"u1": (2, 1010 * INPUT_NANO_USD)}
    assert answer(warehouse, "SELECT count() FROM jobs") == [(0,)]
    [refused] = worker.fake.warehouse.rejections.values()
    assert refused.reason == "the control record is not signed with this installation's key"
    assert refused.raw == forged.value
    assert worker.state.partitions[0].counts.rejected == 0


def test_e19_a_repeated_record_changes_nothing(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    void = Told("void", {"selection": {"user_id": "u1"}})
    live(sink, tmp_path / "a", [Posted((FIRST,)), void], last=True)
    live(sink, tmp_path / "a", [Posted((FIRST,)), void, Posted((LATER,)), void])
    assert counted(warehouse) == {"u1": (1, 1000 * INPUT_NANO_USD)}
    assert is_right(warehouse)
    outcomes = answer(warehouse, "SELECT src_offset, toString(outcome) FROM control_log FINAL ORDER BY src_offset")
    assert outcomes == [(1, "applied"), (3, "repeated")]


def test_a_replay_builds_every_row_anew_beside_those_in_use(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    replay = Told("replay", {"first": "2026-01-01"}, organization="")
    posted: list[Posted | Told] = [Posted((FIRST, SECOND)), replay, Posted((LATER,))]
    live(sink, tmp_path / "a", posted[:1])
    before = counted(warehouse)
    warehouse.command("INSERT INTO rollup SELECT * REPLACE (requests + 1 AS requests) FROM rollup FINAL")
    warehouse.command("INSERT INTO rollup SELECT * REPLACE ('nobody' AS user_id) FROM rollup FINAL")
    assert counted(warehouse) != before
    live(sink, tmp_path / "a", posted)
    assert counted(warehouse) == {**before, "u1": (2, 1010 * INPUT_NANO_USD)}
    assert is_right(warehouse)
    assert answer(warehouse, "SELECT toString(state), slices FROM jobs FINAL") == [("done", 1)]
    assert answer(warehouse, "SELECT events FROM repairs FINAL") == [(4,)], "rows that differed"
    assert answer(warehouse, "SELECT count() FROM replayed_rollup") == [(0,)]


@pytest.mark.parametrize("told", [Told("void", {"events": [key_of(SECOND)]}), Told("erase", {"user_id": "u2"})])
def test_e20_reconcile_is_silent_between_raw_events_and_rows_of_a_job(
    warehouse: Client, sink: Sink, tmp_path: Path, told: Told
) -> None:
    between: list[tuple[int, list[str]]] = []
    spans = Repairs.spans

    def compared(repairs: Repairs, work: Bundle) -> list[tuple[int, int]]:
        report = reconcile(warehouse)
        between.append((report.differing, report.notes))
        return spans(repairs, work)

    with patch.object(Repairs, "spans", compared):
        live(sink, tmp_path / "a", [Posted((FIRST, SECOND, LATER)), told])
    [(differing, notes)] = between
    assert differing == 0
    assert f"1 day of an organization is still to be done by job {told.control_id} ({told.kind}):" in " ".join(notes)
    assert is_right(warehouse)
    assert reconcile(warehouse).notes == []


def test_e20_a_job_that_cannot_be_planned_fails_and_the_next_one_is_done(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    told = [Told("void", {"selection": {"user_id": user}}, number=number) for number, user in enumerate(("u1", "u2"))]
    plan = planning.plan

    def refused(job: Job, *others: Any) -> str:
        if job.control_id == told[0].control_id:
            raise WarehouseRefused("no such column")
        return plan(job, *others)

    with patch.object(planning, "plan", refused):
        live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), *told])
    states = answer(warehouse, "SELECT toString(state), message FROM jobs FINAL ORDER BY src_offset")
    assert states == [("failed", "no such column"), ("done", "")]
    assert counted(warehouse) == {"u1": (1, 10 * INPUT_NANO_USD)}


def test_e20_what_is_too_much_to_rewrite_at_once_is_halved(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    derive, strained = sink.derive, list[str]()

    def small_warehouse(sql: str, asked: pl.DataFrame | None = None) -> None:
        if "INSERT INTO usage_raw" in sql and not strained:
            strained.append(sql)
            raise WarehouseStrained("memory limit exceeded")
        derive(sql, asked)

    with patch.object(sink, "derive", small_warehouse):
        live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), Told("void", {"selection": {"model": "large"}})])
    assert len(strained) == 1
    assert counted(warehouse) == {}
    assert is_right(warehouse)


@pytest.mark.parametrize(
    ("kind", "body", "left"),
    [
        ("void", {"selection": {"model": "large"}}, 2),
        ("amend", {"events": [{**key_of(FIRST), "set": {"rating": 1}}]}, 1),
        ("repair", {"first": "2026-01-01", "last": "2026-12-31"}, 2),
        ("replay", {"first": "2026-01-01"}, 2),
    ],
)
def test_e13_a_job_tells_how_many_events_it_leaves_on_days_that_may_lack_others(
    warehouse: Client, sink: Sink, tmp_path: Path, kind: str, body: dict[str, Any], left: int
) -> None:
    late = Posted((replace(LATER, time=BEGIN + timedelta(days=30)),), after=timedelta(days=30))
    kept = rules(TimeRules(retention_days=30))
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), late, Told(kind, body)], rules=kept)
    [(state, message)] = answer(warehouse, "SELECT toString(state), message FROM jobs FINAL")
    assert state == "done"
    told = f"{left} events are" if left > 1 else "1 event is"
    assert message.startswith(f"{told} left as counted, of days before 2026-04-06: raw usage may be deleted once")
    assert counted(warehouse)["u2"] == (1, 100 * INPUT_NANO_USD)


def test_what_records_did_to_an_event_is_found_by_its_id(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    told = [
        Told("replace", {"events": [{**key_of(FIRST), "set": {"input_tokens": 7}}]}, number=1),
        Told("void", {"events": [key_of(FIRST)]}, number=2),
        Told("erase", {"user_id": "u2"}, number=3),
        Told("amend", {"events": [{**key_of(LATER), "set": {"rating": 2}}]}, number=4),
    ]
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), *told])
    assert is_right(warehouse)
    [void] = ask(warehouse, CountedEvents(UUID(key_of(FIRST)["event_id"]), ""))
    assert void.void
    versions = ask(warehouse, FormerVersions(void))
    assert [(each.kind, each.input_tokens, each.cost_usd) for each in versions] == [
        ("replace", 10, Decimal("0.00002")),
        ("void", 7, Decimal("0.000014")),
    ]
    assert [each.asked for each in versions] == [BEGIN + timedelta(hours=2, seconds=number) for number in (2, 3)]
    second, later = (UUID(key_of(sent)["event_id"]) for sent in (SECOND, LATER))
    assert ask(warehouse, CountedEvents(second, "")) == []
    [owner] = ask(warehouse, TombstonedOrganizations())
    hashed = Tombstones(lambda: ERASURE_KEY).hashed(owner, second.bytes)
    [gone] = ask(warehouse, Tombstone([(owner, UUID(bytes=hashed))]))
    assert (gone.offset, gone.index, gone.control_id) == (0, 1, told[2].control_id)
    assert gone.asked == BEGIN + timedelta(hours=2, seconds=4)
    [said] = ask(warehouse, AwaitedChanges(later))
    assert (said.kind, said.met, said.control_id) == ("amend", -1, told[3].control_id)
    assert ask(warehouse, AwaitedChanges(later, "zen")) == []


def test_analysts_see_what_was_changed_by_whom_when_and_why(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    told = Told("replace", {"events": [{**key_of(FIRST), "set": {"input_tokens": 7, "user_id": "u3"}}]}, number=1)
    warehouse.insert(
        "control_records",
        [(UUID(told.control_id), "replace", "acme", "ada", "wrong unit")],
        column_names=("control_id", "kind", "organization", "author", "note"),
    )
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), told])
    columns = "user_id, kind, author, note, job_state, first_version, total_input_tokens, cost_usd, asked"
    assert answer(warehouse, f"SELECT {columns} FROM corrections_log") == [
        *[("u1", "replace", "ada", "wrong unit", "done", 1, 10, Decimal("0.00002"), naive(2))]
    ]


def naive(seconds: int) -> datetime:
    """So long after the log began, as the driver gives instants."""
    return (BEGIN + timedelta(hours=2, seconds=seconds)).replace(tzinfo=None)


def test_e30_running_totals_are_those_of_the_log_with_control_records_in_it(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    told = [
        Told("void", {"events": [key_of(SECOND)]}, number=1),
        Told("void", {"events": [key_of(SECOND)]}, number=1),
        Told("void", {"selection": {"user_id": "u2"}}, number=2, signed=False),
        Told("erase", {"user_id": "u1"}, number=3),
    ]
    posted: list[Posted | Told] = [Posted((FIRST, SECOND, LATER), bad_lines=(b"no json",)), *told, Posted((SECOND,))]
    worker = live(sink, tmp_path / "a", posted)
    messages = [
        LogMessage(each.partition, each.offset, headers_=list(each.headers.items()), value_=each.value)
        for each in worker.log.messages
    ]
    source = StoredLog(messages)
    counter = LogCounter(Reconciler(warehouse), "usage.events", source, source)  # type: ignore[arg-type]
    comparison = counter.compared()
    assert (comparison.rows, comparison.differences, counter.notes) == (1, (), [])
    counted = "SELECT offset, seen, accepted FROM log_counts FINAL WHERE src_partition = 0"
    assert answer(warehouse, counted) == [(5, 5, 3)]
    assert is_right(warehouse)


@dataclass
class StoredLog:
    """The messages of a simulation as the log reader and its inspector see them."""

    messages: list[LogMessage]
    assigned: dict[int, int] = field(default_factory=dict)

    def state(self, partitions: list[int]) -> LogState:
        ends = {number: sum(each.partition() == number for each in self.messages) for number in partitions}
        return LogState(TOPIC_ID, dict.fromkeys(partitions, 0), ends)

    def assign(self, places: list[TopicPartition]) -> None:
        self.assigned = {place.partition: place.offset for place in places}

    def incremental_unassign(self, places: list[TopicPartition]) -> None:
        for place in places:
            del self.assigned[place.partition]

    def consume(self, _most: int, _seconds: float) -> list[LogMessage]:
        return [each for each in self.messages if each.partition() in self.assigned]


def test_metrics_tell_what_records_and_jobs_did(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    void = Told("void", {"selection": {"user_id": "u1"}}, number=1)
    forged = Told("void", {"selection": {"user_id": "u2"}}, number=2, signed=False)
    too_new = Told("reprice", {"prices": 9}, number=3)
    open_before: list[dict[str, int]] = []
    rewrite = Jobs.rewrite

    def seen(jobs_: Jobs, *arguments: Any) -> int:
        open_before.append(dict(jobs_.told))
        return rewrite(jobs_, *arguments)

    with patch.object(Jobs, "rewrite", seen):
        worker = live(sink, tmp_path / "a", [Posted((FIRST, SECOND, LATER)), void, void, forged, too_new])
    metrics = worker.metrics
    outcomes = {name: metrics.control_records.labels(name)._value.get() for name in ("applied", "repeated", "refused")}
    assert outcomes == {"applied": 1, "repeated": 1, "refused": 2}
    assert metrics.slices.labels("done")._value.get() == 1
    assert metrics.rewritten_events._value.get() == 2
    assert [each["open"] for each in open_before] == [1]
    assert (metrics.open_jobs._value.get(), metrics.slices_left._value.get()) == (0, 0)
    assert worker.foreman.jobs.told == {"open": 0, "slices_left": 0}
