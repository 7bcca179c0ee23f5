"""An application with stand-ins, and one that asks the real engine."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from tests.api.fakes import NOW, FakeDirectory, FakeKeys, FakeWarehouse


@pytest.fixture
def warehouse() -> FakeWarehouse:
    """Prepared answers."""
    return FakeWarehouse()


@pytest.fixture
def client(warehouse: FakeWarehouse) -> Iterator[TestClient]:
    """A client with the key of every organisation."""
    app = create_app(warehouse, FakeKeys(), lambda: NOW)
    with TestClient(app, headers={"Authorization": "Bearer all"}, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def directory() -> FakeDirectory:
    """A directory that may be changed."""
    return FakeDirectory()


@pytest.fixture
def writing(warehouse: FakeWarehouse, directory: FakeDirectory) -> Iterator[TestClient]:
    """A client with a key that may change every organisation."""
    app = create_app(warehouse, FakeKeys(), lambda: NOW, directory=directory)
    with TestClient(app, headers={"Authorization": "Bearer root"}, raise_server_exceptions=False) as client:
        yield client
