"""Copies the tables of a running warehouse: a client and a place in, tables and their progress out.

BACKUP is a statement: it works over HTTP, on the embedded engine and on a server, and copies one table as it is at one
instant (freezing its parts by hand would need the server's disk). One statement per table, in the order of `plan`.
"""

from dataclasses import dataclass

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from warehouse.backups.manifest import Applied, TableCopy
from warehouse.backups.order import plan
from warehouse.client import classified
from warehouse.errors import BackupInvalid
from warehouse.literals import quoted

VIEWS = frozenset({"View", "MaterializedView"})
PROGRESS = """SELECT topic, src_partition, topic_id, applied_offset, applied_time, accepted
FROM {table} FINAL ORDER BY topic, src_partition"""


@dataclass(frozen=True, slots=True)
class Tables:
    """What was copied. migrations: checksum of each applied script by its name."""

    tables: tuple[TableCopy, ...]
    progress: tuple[Applied, ...]
    migrations: dict[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """A folder in which the engine may write backups. path: as the engine names it, below its `allowed_path`."""

    path: str

    def of(self, name: str) -> str:
        """The destination of one copy."""
        return f"File({quoted(f'{self.path}/{name}')})"


def copy_tables(client: Client, database: str, place: Place) -> Tables:
    """Copies every table and view of the database, whatever it has. Raises WarehouseError.

    Raises BackupInvalid when tables were migrated meanwhile: repeat it.
    """
    try:
        found = client.query(_ENGINES, parameters={"database": database}).result_rows
        engines = {str(name): str(engine) for name, engine in found}
        migrations = applied_migrations(client, database)
        rows: dict[str, int | None] = {}
        copies: dict[str, list[str]] = {name: [] for name in engines}
        for step in plan(name for name, engine in engines.items() if engine not in VIEWS):
            client.query(f"BACKUP TABLE {database}.`{step.table}` TO {place.of(step.name)}")
            rows[step.table] = _rows(client, database, step.table)
            copies[step.table].append(step.name)
        for view in sorted(name for name, engine in engines.items() if engine in VIEWS):
            client.query(f"BACKUP TABLE {database}.`{view}` TO {place.of(view)}")
            copies[view].append(view)
        if applied_migrations(client, database) != migrations:
            raise BackupInvalid("tables were migrated while they were copied; make the backup again")
        progress = _progress(client, database, place)
    except (Error, OSError) as failure:
        raise classified(failure) from failure
    tables = (
        TableCopy(name=name, engine=engines[name], copies=tuple(copies[name]), rows=rows.get(name)) for name in engines
    )
    return Tables(tuple(tables), progress, migrations)


def applied_migrations(client: Client, database: str) -> dict[str, str]:
    """Checksum of each applied migration and view by its name."""
    sql = f"SELECT name, argMax(checksum, applied) FROM {database}.schema_migrations GROUP BY name"
    return {str(name): str(checksum) for name, checksum in client.query(sql).result_rows}


def stored_bytes(client: Client, database: str) -> int:
    """How much the database takes on disk, and a backup of it."""
    sql = "SELECT sum(bytes_on_disk) FROM system.parts WHERE database = {database:String} AND active"
    return int(client.query(sql, parameters={"database": database}).result_rows[0][0])


def read_progress(client: Client, table: str) -> tuple[Applied, ...]:
    """Progress of every log partition, from `partition_progress` or a copy of it."""
    names = tuple(Applied.model_fields)
    rows = client.query(PROGRESS.format(table=table)).result_rows
    return tuple(Applied.model_validate(dict(zip(names, row, strict=True))) for row in rows)


def _progress(client: Client, database: str, place: Place) -> tuple[Applied, ...]:
    """What the copy says, not the table: that has moved on. Shows too that copies can be read."""
    seen = f"{database}_backup_seen"
    client.command(f"CREATE DATABASE IF NOT EXISTS {seen}")
    try:
        client.query(
            f"RESTORE TABLE {database}.partition_progress AS {seen}.partition_progress "
            f"FROM {place.of('partition_progress')}"
        )
        return read_progress(client, f"{seen}.partition_progress")
    finally:
        client.command(f"DROP DATABASE {seen} SYNC")


def _rows(client: Client, database: str, table: str) -> int:
    sql = "SELECT total_rows FROM system.tables WHERE database = {database:String} AND name = {table:String}"
    return int(client.query(sql, parameters={"database": database, "table": table}).result_rows[0][0] or 0)


_ENGINES = (
    "SELECT name, engine FROM system.tables WHERE database = {database:String} AND NOT is_temporary ORDER BY name"
)
