"""Puts a backup back into a warehouse that has nothing else: refuses to mix, settles, and migrates forward."""

from collections.abc import Callable, Iterable

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import Error

from warehouse.backups import settling
from warehouse.backups.copying import VIEWS, Place, read_progress
from warehouse.backups.manifest import Manifest
from warehouse.backups.order import REPAIRS_BEFORE
from warehouse.client import classified
from warehouse.errors import BackupInvalid, RestoreRefused
from warehouse.migrate import Script, migrate, scripts

GIVEN = frozenset(
    {"schema_migrations", "config_revisions", "prices", "multipliers", "terms", "calendar", "restored_logs"}
)
"""What a warehouse has without anybody having used it."""
HELD = "SELECT name, total_rows FROM system.tables WHERE database = {database:String} AND total_rows > 0 ORDER BY name"


def require_readable(manifest: Manifest, known: Iterable[Script] | None = None) -> None:
    """Raises RestoreRefused when the backup's tables are newer than this code, or of another history."""
    ours = {script.name: script.checksum for script in (scripts("migrations") if known is None else known)}
    for name, checksum in sorted(manifest.migrations.items()):
        if name.startswith("migrations/") and ours.get(name) != checksum:
            what = "does not know" if name not in ours else "has another version of"
            raise RestoreRefused(
                f"the backup was made by Tokentally {manifest.product_version} and needs {name}, which this version "
                f"{what}: restore it with the version that made it, or a newer one"
            )


def held(client: Client, database: str) -> dict[str, int]:
    """Stored rows by table, of those that hold what people sent or set."""
    found = client.query(HELD, parameters={"database": database}).result_rows
    return {str(name): int(rows) for name, rows in found if name not in GIVEN}


def put_back(client: Client, manifest: Manifest, place: Place, told: Callable[[str], None] = lambda _: None) -> None:
    """All tables, then their views; afterwards workers may go on. Raises RestoreRefused, BackupInvalid, WarehouseError.

    The database must not exist, or be empty: two states are never mixed. No other client may write meanwhile.
    """
    database = manifest.database
    try:
        client.command(f"CREATE DATABASE IF NOT EXISTS {database}")
        tables = "SELECT count() FROM system.tables WHERE database = {database:String}"
        ((found,),) = client.query(tables, parameters={"database": database}).result_rows
        if found:
            raise RestoreRefused(
                f"the database {database} has {found} tables already, and a backup is not mixed with anything: stop "
                f"all that writes, then DROP DATABASE {database}"
            )
        for table in sorted(manifest.tables, key=lambda table: table.engine in VIEWS):
            for name in table.copies:
                target = settling.BEFORE if name == REPAIRS_BEFORE else table.name
                client.query(f"RESTORE TABLE {database}.`{table.name}` AS {database}.`{target}` FROM {place.of(name)}")
            told(table.name)
        settling.settle(client, database)
        if read_progress(client, f"{database}.partition_progress") != manifest.progress:
            raise BackupInvalid("what was put back is not what the manifest says; take another backup")
        migrate(client, database)
    except (Error, OSError) as failure:
        raise classified(failure) from failure
