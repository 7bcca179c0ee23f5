"""A fresh installation for one benchmark, in a temporary home, stopped and removed at the end."""

import contextlib
import shutil
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from deploy.local.installation import Installation
from tests.conftest import free_port_base

STORES = ("kafka", "warehouse")


@contextlib.contextmanager
def fresh_installation(wanted: Collection[str]) -> Iterator[Installation]:
    """Up with the wanted services only."""
    folder = Path(tempfile.mkdtemp(prefix="tally-benchmark-"))
    made = Installation(folder, port_base=free_port_base())
    try:
        up(made, wanted)
        yield made
    finally:
        made.down()
        shutil.rmtree(folder, ignore_errors=True)


def up(installation: Installation, wanted: Collection[str]) -> None:
    """Starts these kinds of services; nothing else may take part in what is measured."""
    installation.up(without={service.kind for service in installation.plan.services()} - set(wanted))


def pid_of(installation: Installation, name: str) -> int:
    """Process id of a running service."""
    return next(service.pid for service in installation.status() if service.name == name)
