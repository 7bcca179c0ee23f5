"""Rigs for scenarios; they share the broker of the test run."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.installation import Installation
from tests.faults.rig import Rig

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
