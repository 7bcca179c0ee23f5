"""E16: what was erased is known again by a hash, in memory after a restart and in the warehouse beyond the window."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

import polars as pl
import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.deduplication.keys import KeyMaker
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.errors import NoErasureKey
from stream_jobs.worker import statements
from stream_jobs.worker.loading import load_partitions
from stream_jobs.worker.partition import Progress
from stream_jobs.worker.settings import WorkerSettings
from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.sent import BEGIN, Log, Posted, Sent
from tests.stream_jobs.worker.simulation import ERASURE_KEY, Simulation, Step

TOMBSTONES = Tombstones(lambda: ERASURE_KEY)
LATER = BEGIN + timedelta(seconds=1)


def erased_and_sent_again() -> dict[str, int]:
    """Four events of a window of three are erased; then the first, beyond it, and the last two come again."""
    events = [Sent(1), Sent(2), Sent(3), Sent(4), Sent(1), Sent(4, LATER), Sent(3), Sent(5)]
    simulation = Simulation(Log([Posted((event,)) for event in events]), window_events=3)
    simulation.live(*[Step(1, "drain")] * 4)
    simulation.warehouse.erase("acme", TOMBSTONES)
    assert not simulation.warehouse.tables["event_id_log"]
    simulation.finish(*[Step(1, "drain")] * 4)
    return simulation.counts()[0]


def test_e16_copies_of_erased_events_remain_copies() -> None:
    assert erased_and_sent_again() == {"seen": 8, "accepted": 5, "duplicates": 3, "rejected": 0}


def test_e16_without_hashes_in_the_window_an_erased_event_counts_as_new() -> None:
    with patch.object(KeyMaker, "_ids", lambda _maker, _organizations, ids: ids.to_list()):
        assert erased_and_sent_again()["accepted"] > 5


def test_e16_without_hashes_in_the_lookup_an_erased_event_counts_as_new() -> None:
    with patch.object(Tombstones, "beside", lambda _tombstones, events: events):
        assert erased_and_sent_again()["accepted"] > 5


def test_the_hash_needs_the_key_and_tells_organizations_apart() -> None:
    plain = TOMBSTONES.hashed("acme", b"i" * 16)
    others = [("acme", b"j" * 16), ("acmei", b"i" * 15), ("zen", b"i" * 16)]
    hashes = {
        plain,
        *(TOMBSTONES.hashed(*each) for each in others),
        Tombstones(lambda: b"k" * 16).hashed("acme", b"i" * 16),
    }
    assert len(hashes) == 5
    assert all(len(each) == 16 for each in hashes)


def test_the_key_is_read_only_when_there_are_tombstones(tmp_path: Path) -> None:
    settings = WorkerSettings(home=tmp_path)
    events = pl.DataFrame({"organization": ["acme"], "event_id": [b"i" * 16]})
    tombstones = Tombstones(settings.erasure_key)
    assert tombstones.beside(events) is events
    tombstones.organizations = frozenset(["acme"])
    with pytest.raises(NoErasureKey, match="TALLY_ERASURE_KEY_FILE"):
        tombstones.beside(events)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "erasure_key").write_bytes(ERASURE_KEY + b"\n")
    assert tombstones.beside(events)["event_id"].to_list() == [b"i" * 16, TOMBSTONES.hashed("acme", b"i" * 16)]


@pytest.mark.parametrize("key", [b"another key of sixteen bytes", b"", b"short", b"x" * 65])
def test_another_key_or_none_is_noticed_before_anything_is_counted(key: bytes) -> None:
    with pytest.raises(NoErasureKey, match="erasure key"):
        Tombstones(lambda: key).learn([("acme", TOMBSTONES.key_check())])


@pytest.mark.integration
def test_e16_tombstones_take_the_places_of_what_was_erased(warehouse: Client, sink: Sink) -> None:
    times = [datetime(2026, 3, 1, 12, minute, tzinfo=UTC) for minute in range(6)]
    ids = [UUID(int=number) for number in range(6)]
    hashes = {number: UUID(bytes=TOMBSTONES.hashed("acme", ids[number].bytes)) for number in (0, 1, 3)}
    for number, (time, event_id) in enumerate(zip(times, ids, strict=True)):
        place = {"organization": "acme", "time": time, "src_partition": 3, "src_offset": number, "append_time": time}
        if number in hashes:
            row = {**place, "id_hash": hashes[number], "src_index": 0, "key_check": TOMBSTONES.key_check()}
            warehouse.insert("tombstones", [list(row.values())], column_names=list(row))
        if number not in (0, 3):  # the row of event 1 came back: its tombstone goes before it
            row = {**place, "event_id": event_id, "src_index": 0}
            warehouse.insert("usage_raw", [list(row.values())], column_names=list(row))
    tombstones = Tombstones(lambda: ERASURE_KEY)
    (loaded,) = load_partitions(sink, {3: Progress(5, accepted=6)}, 5, tombstones).values()
    assert tombstones.organizations == {"acme"}
    (chunk,) = loaded.window._chunks
    assert chunk.first == 1
    organization = pl.Series(["acme"] * 6)
    asked = loaded.keys.keys(organization, pl.Series([each.bytes for each in ids], dtype=pl.Binary))
    assert chunk.keys == asked[1:]
    assert asked[1][4:] == hashes[1].bytes
    frame = pl.DataFrame(
        {"organization": organization, "time": times, "event_id": [each.bytes for each in ids]},
        schema_overrides={"time": pl.Datetime("ms", "UTC")},
    )
    tables = ("event_id_lookup", "tombstones")
    found = sink.frame(statements.earlier_copies(*tables), tombstones.beside(frame))
    identities = {(row["event_id"], row["first_offset"]) for row in found.iter_rows(named=True)}
    stored = {(ids[number].bytes, number) for number in (1, 2, 4, 5)}
    assert identities == stored | {(hashed.bytes, number) for number, hashed in hashes.items()}
    assert sink.rows(statements.newest_append_before(3, 1, 0)) == [(round(times[0].timestamp() * 1000),)]
