"""The real engine with a migrated database of this test's own, which commands are connected to."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType

import pytest
from clickhouse_connect.driver.client import Client
from typer.testing import CliRunner

from stream_jobs.control.publisher import Publisher
from stream_jobs.control.settings import ControlSettings
from tests.warehouse.engine import Engine, running

Said = Callable[..., str]


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


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ControlSettings:
    """How control records are asked for; Kafka takes everything."""
    key = tmp_path / "control_key"
    key.write_bytes(b"a key of this installation")
    monkeypatch.setattr(Publisher, "_acknowledged", lambda _, values, *__: dict.fromkeys(values, 7))
    return ControlSettings(home=tmp_path, partitions=4, control_key_file=key)


@pytest.fixture
def said(client: Client, settings: ControlSettings, monkeypatch: pytest.MonkeyPatch) -> Said:
    """Runs a command of a module and gives what it says."""

    def run(module: ModuleType, *arguments: str) -> str:
        monkeypatch.setattr(module, "connected", lambda _: nullcontext((client, None)))
        if hasattr(module, "control_settings"):
            monkeypatch.setattr(module, "control_settings", lambda: settings)
        return CliRunner(env={"COLUMNS": "120"}).invoke(module.app, list(arguments), catch_exceptions=False).output

    return run
