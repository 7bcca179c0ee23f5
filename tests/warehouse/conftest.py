"""The real engine for tests of questions, with recorded usage in it."""

from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.engine import Engine, running
from tests.warehouse.recorded import Event, events, store


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine, once for all tests here."""
    with running(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture(scope="session")
def recorded() -> list[Event]:
    """The usage that `usage` holds."""
    return events()


@pytest.fixture(scope="session")
def usage(engine: Engine, recorded: list[Event]) -> Iterator[Client]:
    """A database with that usage, for tests that only read."""
    with engine.database() as (client, _):
        store(client, recorded)
        yield client


@pytest.fixture
def changeable(engine: Engine, recorded: list[Event]) -> Iterator[Client]:
    """The same in a database of its own, for tests that change it."""
    with engine.database() as (client, _):
        store(client, recorded)
        yield client
