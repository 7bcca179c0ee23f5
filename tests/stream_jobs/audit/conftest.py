"""The real engine with recorded usage, for tests of audits."""

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
    """The usage that the warehouse holds."""
    return events(120)


@pytest.fixture
def usage(engine: Engine, recorded: list[Event]) -> Iterator[Client]:
    """A database of its own with that usage."""
    with engine.database() as (client, _):
        store(client, recorded)
        yield client
