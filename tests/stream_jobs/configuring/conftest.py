"""The real engine with a migrated database of this test's own."""

from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.engine import Engine, running


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine, once for all tests here."""
    with running(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture
def client(engine: Engine) -> Iterator[Client]:
    """An empty database."""
    with engine.database() as (client, _):
        yield client
