"""The real engine for tests of questions: an empty, migrated database each time, and the API's read-only user."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client
from pydantic import SecretStr

from tests.warehouse.embedded.running_warehouse import USERS, RunningWarehouse
from warehouse.client import connect
from warehouse.embedded.users import User, password_hash, write_users
from warehouse.migrate import migrate
from warehouse.settings import WarehouseSettings

API = User("api", password_hash("api-secret"), "reader")


@dataclass(slots=True)
class Engine:
    """A running embedded warehouse."""

    process: RunningWarehouse
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _left: list[str] = field(default_factory=list)
    """Databases that are empty and as the migrations made them: emptying one is quicker than migrating."""

    def settings(self, user: str, database: str = "default") -> WarehouseSettings:
        """How a user signs in."""
        url = f"http://127.0.0.1:{self.process.port}"
        return WarehouseSettings(url=url, user=user, password=SecretStr(f"{user}-secret"), database=database)

    @contextmanager
    def database(self) -> Iterator[tuple[Client, str]]:
        """A client of a database of its own, and its name; kept when the test fails."""
        name = self._left.pop() if self._left else f"test_{next(self._numbers)}"
        client = connect(self.settings("tally"))
        migrate(client, name)
        made = schema(client)
        yield client, name
        if client.database == name and schema(client) == made:
            empty(client)
            self._left.append(name)
        else:
            client.command(f"DROP DATABASE {name}")
        client.close()


def schema(client: Client) -> list[Sequence[Any]]:
    """How every table and view is made, and what the migrations said of themselves."""
    tables = "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()"
    applied = "SELECT name, checksum FROM schema_migrations"
    return list(client.query(f"SELECT * FROM ({tables} UNION ALL {applied}) ORDER BY ALL").result_rows)


def empty(client: Client) -> None:
    """Removes every row but those about migrations."""
    client.command("SYSTEM START MERGES")
    filled = "SELECT name FROM system.tables WHERE database = currentDatabase() AND total_rows > 0"
    for (table,) in client.query(f"{filled} AND name != 'schema_migrations'").result_rows:
        client.command(f"TRUNCATE TABLE {table}")


@contextmanager
def running(home: Path) -> Iterator[Engine]:
    """Starts the engine and stops it again."""
    process = RunningWarehouse(home)
    process.users_file.parent.mkdir(parents=True)
    write_users(process.users_file, USERS | {"api": API})
    try:
        yield Engine(process.start())
    finally:
        process.end()
