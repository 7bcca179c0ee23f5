"""Erasures on the real engine: nothing stays of whom a record names, and nobody else changes."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from clickhouse_connect.driver.client import Client

from producers.timeliness.rules import TimeRules
from stream_jobs.erasure import erasure
from stream_jobs.erasure.erasure import OF_ERASURES
from stream_jobs.erasure.statements import replaced_parts
from stream_jobs.erasure.sweep import Sweep, Swept
from stream_jobs.erasure.sweeping import Sweeping
from stream_jobs.worker import jobs, sweeps
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.lived import (
    FIRST,
    LATER,
    NOBODY,
    SECOND,
    THIRD,
    answer,
    bring_back,
    came_back,
    complete,
    counted,
    is_right,
    key_of,
    live,
    prepared,
    stored,
)
from tests.stream_jobs.worker.sent import BEGIN, INPUT_NANO_USD, Posted, Sent, Told, rules
from tests.stream_jobs.worker.simulation import ERASURE_KEY, GENERATION
from warehouse.errors import WarehouseStrained

pytestmark = pytest.mark.integration
__all__ = ["prepared"]
ERASED = "SELECT count() FROM {} WHERE user_id = 'u1'"


def test_e24_an_erased_user_leaves_every_table_and_nobody_else_changes(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    erase = Told("erase", {"user_id": "u1"}, number=1)
    amend = Told("amend", {"events": [{**key_of(FIRST), "set": {"rating": 2}}]})
    worker = live(sink, tmp_path / "a", [Posted((FIRST, SECOND, LATER)), amend, erase])
    assert counted(warehouse) == {"u2": (1, 100 * INPUT_NANO_USD)}
    assert is_right(warehouse)
    for table in ("usage_raw", "rollup", "corrections"):
        assert answer(warehouse, ERASED.format(table)) == [(0,)], table
    assert answer(warehouse, "SELECT count() FROM rollup_thread WHERE thread_id = 't'") == [(0,)]
    lookups = "SELECT (SELECT count() FROM event_id_lookup), (SELECT count() FROM event_id_log)"
    assert answer(warehouse, lookups) == [(1, 1)]
    assert worker.state.partitions[0].counts.accepted == 3


@pytest.mark.parametrize("body", [{"user_id": "u9"}, {}])
@pytest.mark.parametrize("restarts", [False, True])
def test_e24_what_would_make_an_event_the_erased_users_is_awaited_no_more(
    warehouse: Client, sink: Sink, tmp_path: Path, body: dict[str, str], *, restarts: bool
) -> None:
    """The event comes as it was sent, whether or not a worker has begun anew in between (rule E23)."""
    both = [{**key_of(LATER), "set": {"user_id": "u9"}}, {**key_of(THIRD), "set": {"user_id": "u3"}}]
    posted: list[Posted | Told] = [
        Posted((SECOND,)),
        Told("replace", {"events": both}, number=1),
        Told("erase", body, number=2),
        Posted((LATER, THIRD)),
    ]
    if restarts:
        live(sink, tmp_path / "a", posted[:3])
    live(sink, tmp_path / "a", posted)
    third = "u3" if body else "u4"
    assert {user for user in counted(warehouse) if user != "u2"} == {"u1", third}
    assert answer(warehouse, "SELECT count() FROM awaited_events FINAL WHERE met = -1") == [(0,)]
    assert is_right(warehouse)


ODD = 'Zoë "x" \\ a/b'


def test_e24_a_user_whose_id_json_escapes_is_found_in_kept_bytes(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    kept = [json.dumps({"u": ODD}, ensure_ascii=False), json.dumps({"user_id": ODD}), json.dumps({"user_id": "Zoë"})]
    for raw in kept:
        warehouse.command(
            f"INSERT INTO rejected (organization, raw, time) VALUES ('acme', %(raw)s, '{BEGIN:%F}')",
            parameters={"raw": raw},
        )
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), Told("erase", {"user_id": ODD})])
    assert answer(warehouse, "SELECT raw FROM rejected") == [(kept[2],)]


def test_e24_a_user_is_found_in_broken_bytes_in_which_json_escapes_every_letter(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    user = "Jos\u00e9/\U0001f600"
    small = json.dumps({"user_id": user})
    large = small.replace("\\u00e9", "\\u00E9").replace("\\ud83d\\ude00", "\\uD83D\\uDE00")
    kept = [small[:-1], large + "\n" + large, small.replace("/", "\\/")[:-1], json.dumps({"user_id": "Jos\u00e9"})[:-1]]
    for raw in kept:
        warehouse.command("INSERT INTO rejected (organization, raw) VALUES ('acme', %(raw)s)", parameters={"raw": raw})
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), Told("erase", {"user_id": user})])
    assert answer(warehouse, "SELECT raw FROM rejected") == [(kept[3],)]


def test_e24_what_is_entered_again_after_an_erasure_stays(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    """Also when it is swept again."""
    posted: list[Posted | Told] = [Posted((FIRST, SECOND)), Told("erase", {"user_id": "u1"})]

    def entered(moment: datetime, name: str) -> None:
        row = ["acme", "user", "u1", moment, moment, name, "ada", "a test"]
        names = ["organization", "kind", "entity_id", "effective_from", "created", "display_name", "author", "source"]
        warehouse.insert("directory_entries", [row], column_names=names)
        raw = ["acme", f'{{"user_id": "u1", "note": "{name}"}}', moment, name]
        warehouse.insert("rejected", [raw], column_names=["organization", "raw", "time", "rejection_id"])

    entered(BEGIN, "before")
    live(sink, tmp_path / "a", posted[:1])
    entered(BEGIN + timedelta(hours=3), "after")
    for _ in range(2):
        live(sink, tmp_path / "a", posted)
        warehouse.command("ALTER TABLE erasures UPDATE due = now64(3) - 1 WHERE 1 SETTINGS mutations_sync = 2")
    assert answer(warehouse, "SELECT toString(state) FROM erasures FINAL") in ([("swept",)], [("complete",)])
    assert answer(warehouse, "SELECT display_name FROM directory_entries") == [("after",)]
    assert answer(warehouse, "SELECT rejection_id FROM rejected") == [("after",)]


def test_e24_bytes_of_an_erased_organization_are_found_where_nobody_could_read_an_event(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    """Lines of an envelope, and what is no JSON; those of others stay, also where they name it otherwise."""
    mine = ['{"organization": "acme", "n": 1}\n{"organization": "acme", "n": 2}', '{"organization" :"acme", no json']
    others = ['{"organization": "acme two"}\n{}', '{"organization": "zen", "user_id": "acme"}\n{}']
    for number, raw in enumerate((*mine, *others)):
        told = {"raw": raw, "number": number}
        warehouse.command("INSERT INTO rejected (rejection_id, raw) VALUES (%(number)s, %(raw)s)", parameters=told)
        warehouse.command(
            "INSERT INTO quarantine (src_partition, src_offset, raw) VALUES (7, %(number)s, %(raw)s)", parameters=told
        )
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), Told("erase", {})])
    left = sorted((raw,) for raw in others)
    assert answer(warehouse, "SELECT raw FROM rejected ORDER BY raw") == left
    assert answer(warehouse, "SELECT raw FROM quarantine WHERE raw != '' ORDER BY raw") == left
    assert counted(warehouse) == {}


def test_e24_what_is_set_apart_stays_apart_and_only_names_nobody_any_more(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    """Also a record that was set apart when its job was stored already; what others sent keeps its bytes."""
    zen, more = Sent(50, organization="zen", user="u1"), Sent(51, organization="zen", user="u7")
    apart = Posted((zen, more), 1)
    posted: list[Posted | Told] = [Posted((FIRST, SECOND, LATER)), apart]
    poison = Told("void", {"selection": {"user_id": "u1"}})
    job = {
        "src_partition": 0,
        "control_id": poison.control_id,
        "src_offset": 1,
        "kind": "void",
        "organization": "acme",
        "body": json.dumps(poison.body),
        "state": "asked",
        "asked": BEGIN,
        "version": 1,
    }
    warehouse.insert("jobs", [list(job.values())], column_names=list(job))
    places = [[1, 0, -1, "it ended", apart.value], [0, 1, -1, 'it was about "u1"', poison.value]]
    warehouse.insert("quarantine", places, column_names=["src_partition", "src_offset", "src_index", "reason", "raw"])
    posted += [poison, Told("erase", {"user_id": "u1"}, number=7)]
    for _ in range(2):
        live(sink, tmp_path / "a", posted)
    assert counted(warehouse) == {"u2": (1, 100 * INPUT_NANO_USD)}
    assert answer(warehouse, "SELECT organization FROM usage_raw FINAL WHERE organization != 'acme'") == []
    jobs = answer(warehouse, "SELECT toString(kind), toString(state) FROM jobs FINAL ORDER BY src_offset")
    assert jobs == [("void", "asked"), ("erase", "done")]
    kept = answer(
        warehouse, "SELECT src_partition, src_offset, reason, raw FROM quarantine FINAL ORDER BY src_partition"
    )
    assert kept == [(0, 1, "", ""), (1, 0, "it ended", apart.value.decode())]


def test_e24_a_user_is_not_in_what_the_directory_says_of_others(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    user = "user-77-secret"
    said: list[tuple[str, str, str | None, dict[str, str]]] = [
        ("user", user, "Ada", {"manager": "u2"}),
        ("user", "u2", "Bob", {"manager": user, "team": "red"}),
        ("api_key", "k1", f"key of {user}", {user: "owner"}),
        ("project", "p1", "77", {}),
        ("project", "p2", None, {"owner": f"{user}s"}),
    ]
    rows = [["acme", kind, name, BEGIN, words, pairs, BEGIN, "ada", "csv"] for kind, name, words, pairs in said]
    names = ["organization", "kind", "entity_id", "effective_from", "display_name", "attributes", "created"]
    warehouse.insert("directory_entries", rows, column_names=[*names, "author", "source"])
    posted: list[Posted | Told] = [Posted((Sent(1, user=user), SECOND)), Told("erase", {"user_id": user})]
    for _ in range(2):
        live(sink, tmp_path / "a", posted)
        warehouse.command("ALTER TABLE erasures UPDATE due = now64(3) - 1 WHERE 1 SETTINGS mutations_sync = 2")
    left = "SELECT entity_id, display_name, attributes FROM directory_entries FINAL ORDER BY entity_id"
    assert answer(warehouse, left) == [
        ("k1", "", {}),
        ("p1", "77", {}),
        ("p2", None, {"owner": f"{user}s"}),
        ("u2", "Bob", {"manager": "", "team": "red"}),
    ]


def test_e24_refusals_in_which_nobody_but_another_organization_is_named_are_left_to_it(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    lines = ['{"organization": "zen", "user_id": "u1"}\n{', '{"organization": "ac', '{"organization": "zen']
    raws = [lines[0], *(f'{{"user_id": "u1"}} {line}' for line in lines[1:]), '{"organization": "acme", "by": "u1"}\n{']
    for raw in raws:
        warehouse.command("INSERT INTO rejected (raw) VALUES (%(raw)s)", parameters={"raw": raw})
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), Told("erase", {"user_id": "u1"})])
    assert answer(warehouse, "SELECT raw FROM rejected") == [(raws[0],)]


def test_e16_copies_of_erased_events_stay_copies_also_after_a_restart(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    erase = Told("erase", {"user_id": "u1"})
    copies = [Posted((FIRST, LATER)), Posted((Sent(4, LATER.time, user="u1"),))]
    with patch.object(erasure, "HASHED_AT_ONCE", 1):
        live(sink, tmp_path / "a", [Posted((FIRST, SECOND, LATER)), erase])
    worker = live(sink, tmp_path / "a", [Posted((FIRST, SECOND, LATER)), erase, *copies])
    assert worker.state.partitions[0].counts.duplicates == 2
    assert counted(warehouse) == {"u1": (1, INPUT_NANO_USD), "u2": (1, 100 * INPUT_NANO_USD)}
    assert is_right(warehouse)


def test_e24_what_a_frozen_process_brings_back_is_swept(warehouse: Client, sink: Sink, tmp_path: Path) -> None:
    erase = Told("erase", {"user_id": "u1"})
    posted: list[Posted | Told] = [Posted((FIRST, SECOND, LATER)), erase]
    live(sink, tmp_path / "a", posted[:1])
    for table in ("usage_raw", "rollup"):
        warehouse.command(f"CREATE OR REPLACE TABLE late_{table} AS {table}")
        warehouse.command(f"INSERT INTO late_{table} SELECT * FROM {table}")
    live(sink, tmp_path / "a", posted)
    for table in ("usage_raw", "rollup"):
        warehouse.command(f"INSERT INTO {table} SELECT * FROM late_{table}")
        warehouse.command(f"DROP TABLE late_{table}")
    assert answer(warehouse, ERASED.format("usage_raw")) != [(0,)]
    warehouse.command("ALTER TABLE erasures UPDATE due = now64(3) - 1 WHERE 1 SETTINGS mutations_sync = 2")
    live(sink, tmp_path / "a", posted)
    for table in ("usage_raw", "rollup"):
        assert answer(warehouse, ERASED.format(table)) == [(0,)], table
    assert is_right(warehouse)
    assert answer(warehouse, "SELECT toString(state) FROM erasures FINAL") in ([("swept",)], [("complete",)])
    bodies = "SELECT body FROM control_records UNION ALL SELECT body FROM jobs"
    assert "u1" not in str(answer(warehouse, bodies))
    assert answer(warehouse, "SELECT count() FROM erased_users") == [(0,)]


def test_e24_of_an_organization_that_goes_on_nothing_names_who_did_not_come_back(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    """u1 and u2 are erased with their organization; u2 uses it again on the same day."""
    again = replace(SECOND, number=5, thread="new", prompt="new")
    posted: list[Posted | Told] = [Posted((FIRST, SECOND, LATER)), Told("erase", {}), Posted((again,))]
    live(sink, tmp_path / "a", posted)
    assert counted(warehouse) == {"u2": (1, 100 * INPUT_NANO_USD)}
    named = {
        "rollup": "user_id",
        "rollup_thread": "thread_id",
        "rollup_prompt": "prompt_id",
        "rollup_category": "category",
    }
    found = {
        table: [row[0] for row in answer(warehouse, f"SELECT DISTINCT {column} FROM {table} ORDER BY 1")]
        for table, column in named.items()
    }
    assert found == {"rollup": ["u2"], "rollup_thread": ["new"], "rollup_prompt": ["new"], "rollup_category": []}
    assert is_right(warehouse)


def test_e24_reconcile_removes_what_comes_back_after_completion_and_nothing_else(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    posted = came_back(warehouse, sink, tmp_path / "a")
    before = stored(warehouse)
    assert [row[0] for row in before[:2]] == ["u1", "u2"]
    bring_back(warehouse)
    assert stored(warehouse) != before
    key = tmp_path / "erasure_key"
    key.write_bytes(ERASURE_KEY)
    sweeping = Sweeping(warehouse, WorkerSettings(home=tmp_path, erasure_key_file=key), wait_seconds=0.0)
    first = sweeping.run()
    assert first[0].endswith("rows of erased users or organizations had come back and were removed")
    assert "1 days have still to be computed again" in first[1]
    assert answer(warehouse, "SELECT toString(state), home, author FROM repairs FINAL WHERE home = -1") == [
        ("asked", -1, "sweep")
    ]
    with patch.object(sweeps.Sweeps, "_completed"):
        live(sink, tmp_path / "a", posted)
    sweeping.run()
    assert stored(warehouse) == before
    assert is_right(warehouse)
    assert answer(warehouse, NOBODY) == [(0,)]
    assert answer(warehouse, "SELECT count() FROM rollup_thread WHERE thread_id = 't'") == [(0,)]
    assert answer(warehouse, "SELECT count() FROM event_id_lookup FINAL WHERE src_offset = 0") == [(1,)]
    assert sweeping.run() == []
    assert answer(warehouse, "SELECT toString(state) FROM erasures FINAL") == [("swept",)], "replaced files are left"
    [(swept,)] = answer(warehouse, "SELECT due FROM erasures FINAL")
    replaced = replaced_parts(OF_ERASURES, swept)  # merges of later may have left files that never had their bytes
    assert answer(warehouse, replaced) != []
    complete(warehouse, sink, tmp_path / "a", posted)
    assert answer(warehouse, replaced) == []


@pytest.mark.parametrize("failing", [0, 2])
def test_e24_a_worker_that_takes_over_sweeps_completed_erasures_until_it_succeeds(
    warehouse: Client, sink: Sink, tmp_path: Path, failing: int
) -> None:
    posted = came_back(warehouse, sink, tmp_path / "a")
    before = stored(warehouse)
    bring_back(warehouse)
    left, turn = [WarehouseStrained("too much at once")] * failing, Sweep.turn

    def turned(self: Sweep, registered: Iterable[Sequence[Any]]) -> Swept:
        if left:
            raise left.pop()
        return turn(self, registered)

    looks = patch.object(jobs, "LOOK_SECONDS", 0.0), patch.object(sweeps, "LOOK_SECONDS", 0.0)
    with looks[0], looks[1], patch.object(Sweep, "turn", turned):
        worker = live(sink, tmp_path / "a", posted)
        for _ in range(6 if failing else 0):
            asyncio.run(worker.foreman.work(GENERATION))
    assert stored(warehouse) == before
    assert answer(warehouse, NOBODY) == [(0,)]


def test_e13_a_sweep_leaves_days_alone_whose_raw_events_retention_may_have_removed(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    """u1 was erased and came back; of what he then used only rollup rows are left."""
    posted = came_back(warehouse, sink, tmp_path / "a")
    warehouse.command("ALTER TABLE usage_raw DELETE WHERE 1 SETTINGS mutations_sync = 2")
    before = stored(warehouse)
    assert any("u1" in row for row in before)
    key = tmp_path / "erasure_key"
    key.write_bytes(ERASURE_KEY)
    kept = WorkerSettings(home=tmp_path, erasure_key_file=key, usage_retention_days=30)
    assert Sweeping(warehouse, kept, wait_seconds=0.0).run() == []
    live(sink, tmp_path / "a", posted, rules=rules(TimeRules(retention_days=30)))
    assert answer(warehouse, "SELECT count() FROM repairs WHERE author = 'sweep'") == [(0,)]
    assert stored(warehouse) == before
    everything = WorkerSettings(home=tmp_path, erasure_key_file=key)
    assert "days have still to be computed again" in Sweeping(warehouse, everything, wait_seconds=0.0).run()[0]


def test_e24_without_the_key_of_an_erasure_nothing_is_swept_and_that_is_told(
    warehouse: Client, sink: Sink, tmp_path: Path
) -> None:
    key = tmp_path / "erasure_key"
    key.write_bytes(b"another key of sixteen bytes")
    sweeping = Sweeping(warehouse, WorkerSettings(home=tmp_path, erasure_key_file=key))
    live(sink, tmp_path / "a", [Posted((FIRST, SECOND)), Told("erase", {"user_id": "u1"})])
    assert sweeping.run() == [], "the worker sweeps what is not complete"
    warehouse.command("ALTER TABLE erasures UPDATE state = 'complete' WHERE 1 SETTINGS mutations_sync = 2")
    [note] = sweeping.run()
    assert note.startswith("erasures were not swept again: erasure ")
    assert answer(warehouse, ERASED.format("erased_users FINAL")) == [(1,)], "nothing has begun"
