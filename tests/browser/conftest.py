"""Superset over the embedded warehouse with known usage: an installation of these two alone, shared by these tests.

Its own, because the usage is written without the pipeline, which an installation that is reconciled must never see.
"""

from collections.abc import Iterator
from contextlib import closing

import pytest

from deploy.local.installation import Installation
from deploy.local.secrets import Secrets
from tests.browser.site import Site, logged_in
from tests.browser.traffic import calls, store
from tests.conftest import free_port_base
from warehouse.client import connect
from warehouse.settings import WarehouseSettings

NEEDED = {"warehouse", "superset"}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Superset with its dashboards and the known usage."""
    made = Installation(tmp_path_factory.mktemp("home"), port_base=free_port_base())
    try:
        made.up(without={service.kind for service in made.plan.services()} - NEEDED)
        secrets = Secrets(made.home.secrets)
        account = {"user": "tally", "password": secrets.read("warehouse_tally")}
        url, password = f"http://127.0.0.1:{made.plan.ports.superset}", secrets.read("superset_admin")
        with (
            closing(
                connect(WarehouseSettings.model_validate({"url": made.plan.warehouse_url, **account}))
            ) as warehouse,
            closing(logged_in(url, password)) as rest,
        ):
            store(warehouse, calls())
            yield Site(url, password, rest, warehouse)
    finally:
        made.down()
