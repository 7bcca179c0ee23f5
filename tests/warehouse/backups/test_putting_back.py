"""On the real engine: what is copied is put back, what tables of different moments lack is filled, nothing is mixed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.backups.made import made
from tests.warehouse.engine import running
from warehouse.backups.copying import Place, Tables, copy_tables, stored_bytes
from warehouse.backups.manifest import Manifest
from warehouse.backups.putting_back import held, put_back
from warehouse.errors import BackupInvalid, RestoreRefused

pytestmark = pytest.mark.integration
PROGRESS = (
    "INSERT INTO partition_progress (topic, src_partition, topic_id, applied_offset, applied_time, accepted) "
    "VALUES ('usage.events', 1, 'one', {offset}, '2026-11-22 12:00:00', {accepted})"
)
EVENTS = (
    "INSERT INTO usage_raw (organization, time, event_id, src_partition, src_offset, append_time, logic_version) "
    "SELECT 'acme-{partition}', toDateTime64('2026-11-20 00:00:00', 3, 'UTC') + number, "
    "reinterpretAsUUID(toUInt128({first} + number)), {partition}, {first} + number, now64(3), 1 FROM numbers({count})"
)
REPAIR = "INSERT INTO repairs (src_partition, repair_id, organization, day, state, version) VALUES (1, '{id}', 'a', '2026-11-20', '{state}', {version})"  # noqa: E501

SLICE = "INSERT INTO repairs (src_partition, repair_id, organization, day, home, state, epoch, version) VALUES (1, '{id}', 'a', '2026-11-20', 1, '{state}', {epoch}, {version})"  # noqa: E501


@pytest.fixture
def database(tmp_path: Path) -> Iterator[tuple[Client, str]]:
    with running(tmp_path / "home") as engine, engine.database() as (client, name):
        yield client, name


def manifest_of(copied: Tables, database: str) -> Manifest:
    return made(database=database, tables=copied.tables, progress=copied.progress, migrations=copied.migrations)


def emptied(client: Client, database: str) -> None:
    client.command(f"DROP DATABASE {database} SYNC")
    client.database = ""


def shown(client: Client, sql: str) -> object:
    return client.query(sql).result_rows


class Meanwhile:
    """The client of a backup during which others write: SQL before the copy of a table."""

    def __init__(self, client: Client, writes: dict[str, list[str]]) -> None:
        self._client, self._writes = client, writes

    def query(self, sql: str, **options: object) -> object:
        for table, statements in self._writes.items():
            if sql.startswith("BACKUP") and f"`{table}`" in sql:
                for statement in statements:
                    self._client.command(statement)
                statements.clear()
        return self._client.query(sql, **options)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> object:
        return getattr(self._client, name)


def test_everything_comes_back_whatever_tables_there_are(database: tuple[Client, str]) -> None:
    client, name = database
    client.command("CREATE TABLE somebodys (n UInt8) ENGINE = MergeTree ORDER BY n")
    client.command("INSERT INTO somebodys VALUES (7)")
    client.command("CREATE VIEW a_view_of_mine AS SELECT n FROM somebodys")
    for statement in (EVENTS.format(first=0, count=1000, partition=1), PROGRESS.format(offset=999, accepted=1000)):
        client.command(statement)
    assert stored_bytes(client, name) > 10_000
    copied = copy_tables(client, name, Place("one"))
    assert [(each.applied_offset, each.accepted) for each in copied.progress] == [(999, 1000)]
    assert {each.name: each.rows for each in copied.tables}["usage_raw"] == 1000
    tables = shown(client, f"SELECT name FROM system.tables WHERE database = '{name}' ORDER BY name")
    emptied(client, name)

    put_back(client, manifest_of(copied, name), Place("one"))
    assert shown(client, f"SELECT name FROM system.tables WHERE database = '{name}' ORDER BY name") == tables
    assert shown(client, f"SELECT n FROM {name}.a_view_of_mine") == [(7,)]
    for table in ("usage_raw", "event_id_log", "event_id_lookup"):
        assert shown(client, f"SELECT count() FROM {name}.{table} FINAL") == [(1000,)]
    client.database = name
    client.command(EVENTS.format(first=1000, count=5, partition=1))
    assert shown(client, f"SELECT count() FROM {name}.event_id_log FINAL") == [(1005,)]
    assert set(held(client, name)) == {
        "usage_raw",
        "event_id_log",
        "event_id_lookup",
        "partition_progress",
        "somebodys",
    }


def test_narrow_tables_are_filled_from_events_that_came_while_they_were_copied(database: tuple[Client, str]) -> None:
    client, name = database
    client.command(EVENTS.format(first=0, count=100, partition=1))
    client.command(PROGRESS.format(offset=99, accepted=100))
    later = [EVENTS.format(first=100, count=50, partition=1), EVENTS.format(first=0, count=3, partition=2)]
    ahead = PROGRESS.format(offset=149, accepted=150)
    meanwhile = Meanwhile(client, {"usage_raw": [*later, ahead]})
    copied = copy_tables(meanwhile, name, Place("one"))  # type: ignore[arg-type]
    assert [each.applied_offset for each in copied.progress] == [99]
    emptied(client, name)

    put_back(client, manifest_of(copied, name), Place("one"))
    by_partition = "SELECT src_partition, count() FROM {table} FINAL GROUP BY src_partition ORDER BY src_partition"
    for table in ("usage_raw", "event_id_log", "event_id_lookup"):
        assert shown(client, by_partition.format(table=f"{name}.{table}")) == [(1, 150), (2, 3)]
    versions = f"SELECT DISTINCT logic_version, organization FROM {name}.event_id_log ORDER BY organization"
    assert shown(client, versions) == [(1, "acme-1"), (1, "acme-2")]
    assert shown(client, f"SELECT applied_offset FROM {name}.partition_progress FINAL") == [(99,)]


def test_repairs_that_moved_while_tables_were_copied_are_begun_again(database: tuple[Client, str]) -> None:
    client, name = database
    for id, state in (("rested", "done"), ("begun", "running"), ("waits", "asked"), ("finishes", "asked")):
        client.command(REPAIR.format(id=id, state=state, version=3))
    moved = [REPAIR.format(id="finishes", state="done", version=5), REPAIR.format(id="came", state="failed", version=3)]
    fresh = [REPAIR.format(id="asked late", state="asked", version=1)]
    meanwhile = Meanwhile(client, {"usage_raw": [*moved, *fresh]})
    copied = copy_tables(meanwhile, name, Place("one"))  # type: ignore[arg-type]
    emptied(client, name)

    put_back(client, manifest_of(copied, name), Place("one"))
    assert shown(client, f"SELECT repair_id, state FROM {name}.repairs FINAL ORDER BY repair_id") == [
        ("asked late", "asked"),
        ("begun", "running"),
        ("came", "running"),
        ("finishes", "running"),
        ("rested", "done"),
        ("waits", "asked"),
    ]
    assert shown(client, f"SELECT count() FROM system.tables WHERE database = '{name}' AND name LIKE 'repairs_%'") == [
        (0,)
    ]


def test_days_of_jobs_that_moved_meanwhile_are_begun_and_may_not_be_cancelled(database: tuple[Client, str]) -> None:
    client, name = database
    for id in ("ends", "begins", "is cancelled"):
        client.command(SLICE.format(id=id, state="asked", epoch=0, version=1))
    moved = [("ends", "done", 4, 4), ("begins", "running", 2, 3), ("is cancelled", "cancelled", 0, 4)]
    later = [SLICE.format(id=id, state=state, epoch=epoch, version=version) for id, state, epoch, version in moved]
    copied = copy_tables(Meanwhile(client, {"usage_raw": later}), name, Place("one"))  # type: ignore[arg-type]
    emptied(client, name)

    put_back(client, manifest_of(copied, name), Place("one"))
    assert shown(client, f"SELECT repair_id, state, epoch FROM {name}.repairs FINAL ORDER BY repair_id") == [
        ("begins", "running", 0),
        ("ends", "running", 0),
        ("is cancelled", "cancelled", 0),
    ]


def test_nothing_is_mixed_and_a_manifest_of_other_copies_is_found_out(database: tuple[Client, str]) -> None:
    client, name = database
    client.command(PROGRESS.format(offset=9, accepted=10))
    copied = copy_tables(client, name, Place("one"))
    with pytest.raises(RestoreRefused, match=f"the database {name} has [0-9]+ tables already"):
        put_back(client, manifest_of(copied, name), Place("one"))
    emptied(client, name)
    wrong = manifest_of(copied, name).model_copy(update={"progress": ()})
    with pytest.raises(BackupInvalid, match="not what the manifest says"):
        put_back(client, wrong, Place("one"))
    assert held(client, name) == {"partition_progress": 1}


def test_tables_that_are_migrated_meanwhile_are_no_backup(database: tuple[Client, str]) -> None:
    client, name = database
    migrated = ["INSERT INTO schema_migrations (name, checksum) VALUES ('migrations/9999_more.sql', 'x')"]
    with pytest.raises(BackupInvalid, match="migrated while they were copied"):
        copy_tables(Meanwhile(client, {"usage_raw": migrated}), name, Place("one"))  # type: ignore[arg-type]
