"""The real engine for the worker's own statements, with empty tables for each test."""

from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.client import Client

from stream_jobs.worker.sink import Sink
from tests.stream_jobs.worker.simulation import QuietBeat
from tests.warehouse.engine import Engine, empty, running


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The engine, once for all tests here."""
    with running(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture(scope="session")
def database(engine: Engine) -> Iterator[Client]:
    """A client of a migrated database, once for all tests here."""
    with engine.database() as (client, _):
        yield client


@pytest.fixture
def warehouse(database: Client) -> Client:
    """The same with empty tables."""
    empty(database)
    return database


@pytest.fixture
def beat(tmp_path_factory: pytest.TempPathFactory) -> QuietBeat:
    """Counts what the sink does."""
    return QuietBeat(tmp_path_factory.getbasetemp(), "tests")


@pytest.fixture
def sink(warehouse: Client, beat: QuietBeat) -> Sink:
    """The worker's hand on that database."""
    return Sink(warehouse, beat)
