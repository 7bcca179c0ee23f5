"""Fixtures for every test: a real installation when one is asked for, and no network without asking."""

import os
import random
import socket
from collections.abc import Iterator

import psutil
import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, settings
from xdist.remote import Producer

from deploy.local.installation import Installation
from deploy.local.ports import is_free
from producers.keys.store import KeyStore
from tests.dividing import Divided
from tests.running import Tally, client_of

ORDER = ("chaos", "integration", "browser", "benchmark")
"""What takes long begins first, so that no process is left alone with it; tests without a marker come last."""
# Speed is for benchmarks: a busy machine is no failure.
settings.register_profile("tokentally", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tokentally")
PORTS_NEEDED = 30
PORT_BASES = range(20_000, 32_000, PORTS_NEEDED)
"""Below the ports that the system gives to outgoing connections."""


def place(item: pytest.Item) -> int:
    """The place of a test in the order."""
    return min((ORDER.index(name) for name in ORDER if item.get_closest_marker(name)), default=len(ORDER))


def needs_services(item: pytest.Item) -> bool:
    """Whether a test may reach servers that are not its own."""
    return place(item) < len(ORDER)


def pytest_configure() -> None:
    """What a person set for their own installation does not reach the tests; only its installed libraries do."""
    own = Installation.from_environment()
    chosen = {f"TALLY_{name.upper()}" for name in type(own.settings).model_fields}
    for name in chosen | {name for name in own.environment() if name.startswith("TALLY_")}:
        os.environ.pop(name, None)
    os.environ["TALLY_ENVIRONMENTS"] = str(own.home.environments)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first."""
    items.sort(key=place)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Divided:
    """How several processes divide the tests."""
    return Divided(config, log)


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test without a marker reaches only servers that it started itself, inside the test process."""
    if needs_services(request.node):
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not own_server(address):
            pytest.fail(f"connects to {address} without the marker `integration`")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def no_leftover_variables() -> Iterator[None]:
    """What code under test writes into the environment does not reach later tests, nor the services they start."""
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before) - {"PYTEST_CURRENT_TEST"}:
        del os.environ[name]
    os.environ.update({name: value for name, value in before.items() if name != "PYTEST_CURRENT_TEST"})


def own_server(address: object) -> bool:
    """True when this process listens there."""
    port = address[1] if isinstance(address, tuple) else None
    listening = (entry for entry in psutil.Process().net_connections("tcp") if entry.status == psutil.CONN_LISTEN)
    return any(entry.laddr.port == port for entry in listening)


def free_port_base() -> int:
    """A base whose ports are all free, chosen by chance so that test runs side by side do not meet.

    The processes of one run choose among different ones.
    """
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    bases = PORT_BASES[process :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]
    for base in random.sample(bases, len(bases)):
        if all(is_free(port) for port in range(base, base + PORTS_NEEDED)):
            return base
    raise RuntimeError(f"no {PORTS_NEEDED} free ports in a row between {PORT_BASES.start} and {PORT_BASES.stop}")


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A running installation without Superset, shared by the whole test run."""
    made = Installation(tmp_path_factory.mktemp("home"), port_base=free_port_base())
    try:
        made.up(without=("superset",))
        yield made
    finally:
        made.down()


@pytest.fixture(scope="session")
def superset_installation(installation: Installation) -> Installation:
    """The same installation with Superset and its dashboards."""
    installation.up()
    return installation


@pytest.fixture(scope="session")
def tally(installation: Installation) -> Tally:
    return Tally(installation)


@pytest.fixture(scope="session")
def warehouse(installation: Installation) -> Iterator[Client]:
    client = client_of(installation)
    yield client
    client.close()


@pytest.fixture(scope="session")
def key(installation: Installation) -> str:
    """A key for every organisation with every right."""
    scopes = frozenset({"ingest", "read", "limits", "admin"})
    _, secret = KeyStore(installation.home.keys).create(name="tests", organization=None, scopes=scopes)
    return secret
