"""The process: starts with a clear word or not at all, ends in seconds, loses nothing it has acknowledged."""

import signal
import threading

import httpx
import pytest

from tests.warehouse.embedded.running_warehouse import RunningWarehouse, wait_for
from warehouse.embedded.users import password_hash

pytestmark = pytest.mark.integration

BATCH_ROWS = 1000
BATCHES_BEFORE_KILL = 20


def test_acknowledged_inserts_survive_kill_9(own_warehouse: RunningWarehouse) -> None:
    own_warehouse.start().ask("CREATE TABLE t (batch UInt64, n UInt64) ENGINE = MergeTree ORDER BY batch")
    acknowledged: list[int] = []

    def insert() -> None:
        for batch in range(100_000):
            rows = b"".join(b"%d\t%d\n" % (batch, n) for n in range(BATCH_ROWS))
            try:
                if own_warehouse.post(rows, query="INSERT INTO t FORMAT TSV").status_code != 200:
                    return
            except httpx.TransportError:
                return
            acknowledged.append(batch)

    thread = threading.Thread(target=insert)
    thread.start()
    wait_for(lambda: len(acknowledged) >= BATCHES_BEFORE_KILL)
    own_warehouse.end(signal.SIGKILL)
    thread.join()
    own_warehouse.start()
    found = own_warehouse.ask("SELECT batch, count() FROM t GROUP BY batch ORDER BY batch")
    counts = {int(batch): int(rows) for batch, rows in (line.split("\t") for line in found.split("\n"))}
    assert {batch: counts.get(batch) for batch in acknowledged} == dict.fromkeys(acknowledged, BATCH_ROWS)
    assert len(counts) <= len(acknowledged) + 1


def test_sigterm_ends_in_seconds_even_while_a_statement_runs(own_warehouse: RunningWarehouse) -> None:
    own_warehouse.start().ask("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
    own_warehouse.ask("INSERT INTO t VALUES (7)")
    endless = "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)"
    failed: list[bool] = []

    def ask() -> None:
        try:
            failed.append(own_warehouse.post(endless, query_id="endless").status_code != 200)
        except httpx.TransportError:
            failed.append(True)

    thread = threading.Thread(target=ask)
    thread.start()
    own_warehouse.wait_until_it_runs("endless")
    assert own_warehouse.end() == 0
    thread.join()
    assert failed == [True]
    assert own_warehouse.start().ask("SELECT * FROM t") == "7"


def test_users_change_while_it_runs(warehouse: RunningWarehouse) -> None:
    assert warehouse.ask("SELECT 1", "changing") == "1"
    warehouse.change_user("changing", profile="reader")
    warehouse.refuses("CREATE TABLE x (a Int8) ENGINE = Memory", 164, "changing")
    warehouse.change_user("changing", password_sha256=password_hash("another"))
    warehouse.refuses("SELECT 1", 516, "changing")


def test_it_does_not_start_without_users(own_warehouse: RunningWarehouse) -> None:
    own_warehouse.users_file.parent.mkdir(parents=True)
    own_warehouse.users_file.write_text("{")
    with pytest.raises(AssertionError, match=r"cannot start: .*warehouse_users\.json"):
        own_warehouse.start()


def test_it_does_not_start_on_a_directory_in_use(warehouse: RunningWarehouse) -> None:
    second = RunningWarehouse(warehouse.home)
    with pytest.raises(AssertionError, match="did not start"):
        second.start()
    assert warehouse.ask("SELECT 1") == "1"


def test_backups_go_where_they_are_allowed_only(warehouse: RunningWarehouse) -> None:
    assert "BACKUP_CREATED" in warehouse.ask(f"BACKUP TABLE usage TO File('{warehouse.home}/backups/usage')")
    assert (warehouse.home / "backups" / "usage").exists()
    warehouse.refuses(f"BACKUP TABLE usage TO File('{warehouse.home}/elsewhere')", 36)


def test_the_engine_has_the_memory_it_was_given(warehouse: RunningWarehouse) -> None:
    found = warehouse.ask("SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'")
    assert found == "4000000000"


def test_statistics_of_a_part_that_is_gone_are_not_asked_for(own_warehouse: RunningWarehouse) -> None:
    own_warehouse.start()
    made = {"plain": "", "told": " SETTINGS auto_statistics_types = 'basic'"}
    for name, setting in made.items():
        own_warehouse.ask(f"CREATE TABLE {name} (a UInt64, b UInt64) ENGINE = MergeTree ORDER BY a{setting}")
        for number in range(2):
            own_warehouse.ask(f"INSERT INTO {name} SELECT number, number FROM numbers({number}, 100)")
        own_warehouse.ask(f"OPTIMIZE TABLE {name} FINAL")
    (statistics,) = own_warehouse.home.rglob("statistics.packed")
    statistics.unlink()
    for name in made:
        assert own_warehouse.ask(f"SELECT count() FROM {name} WHERE b >= 50 AND b < 60") == "20"
