"""Rigs for scenarios; they share the broker of the test run."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.local.installation import Installation
from stream_jobs.pricing.seed import seed
from tests.faults.rig import Rig
from tests.warehouse.engine import empty

MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig(installation: Installation, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MakeRig]:
    """Makes a rig of this test's own."""
    made: list[Rig] = []

    def make(**options: object) -> Rig:
        name = f"{request.node.name.replace('[', '.').replace(']', '')[:80]}.{len(made)}"
        rig = Rig(tmp_path / str(len(made)), installation.plan.kafka_bootstrap, name, **options)  # type: ignore[arg-type]
        made.append(rig)
        return rig.set_up()

    yield make
    for rig in made:
        rig.tear_down()


@pytest.fixture
def rig(make_rig: MakeRig) -> Rig:
    """The usual one."""
    return make_rig()


@pytest.fixture(scope="module")
def shared_rig(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One for all tests of a file, for those that start no worker and break nothing."""
    rig = Rig(tmp_path_factory.mktemp("shared"), installation.plan.kafka_bootstrap, "shared")
    yield rig.set_up()
    rig.tear_down()


@pytest.fixture
def quiet_rig(shared_rig: Rig, request: pytest.FixtureRequest) -> Rig:
    """That one as it is at first: a topic of this test's own, nothing but the first prices in the warehouse."""
    shared_rig.name = f"quiet.{request.node.name.replace('[', '.').replace(']', '')[:80]}"
    shared_rig.create_topic()
    empty(shared_rig.client)
    seed(shared_rig.client, datetime.now(UTC))
    return shared_rig
