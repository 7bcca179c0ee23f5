"""Workers on poison (rule E29): processes end again and again, the culprit alone is set apart, replays agree."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import ANY

import polars as pl
import pytest

from producers.control.record import read_record
from producers.envelopes import sent
from producers.envelopes.sent import SentLines
from stream_jobs.errors import SetApart
from stream_jobs.rollups import row_store
from stream_jobs.worker import control
from stream_jobs.worker.poison.attempts import DEATHS_BEFORE_CARE
from tests.stream_jobs.worker.fake_sink import FakeSink, Fate
from tests.stream_jobs.worker.sent import Log, Posted, Sent, Told
from tests.stream_jobs.worker.simulation import Simulation, Step
from tokentally import UsageEvent
from warehouse.errors import WarehouseRefused

DEADLY = "deadly"
ENDS = (ZeroDivisionError, WarehouseRefused, SetApart)
LIVES = 40


def a_log(*deadly: int, envelopes: int = 12, an_envelope: int = 4) -> Log:
    """Envelopes of one partition; the events with these numbers are deadly."""
    numbers = range(0, envelopes * an_envelope, an_envelope)
    sent = {n: Sent(n, user=DEADLY if n in deadly else f"u{n % 3}") for n in range(numbers.stop + an_envelope)}
    return Log([Posted(tuple(sent[first + n] for n in range(an_envelope)), after=timedelta(0)) for first in numbers])


def lived(simulation: Simulation) -> list[BaseException]:
    """Workers one after the other until one reaches the end of the log; how the others ended."""
    ends: list[BaseException] = []
    for _ in range(LIVES):
        try:
            simulation.live(last=True)
        except ENDS as end:
            ends.append(end)
        else:
            return ends
    pytest.fail(f"the log was not finished by {LIVES} workers: {ends[-1]!r}")


def quarantined(simulation: Simulation) -> set[tuple[int, int]]:
    return {key[1:] for key in simulation.warehouse.tables["quarantine"]}


@pytest.fixture
def deadly_to_decode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines with the mark end whoever decodes them."""
    real = sent.read_lines

    def read_lines(lines: list[bytes]) -> SentLines:
        if any(DEADLY.encode() in line for line in lines):
            raise ZeroDivisionError(DEADLY)
        return real(lines)

    monkeypatch.setattr(sent, "read_lines", read_lines)


@pytest.fixture
def deadly_to_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """The warehouse refuses raw rows with the mark."""
    real = FakeSink.insert

    def insert(self: FakeSink, table: str, frame: pl.DataFrame, *check: Callable[[], None]) -> None:
        if table == "usage_raw" and DEADLY in frame["user_id"]:
            raise WarehouseRefused("Code: 53. DB::Exception: it cannot be converted")
        real(self, table, frame, *check)

    monkeypatch.setattr(FakeSink, "insert", insert)


