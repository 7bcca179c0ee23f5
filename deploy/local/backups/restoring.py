"""Puts a backup in the place of an installation's data, as a whole.

The backup is put back by an engine of its own into a folder of its own; only what is ready changes places with the data
by renaming. From before the first service is stopped until everything is in its place a note in the home says what is
being restored: while it is there nothing starts (`Installation.up` and `restart` refuse). A restore that was killed is
repeated from its beginning: the same command, whatever it finds half done. Until the places are changed, the data are
what they were, and `abandon` goes back to them.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clickhouse_connect.driver.client import Client
from pydantic import BaseModel, ConfigDict

from deploy.errors import NoRoom
from deploy.local.backups import folders
from deploy.local.backups.configuration import keys_against, put_configuration_back
from deploy.local.backups.log_state import found_log, gone, refusals
from deploy.local.backups.private_engine import end_orphans, private_engine
from deploy.local.backups.renaming import require_renamable
from deploy.local.installation import Installation
from deploy.local.secrets import Secrets
from warehouse.backups.copying import Place, read_progress
from warehouse.backups.manifest import Applied, Manifest
from warehouse.backups.putting_back import held, put_back, require_readable
from warehouse.client import connect
from warehouse.control.read_again import note_log_ends
from warehouse.errors import RestoreRefused
from warehouse.log_partitions import PARTITIONS_PER_GENERATION
from warehouse.settings import WarehouseSettings

LEFT_RUNNING = ("kafka", "superset")
"""The log takes in nothing while the collector rests, and dashboards only read."""
KAFKA_SECONDS = 30.0
"""How long a broker that has just started may take to know its topic."""
Told = Callable[[str], None]


class Note(BaseModel):
    """The restore that is not finished. services: to be started afterwards. swapping: the data change places."""

    model_config = ConfigDict(frozen=True)

    backup: str
    services: tuple[str, ...]
    swapping: bool = False


def read_note(path: Path) -> Note | None:
    """The unfinished restore of a home."""
    try:
        return Note.model_validate_json(path.read_text())
    except FileNotFoundError:
        return None


def told_progress(progress: tuple[Applied, ...]) -> str:
    """How far events are counted, in words."""
    if not progress:
        return "no event counted"
    newest = max(each.applied_time for each in progress)
    offsets = ", ".join(f"{each.src_partition}: {each.applied_offset}" for each in progress)
    events = sum(each.accepted for each in progress)
    return f"{events:,} events up to {newest:%Y-%m-%d %H:%M:%S} UTC (offsets {offsets})"


@dataclass(slots=True)
class Restore:
    """One run of `./tally restore`. replace, other_log: what a person has allowed."""

    installation: Installation
    replace: bool = False
    other_log: bool = False
    told: Told = lambda _: None

    def run(self, source: Path) -> Manifest:
        """Restores, and starts again what ran. Raises BackupInvalid, RestoreRefused, NoRoom, WarehouseError.

        What fails leaves everything as it was, unless a restore was unfinished before.
        """
        home = self.installation.home
        folders.require_plain(source.absolute())
        require_renamable(home.warehouse, self._fresh, self._old)
        home.make()
        Secrets(home.secrets).make()
        with folders.alone(home.backups), folders.opened(source, home.backups) as (folder, manifest):
            end_orphans(home)
            self.told(f"{len(manifest.files):,} files of the backup are whole")
            require_readable(manifest)
            known = read_note(home.restoring)
            running = tuple(self.installation.running()) if known is None else known.services
            note = Note(backup=str(source.absolute()), services=running, swapping=known is not None and known.swapping)
            self._check(folder, manifest, note)
            try:
                self._make(folder, manifest, note)
            except BaseException:
                if not note.swapping:
                    self._forget()
                    self._start(note)
                raise
            self._swap(folder, note)
        self._start(note)
        return manifest

    def abandon(self) -> None:
        """Gives an unfinished restore up and starts what it had stopped. Raises RestoreRefused when it is too late."""
        home = self.installation.home
        with folders.alone(home.backups):
            end_orphans(home)
            note = read_note(home.restoring)
            if note is None:
                raise RestoreRefused("no restore is unfinished: there is nothing to give up")
            if note.swapping:
                raise RestoreRefused(
                    f"the data were being replaced by those of {note.backup}: only repeating ./tally restore leads on"
                )
            self._forget()
        self._start(note)

    @property
    def _fresh(self) -> Path:
        return self.installation.home.folder / "warehouse.restoring"

    @property
    def _old(self) -> Path:
        return self.installation.home.folder / "warehouse.replaced"

    def _check(self, folder: Path, manifest: Manifest, note: Note) -> None:
        """Raises RestoreRefused when log or data forbid it, NoRoom; Kafka, which it needs, is then as it was."""
        before = self.installation.running()
        if "kafka" in before:
            self._compare(folder, manifest, note)
            return
        try:
            self.installation.up(without=self._kinds() - {"kafka"}, restoring=True)
            self._compare(folder, manifest, note)
        except BaseException:
            if before:
                self.installation.stop(["kafka"])
            else:
                self.installation.down()
            raise

    def _compare(self, folder: Path, manifest: Manifest, note: Note) -> None:
        found = found_log(self.installation, KAFKA_SECONDS)
        reasons = refusals(manifest.log, found, other_log=self.other_log)
        if not note.swapping and not self.replace:
            reasons += self._mixture(manifest)
            reasons += keys_against(self.installation.home, folder / folders.CONFIGURATION)
        if reasons:
            raise RestoreRefused("; ".join(reasons))
        free = shutil.disk_usage(self.installation.home.folder).free
        if free < manifest.size:
            raise NoRoom(
                f"the backup takes {manifest.size / 1e9:.1f} GB, {free / 1e9:.1f} GB are free at "
                f"{self.installation.home.folder}: make room; until all is there the present data are kept too"
            )
        first = PARTITIONS_PER_GENERATION * found.generation
        applied = {each.src_partition - first: each.applied_offset for each in manifest.progress}
        if self.other_log:
            self.told(
                f"the lost log is not read again: erasures, corrections and prices that were asked for after "
                f"{manifest.began:%Y-%m-%d %H:%M} UTC are unknown here, ask for them again"
            )
        for partition in gone(found, applied):
            self.told(f"the log of partition {partition} begins after the backup's progress: workers will refuse it")

    def _mixture(self, manifest: Manifest) -> list[str]:
        with self._present() as client:
            rows = held(client, manifest.database) if client else {}
            if client is None or not rows:
                return []
            progress = (
                read_progress(client, f"{manifest.database}.partition_progress") if "partition_progress" in rows else ()
            )
        return [
            f"the warehouse has {told_progress(progress)}, in the tables {', '.join(rows)}; a backup is not mixed with "
            f"other data. With --replace all of that is lost and the backup takes its place, with "
            f"{told_progress(manifest.progress)}; what the log has after that is counted again"
        ]

    @contextmanager
    def _present(self) -> Iterator[Client | None]:
        """A client of the warehouse as it is now, also while it does not run; None without any."""
        installation = self.installation
        if "warehouse" in installation.running():
            variables = installation.environment()
            client = connect(
                WarehouseSettings(
                    url=variables["TALLY_WAREHOUSE_URL"],
                    user=variables["TALLY_WAREHOUSE_USER"],
                    password_file=Path(variables["TALLY_WAREHOUSE_PASSWORD_FILE"]),
                ),
                database="",
            )
            try:
                yield client
            finally:
                client.close()
        elif any(installation.home.warehouse.iterdir()):
            with private_engine(installation, installation.home.warehouse, installation.home.backups) as client:
                yield client
        else:
            yield None

    def _make(self, folder: Path, manifest: Manifest, note: Note) -> None:
        """Puts the backup back beside the data, with everything stopped that may write."""
        installation = self.installation
        installation.home.restoring.write_text(note.model_dump_json())
        installation.stop([name for name in installation.running() if name not in LEFT_RUNNING])
        self.told("all that writes is stopped")
        shutil.rmtree(self._fresh, ignore_errors=True)
        self._fresh.mkdir()
        with private_engine(installation, self._fresh, folder) as client:
            put_back(client, manifest, Place(folders.TABLES))
            note_log_ends(client, found_log(installation, KAFKA_SECONDS).log_ends)
        self.told(f"{len(manifest.tables)} tables and views put back")

    def _swap(self, folder: Path, note: Note) -> None:
        home = self.installation.home
        os.sync()
        home.restoring.write_text(note.model_copy(update={"swapping": True}).model_dump_json())
        put_configuration_back(home, folder / folders.CONFIGURATION)
        shutil.rmtree(self._old, ignore_errors=True)
        if home.warehouse.exists():
            home.warehouse.rename(self._old)
        self._fresh.rename(home.warehouse)
        os.sync()
        self.installation.settings.remember(home.settings)
        home.restoring.unlink()
        shutil.rmtree(self._old, ignore_errors=True)

    def _forget(self) -> None:
        shutil.rmtree(self._fresh, ignore_errors=True)
        self.installation.home.restoring.unlink(missing_ok=True)

    def _start(self, note: Note) -> None:
        """What ran before runs again; nothing when nothing did."""
        if not note.services:
            self.installation.down()
            return
        wanted = {name.partition("-")[0] for name in note.services}
        self.installation.up(without=self._kinds() - wanted)
        if "kafka" not in wanted:
            self.installation.stop(["kafka"])
        self.told("what ran before runs again")

    def _kinds(self) -> set[str]:
        return {service.kind for service in self.installation.plan.services()}
