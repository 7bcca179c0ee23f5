"""What comparisons have to know of this installation's erasures: sweeps them again, and knows erased ids."""

from collections.abc import Callable
from functools import cache

from clickhouse_connect.driver.client import Client

from deploy.errors import DeployError
from deploy.local.installation import Installation
from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.erasure.sweeping import Sweeping
from stream_jobs.errors import NoErasureKey
from stream_jobs.worker.settings import WorkerSettings


def swept(client: Client, moved: Callable[[], None] = lambda: None) -> list[str]:
    """Removes what frozen processes have brought back; returns what people should know.

    Raises WarehouseUnavailable and WarehouseRefused.
    """
    return Sweeping(client, _settings(), moved=moved).run()


def hashed(organization: str, event_id: bytes) -> bytes:
    """What stands for an erased event's id (16 bytes) in tombstones. Raises DeployError without the key."""
    try:
        return _tombstones().hashed(organization, event_id)
    except NoErasureKey as missing:
        raise DeployError(str(missing)) from missing


@cache
def _tombstones() -> Tombstones:
    return Tombstones(_settings().erasure_key)


def _settings() -> WorkerSettings:
    installation = Installation.from_environment()
    return WorkerSettings(
        home=installation.home.folder, usage_retention_days=installation.settings.usage_retention_days
    )
