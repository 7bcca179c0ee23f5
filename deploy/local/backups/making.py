"""Makes a backup of a running installation: one folder, or a .tar file, that appears whole or not at all."""

import shutil
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from clickhouse_connect.driver.client import Client

from deploy.errors import NotRunning
from deploy.local.backups import folders
from deploy.local.backups.configuration import copy_configuration
from deploy.local.backups.log_state import found_log
from deploy.local.home import ROOT
from deploy.local.installation import Installation
from stream_jobs.worker.settings import LOGIC_VERSION
from warehouse.backups.copying import Place, copy_tables, stored_bytes
from warehouse.backups.manifest import FORMAT, Applied, Log, Manifest, sums
from warehouse.log_partitions import PARTITIONS_PER_GENERATION

REMEMBERED = ("usage_retention_days", "retention_days")
"""Settings beside those of the log that a person may want to know."""


def make_backup(
    installation: Installation,
    client: Client,
    database: str,
    target: Path | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> tuple[Path, Manifest]:
    """Backs up while everything runs; returns where to. target: a folder or a .tar file that does not exist yet.

    Raises WrongSetting when the target cannot be made, NoRoom, WarehouseError. Nothing is left of one that failed.
    """
    began, home = datetime.now(UTC), installation.home
    target = (target or home.backups / folders.default_name(began)).absolute()
    with folders.alone(home.backups):
        _require_room(client, database, home.backups)
        with folders.appearing(home.backups, target) as folder:
            copied = copy_tables(client, database, Place(f"{folder.name}/{folders.TABLES}"))
            told(f"{len(copied.tables)} tables and views copied")
            copy_configuration(home, folder / folders.CONFIGURATION)
            log = _log(installation, copied.progress)
            if log.next_offsets is None:
                told("Kafka does not answer: where its log ends is not noted")
            manifest = Manifest(
                format=FORMAT,
                product_version=product_version(),
                logic_version=LOGIC_VERSION,
                began=began,
                finished=datetime.now(UTC),
                database=database,
                migrations=copied.migrations,
                tables=copied.tables,
                progress=copied.progress,
                log=log,
                settings={name: str(getattr(installation.settings, name)) for name in REMEMBERED},
                files=sums(folder),
            )
            manifest.write(folder)
    return target, manifest


def product_version() -> str:
    """The version of the checkout; the application is run from it, not installed."""
    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return version


def _require_room(client: Client, database: str, backups: Path) -> None:
    needed, free = stored_bytes(client, database), shutil.disk_usage(backups).free
    if free < needed:
        raise folders.no_room(backups, f"the tables take {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free")


def _log(installation: Installation, progress: tuple[Applied, ...]) -> Log:
    """The topic as its progress knows it, and its ends now: whatever the copies hold lies before them."""
    settings = installation.settings
    counted = {
        each.topic_id
        for each in progress
        if each.topic == settings.events_topic
        and each.src_partition // PARTITIONS_PER_GENERATION == settings.topic_generation
    }
    ends: dict[int, int] | None = None
    try:
        found = found_log(installation)
        ends, counted = found.ends, counted or {found.topic_id}
    except NotRunning:
        pass  # a backup is wanted most when something is broken
    return Log(
        events_topic=settings.events_topic,
        rejected_topic=settings.rejected_topic,
        partitions=settings.partitions,
        generation=settings.topic_generation,
        topic_id=max(counted, default=""),
        next_offsets=ends,
    )
