"""The real engine for tests of questions: a fresh, migrated database each time, and the API's read-only user."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

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

    def settings(self, user: str, database: str = "default") -> WarehouseSettings:
        """How a user signs in."""
        url = f"http://127.0.0.1:{self.process.port}"
        return WarehouseSettings(url=url, user=user, password=SecretStr(f"{user}-secret"), database=database)

    @contextmanager
    def database(self) -> Iterator[tuple[Client, str]]:
        """A client of a database of its own, and its name; kept when the test fails."""
        name = f"test_{next(self._numbers)}"
        client = connect(self.settings("tally"))
        migrate(client, name)
        yield client, name
        client.command(f"DROP DATABASE {name}")
        client.close()


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