@pytest.mark.usefixtures("deadly_to_decode")
@pytest.mark.parametrize("deadly", [(0,), (17,), (17, 18, 45), (8, 9, 10, 11)])
def test_e29_only_the_events_that_end_the_process_are_set_apart(deadly: tuple[int, ...]) -> None:
    simulation = Simulation(a_log(*deadly))
    ends = lived(simulation)
    assert len(ends) >= DEATHS_BEFORE_CARE
    assert quarantined(simulation) == {(n // 4, n % 4) for n in deadly}
    assert simulation.requests() == 48 - len(deadly)
    assert simulation.counts()[0] == {
        "seen": 48,
        "accepted": 48 - len(deadly),
        "duplicates": 0,
        "rejected": len(deadly),
    }
    assert set(simulation.warehouse.rejections) == {f"0-{n // 4}-{n % 4}" for n in deadly}
    refused = simulation.warehouse.rejections[f"0-{deadly[0] // 4}-{deadly[0] % 4}"]
    assert refused.reason.startswith("quarantined: the event ZeroDivisionError")
    assert refused.organization == "acme"
    assert refused.event_id == f"event {deadly[0]}"


@pytest.mark.usefixtures("deadly_to_decode")
def test_e29_a_replay_from_an_earlier_progress_agrees() -> None:
    simulation = Simulation(a_log(17, 30))
    lived(simulation)
    before: dict[str, Any] = {"rows": simulation.sums("rollup", "quarter"), "counts": simulation.counts()}
    simulation.warehouse.tables["partition_progress"].clear()
    assert lived(simulation) == []  # nothing deadly is looked into again
    assert {"rows": simulation.sums("rollup", "quarter"), "counts": simulation.counts()} == before


@pytest.mark.usefixtures("deadly_to_store")
@pytest.mark.parametrize("deadly", [(0,), (17,), (17, 18, 45)])
def test_e29_rows_that_the_warehouse_refuses_are_found_by_halving_the_insert(deadly: tuple[int, ...]) -> None:
    simulation = Simulation(a_log(*deadly))
    ends = lived(simulation)
    assert any(isinstance(end, SetApart) for end in ends)
    assert quarantined(simulation) == {(n // 4, n % 4) for n in deadly}
    assert simulation.requests() == 48 - len(deadly)
    stored = {(row["src_offset"], row["src_index"]) for row in simulation.warehouse.rows("usage_raw")}
    assert stored == {(n // 4, n % 4) for n in range(48) if n not in deadly}


def test_e29_a_table_that_takes_nothing_puts_nothing_into_quarantine(monkeypatch: pytest.MonkeyPatch) -> None:
    def insert(self: FakeSink, table: str, frame: pl.DataFrame, *check: Callable[[], None]) -> None:
        if table == "usage_raw":
            raise WarehouseRefused("Code: 60. DB::Exception: the table is not there")
        real(self, table, frame, *check)

    real = FakeSink.insert
    simulation = Simulation(a_log())
    with monkeypatch.context() as broken:
        broken.setattr(FakeSink, "insert", insert)
        for _ in range(4 * DEATHS_BEFORE_CARE):
            with pytest.raises(WarehouseRefused):
                simulation.live(last=True)
    assert lived(simulation) == []
    assert quarantined(simulation) == set()
    assert simulation.requests() == 48


@pytest.mark.parametrize("write", range(0, 8, 2))
def test_e29_healthy_data_under_any_number_of_kills_is_counted(write: int) -> None:
    simulation = Simulation(a_log())
    for _ in range(4 * DEATHS_BEFORE_CARE):
        simulation.live(Step(3, "drain"), Step(3, "drain"), fate=Fate(dies_at=write))
    simulation.finish()
    assert quarantined(simulation) == set()
    assert simulation.requests() == 48


@pytest.mark.usefixtures("deadly_to_decode")
def test_e29_the_other_partition_loses_nothing() -> None:
    posted = [*a_log(9).posted]
    others = [Posted((Sent(100 + n, organization="zen"),), 1, after=timedelta(0)) for n in range(6)]
    simulation = Simulation(Log([envelope for pair in zip(posted, others * 2, strict=True) for envelope in pair]))
    lived(simulation)
    assert quarantined(simulation) == {(2, 1)}
    assert simulation.requests() == 47 + 6


@pytest.mark.parametrize("again", [0, 1])
def test_what_would_make_a_sum_too_large_is_set_apart_at_once(again: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """4,000 tokens are 8 million nano-USD; the row of one user holds 10 million."""
    monkeypatch.setattr(row_store, "ROW_LIMIT", 10_000_000)
    large = Sent(2, user="a", input_tokens=4000)
    envelopes = (Sent(0, user="a", input_tokens=4000), Sent(1, user="b")), (large, Sent(3, user="b"))
    simulation = Simulation(Log([Posted(events, after=timedelta(0)) for events in envelopes]))
    simulation.live(Step(1, "drain"))
    with pytest.raises(SetApart, match="partition 0: 1 events are in quarantine"):
        simulation.live(again=again, last=True)
    simulation.finish()
    (held,) = simulation.warehouse.tables["quarantine"].values()
    assert (held["src_offset"], held["src_index"]) == (1, 0)
    assert held["reason"].startswith("quarantined: the events of one take and what is stored would take a row")
    as_sent = json.loads(UsageEvent.model_validate(large.fields).to_json())
    assert json.loads(held["raw"]) == as_sent | {"event_id": ANY, "source_id": as_sent["event_id"]}
    assert simulation.requests() == 3
    assert simulation.counts()[0] == {"seen": 4, "accepted": 3, "duplicates": 0, "rejected": 1}


VOID = Told("void", {"selection": {"user_id": DEADLY}}, number=7)
NAMED = Told("void", {"events": [{"event_id": "00000000-0000-4000-8000-000000000001", "time": "2026-03-28T12:00Z"}]})
PLACE = 5
"""Where the record stands in its log."""


def with_a_record(told: Told) -> Log:
    """Twelve envelopes of four events, and a control record among them."""
    posted = list(a_log().posted)
    return Log([*posted[:PLACE], told, *posted[PLACE:]])


def control_log(simulation: Simulation) -> list[tuple[Any, ...]]:
    names = ("src_offset", "control_id", "kind", "organization", "outcome")
    return [tuple(row[name] for name in names) for row in simulation.warehouse.rows("control_log")]


def is_refused_and_the_rest_counted(simulation: Simulation, told: Told) -> None:
    assert quarantined(simulation) == {(PLACE, -1)}
    assert control_log(simulation) == [(PLACE, told.control_id, "void", "acme", "refused")]
    [row] = simulation.warehouse.rows("control_log")
    assert row["reason"].startswith("quarantined: ")
    assert simulation.warehouse.rejections[f"0-{PLACE}-all"].reason == row["reason"]
    assert simulation.requests() == 48
    assert simulation.counts()[0] == {"seen": 48, "accepted": 48, "duplicates": 0, "rejected": 0}


@pytest.fixture
def deadly_to_apply(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record with the mark ends whoever reads it."""

    def read(value: bytes, *more: Any) -> Any:
        if DEADLY.encode() in value:
            raise ZeroDivisionError(DEADLY)
        return read_record(value, *more)

    monkeypatch.setattr(control, "read_record", read)


@pytest.mark.usefixtures("deadly_to_apply")
def test_e29_a_control_record_that_ends_the_process_is_refused_after_three_deaths() -> None:
    simulation = Simulation(with_a_record(VOID))
    assert len(lived(simulation)) == DEATHS_BEFORE_CARE
    is_refused_and_the_rest_counted(simulation, VOID)
    assert not list(simulation.warehouse.rows("jobs"))


@pytest.mark.usefixtures("deadly_to_apply")
def test_e29_a_replay_skips_the_same_control_record() -> None:
    simulation = Simulation(with_a_record(VOID))
    lived(simulation)
    for table in ("partition_progress", "control_log"):
        simulation.warehouse.tables[table].clear()
    assert lived(simulation) == []
    is_refused_and_the_rest_counted(simulation, VOID)


@pytest.mark.parametrize("table", ["jobs", "awaited_events", "control_log"])
def test_e29_a_control_record_whose_rows_the_warehouse_refuses_is_refused(
    table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FakeSink.insert

    def insert(self: FakeSink, into: str, frame: pl.DataFrame, *check: Callable[[], None]) -> None:
        if into == table and (into != "control_log" or "applied" in frame["outcome"]):
            raise WarehouseRefused("Code: 53. DB::Exception: it cannot be converted")
        real(self, into, frame, *check)

    monkeypatch.setattr(FakeSink, "insert", insert)
    simulation = Simulation(with_a_record(NAMED))
    ends = lived(simulation)
    assert len(ends) == DEATHS_BEFORE_CARE + 1
    assert isinstance(ends[-1], SetApart)
    is_refused_and_the_rest_counted(simulation, NAMED)


def test_e29_a_table_that_takes_nothing_refuses_no_control_record(monkeypatch: pytest.MonkeyPatch) -> None:
    real = FakeSink.insert

    def insert(self: FakeSink, table: str, frame: pl.DataFrame, *check: Callable[[], None]) -> None:
        if table == "jobs":
            raise WarehouseRefused("Code: 60. DB::Exception: the table is not there")
        real(self, table, frame, *check)

    simulation = Simulation(with_a_record(VOID))
    with monkeypatch.context() as broken:
        broken.setattr(FakeSink, "insert", insert)
        for _ in range(4 * DEATHS_BEFORE_CARE):
            with pytest.raises(WarehouseRefused):
                simulation.live(last=True)
    assert lived(simulation) == []
    assert [row[-1] for row in control_log(simulation)] == ["applied"]
    assert quarantined(simulation) == set()


def test_e29_who_ends_while_a_revision_is_waited_for_did_not_die_of_its_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content_hash = "a" * 64
    body = {"subject": "prices", "revision": 1, "content_hash": content_hash}
    simulation = Simulation(with_a_record(Told("config", body, organization="")))

    def ends(_seconds: float) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as waiting:
        waiting.setattr("stream_jobs.worker.contents.time.sleep", ends)
        for _ in range(4 * DEATHS_BEFORE_CARE):
            with pytest.raises(ZeroDivisionError):
                simulation.live(last=True)
    named = {"kind": "prices", "revision": 1, "organization": "", "content_hash": content_hash, "content": ""}
    simulation.warehouse.store("config_revisions", [named])
    assert lived(simulation) == []
    assert [row[-1] for row in control_log(simulation)] == ["applied"]
    assert quarantined(simulation) == set()
