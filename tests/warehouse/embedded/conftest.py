"""Fixtures of the embedded warehouse's tests: one running process for all, others for those that end theirs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from tests.warehouse.embedded.running_warehouse import RunningWarehouse


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWarehouse]:
    """A warehouse with a table of two organizations, which tests do not change."""
    running = RunningWarehouse(tmp_path_factory.mktemp("warehouse")).start()
    running.ask("CREATE TABLE usage (organization String, tokens UInt64) ENGINE = MergeTree ORDER BY organization")
    running.ask("INSERT INTO usage SELECT if(number % 4 = 0, 'acme', 'other'), number FROM numbers(100)")
    running.ask("CREATE VIEW usage_view AS SELECT organization, sum(tokens) AS tokens FROM usage GROUP BY organization")
    yield running
    running.end()


@pytest.fixture
def own_warehouse(tmp_path: Path) -> Iterator[RunningWarehouse]:
    """A warehouse that a test may end, kill and start again. Not started yet."""
    running = RunningWarehouse(tmp_path)
    yield running
    running.end()


@pytest.fixture
def client(warehouse: RunningWarehouse) -> Iterator[Client]:
    """A writing client without a session."""
    made = warehouse.client(autogenerate_session_id=False)
    yield made
    made.close()


@pytest.fixture
def table(warehouse: RunningWarehouse, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty table of the test's own, with columns a UInt64 and b String."""
    name = "t_" + "".join(sign if sign.isalnum() else "_" for sign in request.node.name)
    warehouse.ask(f"CREATE TABLE {name} (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
    yield name
    warehouse.ask(f"DROP TABLE {name}")
