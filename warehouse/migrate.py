"""Brings the database to this version: numbered SQL files once each, views every time they changed."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from clickhouse_connect.driver.client import Client

from warehouse.client import connect
from warehouse.errors import MigrationConflict
from warehouse.settings import WarehouseSettings

FOLDER = Path(__file__).parent
HISTORY = """CREATE TABLE IF NOT EXISTS schema_migrations
(
    name String COMMENT 'File of the migration or view',
    checksum String COMMENT 'SHA-256 of its text when it was applied',
    applied DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When it was applied'
)
ENGINE = ReplacingMergeTree(applied)
ORDER BY name
COMMENT 'Applied migrations'"""


@dataclass(frozen=True, slots=True)
class Script:
    """One SQL file: its name, text and statements."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def statements(self) -> list[str]:
        """Statements without the final semicolons; a semicolon ends one only at the end of a line."""
        bodies = re.split(r";[ \t]*(?:\n|$)", re.sub(r"^--.*\n?", "", self.text, flags=re.M))
        return [body.strip() for body in bodies if body.strip()]


def scripts(folder: str) -> list[Script]:
    """The SQL files of warehouse/<folder> in order of their numbers."""
    return [Script(f"{folder}/{path.name}", path.read_text()) for path in sorted((FOLDER / folder).glob("*.sql"))]


def pending(available: list[Script], applied: dict[str, str]) -> list[Script]:
    """Migrations that were not applied yet.

    Raises MigrationConflict when an applied one was edited: history is never rewritten, add a new file.
    """
    for script in available:
        if applied.get(script.name, script.checksum) != script.checksum:
            raise MigrationConflict(
                f"{script.name} was edited after it had been applied: restore it and put the change into a new file"
            )
    return [script for script in available if script.name not in applied]


def migrate(client: Client, database: str) -> list[str]:
    """Applies what is missing and returns the names of what was applied. Idempotent."""
    client.command(f"CREATE DATABASE IF NOT EXISTS {database}")
    client.database = database
    client.command(HISTORY)
    rows = client.query("SELECT name, argMax(checksum, applied) FROM schema_migrations GROUP BY name").result_rows
    applied = {str(name): str(checksum) for name, checksum in rows}
    views = [script for script in scripts("views") if applied.get(script.name) != script.checksum]
    done = []
    for script in [*pending(scripts("migrations"), applied), *views]:
        for statement in script.statements:
            client.command(statement)
        client.insert("schema_migrations", [[script.name, script.checksum]], column_names=["name", "checksum"])
        done.append(script.name)
    return done


def main() -> None:
    """Migrates the configured database and says what was applied."""
    settings = WarehouseSettings()
    done = migrate(connect(settings, database=""), settings.database)
    print("\n".join(f"applied {name}" for name in done) or "nothing to apply")


if __name__ == "__main__":
    main()
