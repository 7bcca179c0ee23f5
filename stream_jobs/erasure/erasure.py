"""Removes a user or an organisation from the warehouse: a scope in, deletions and a certificate out. Blocking.

Tombstones come first, so that copies of what is gone remain copies; then whoever counts learns them; then rows go. All
of it may be repeated by anybody: what is gone already is not found again.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

import polars as pl
import structlog

from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.erasure import statements
from stream_jobs.erasure.statements import Scope
from stream_jobs.errors import JobRefused
from stream_jobs.rollups.spans import parts
from warehouse.families import ROLLUP_TABLES
from warehouse.literals import quoted

log = structlog.get_logger()
HASHED_AT_ONCE: Final = 100_000
LOOK_SECONDS: Final = 0.2
OF_ERASURES: Final = (
    *(*statements.OF_EVENTS, *ROLLUP_TABLES, "rejected", "replays", "quarantine", "alerts", "control_records", "jobs"),
    *("directory_entries", "erased_events", "erased_users"),
)
"""Tables that an erasure writes anew."""
STAYS: Final = (
    "how many events were ever counted, and keyed hashes of the erased events' ids: by them copies stay copies",
    "the organisation's name and calendar",
)


class Hand(Protocol):
    """What reaches the warehouse."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The answer."""

    def frame(self, sql: str) -> pl.DataFrame:
        """The answer as a frame."""

    def insert(self, table: str, frame: pl.DataFrame) -> None:
        """Inserts durably."""

    def command(self, sql: str) -> None:
        """Runs a statement that changes something."""


@dataclass(slots=True)
class Erasure:
    """The statements of an erasure in their order.

    sweep_after: when it is swept again; longer than a session and an insert together may last, so that what was on its
    way to the warehouse has come by then.
    """

    hand: Hand
    tombstones: Tombstones
    sweep_after: timedelta = timedelta(minutes=10)

    def begin(self, scope: Scope, user_id: str) -> None:
        """Notes who and which events, and writes their tombstones."""
        self._note_who(scope, user_id)
        self.hand.command(statements.events_noted(scope))
        self._bury(scope)

    def note_again(self, scope: Scope, user_id: str) -> None:
        """Notes for another sweep who it is about, if that is known, and what stands where its events stood."""
        if user_id or scope.whole:
            self._note_who(scope, user_id)
        self.hand.command(statements.events_noted(scope))
        self._bury(scope)
        for table in ("event_id_log", "usage_raw"):
            self.hand.command(statements.back_noted(scope, table))

    def remove_again(self, scope: Scope) -> int:
        """Removes what another sweep has noted, and ids that came back without their events; returns how many rows."""
        return self.remove_events(scope) + self._delete("event_id_lookup", statements.where_they_stood(scope))

    def _note_who(self, scope: Scope, user_id: str) -> None:
        row = {"organization": scope.organization, "user_id": user_id, "whole": int(scope.whole)}
        self.hand.insert("erased_users", pl.DataFrame([row]).with_columns(pl.lit(scope.control_id).alias("control_id")))

    def _bury(self, scope: Scope) -> None:
        """Writes the tombstones of what is noted."""
        quarters = [(int(start), int(count)) for start, count in self.hand.rows(statements.noted_per_quarter(scope))]
        for since, until in parts(quarters, HASHED_AT_ONCE):
            events = self.hand.frame(statements.noted(scope, since, until))
            self.hand.insert("tombstones", self._tombstones(scope, events))

    def remove_events(self, scope: Scope) -> int:
        """Removes the events wherever they stand one by one; returns how many rows."""
        where = statements.of_events(scope)
        return sum(self._delete(table, where[table]) for table in statements.OF_EVENTS)

    def finish(self, scope: Scope, user_id: str, asked: datetime) -> None:
        """Once the rollup rows of its days are computed again: removes empty rows and kept bytes, and registers it."""
        removed = {"events": self._noted_events(scope)}
        removed |= self._delete_all(statements.of_rollups(scope)) | self._delete_all(statements.of_bytes(scope))
        self._hurry_old_parts(1)
        due = datetime.now(UTC) + self.sweep_after
        user_hash = self.user_hash(scope.organization, user_id)
        self._store(scope, user_hash, asked, "erased", due, certificate(scope, removed, due), 1)

    def sweep_again(self, scope: Scope, row: Mapping[str, Any]) -> None:
        """The second sweep: what was written late goes, then what tells who it was about. row: of the register."""
        self.sweep(scope)
        for table, where in statements.of_requests(scope).items():
            self._mutate(table, f"UPDATE body = '' WHERE {where}")
        self.forget(scope)
        now = datetime.now(UTC)
        told = json.loads(row["certificate"]) | {"swept": now.isoformat(timespec="seconds")}
        self._store(scope, row["user_hash"], row["asked"], "swept", now, told, row["version"] + 1)

    def complete(self, scope: Scope, row: Mapping[str, Any]) -> bool:
        """Whether the files that were replaced up to the second sweep are gone; then the erasure is over."""
        left = [table for (table,) in self.hand.rows(statements.replaced_parts(OF_ERASURES, row["due"]))]
        for table in left:  # whoever clears them may sleep for minutes; dropping a partition that is none clears too
            self.hand.command(f"ALTER TABLE {table} DROP PARTITION ID 'none'")
        if left:
            return False
        self._hurry_old_parts(None)
        told = json.loads(row["certificate"]) | {"complete": datetime.now(UTC).isoformat(timespec="seconds")}
        self._store(scope, row["user_hash"], row["asked"], "complete", row["due"], told, row["version"] + 1)
        log.info("erasure complete", control_id=scope.control_id, organization=scope.organization)
        return True

    def sweep(self, scope: Scope) -> int:
        """Removes again what a process that was frozen may have written since; returns how many rows."""
        self.hand.command(statements.events_noted(scope))
        found = self.remove_events(scope)
        rest = {**statements.of_rollups(scope), **statements.of_bytes(scope)}
        return found + sum(self._delete_all(rest).values())

    def remove_rest(self, scope: Scope, kept: str, until: datetime) -> int:
        """What only names the user, once no rollup row counts anything of it; returns how many rows.

        kept: condition of days whose raw events are all there. until: bytes that were kept later are of somebody new.
        """
        conditions = {table: f"{where} AND {kept}" for table, where in statements.of_rollups(scope).items()}
        conditions |= statements.of_bytes(scope, until)
        return sum(self._delete_all(conditions).values())

    def forget(self, scope: Scope) -> None:
        """Nothing tells any more who it was about."""
        for table in ("erased_events", "erased_users"):
            self.hand.command(f"ALTER TABLE {table} DROP PARTITION {quoted(scope.control_id)}")

    def user_hash(self, organization: str, user_id: str) -> str:
        """What stands for a user in the register; "" for the whole organisation."""
        return self.tombstones.hashed(organization, b"user " + user_id.encode()).hex() if user_id else ""

    def _tombstones(self, scope: Scope, events: pl.DataFrame) -> pl.DataFrame:
        hashes = [self.tombstones.hashed(*each) for each in events.select("organization", "event_id").iter_rows()]
        return events.select(
            "organization", "time", "src_partition", "src_offset", "src_index", "append_time"
        ).with_columns(
            pl.Series("id_hash", hashes, pl.Binary),
            pl.lit(self.tombstones.key_check()).alias("key_check"),
            pl.lit(scope.control_id).alias("control_id"),
        )

    def _noted_events(self, scope: Scope) -> int:
        asked = f"SELECT count() FROM erased_events FINAL WHERE control_id = {scope.id}"
        return int(self.hand.rows(asked)[0][0])

    def _delete_all(self, conditions: Mapping[str, str]) -> dict[str, int]:
        known = {row[0] for row in self.hand.rows("SELECT name FROM system.tables WHERE database = currentDatabase()")}
        return {table: self._delete(table, where) for table, where in conditions.items() if table in known}

    def _delete(self, table: str, where: str) -> int:
        """Removes the rows from every part; returns how many there were, old versions counted in."""
        count = int(self.hand.rows(f"SELECT count() FROM {table} WHERE {where}")[0][0])
        if count:
            self._mutate(table, f"DELETE WHERE {where}")
        return count

    def _mutate(self, table: str, change: str) -> None:
        """Waits until every part is written anew. Raises JobRefused with the warehouse's reason when one cannot be."""
        self.hand.command(f"ALTER TABLE {table} {change}")
        of_table = (
            f"FROM system.mutations WHERE database = currentDatabase() AND table = {quoted(table)} AND NOT is_done"
        )
        while (open_ := self.hand.rows(f"SELECT count(), max(latest_fail_reason) {of_table}"))[0][0]:
            if open_[0][1]:
                raise JobRefused(f"rows of {table} cannot be removed: {open_[0][1][:300]}")
            time.sleep(LOOK_SECONDS)

    def _hurry_old_parts(self, seconds: int | None) -> None:
        """How long files that were replaced stay on disk while an erasure goes on; None: as ever."""
        for table in OF_ERASURES:
            change = (
                "RESET SETTING old_parts_lifetime"
                if seconds is None
                else (f"MODIFY SETTING old_parts_lifetime = {seconds}")
            )
            self.hand.command(f"ALTER TABLE {table} {change}")

    def _store(
        self,
        scope: Scope,
        user_hash: str,
        asked: datetime,
        state: str,
        due: datetime,
        told: dict[str, Any],
        version: int,
    ) -> None:
        row = {
            "src_partition": scope.home,
            "control_id": scope.control_id,
            "src_offset": scope.offset,
            "organization": scope.organization,
            "user_hash": user_hash,
            "key_check": self.tombstones.key_check(),
            "asked": asked,
            "state": state,
            "certificate": json.dumps(told, sort_keys=True),
            "due": due,
            "version": version,
        }
        self.hand.insert(
            "erasures", pl.DataFrame([row]).with_columns(pl.col("asked", "due").cast(pl.Datetime("ms", "UTC")))
        )


def certificate(scope: Scope, removed: Mapping[str, int], due: datetime) -> dict[str, Any]:
    """What was removed where, what stays, and what only time clears."""
    return {
        "organization": scope.organization,
        "subject": "organization" if scope.whole else "user",
        "removed": dict(removed),
        "stays": list(STAYS),
        "only_time_clears": [
            {"what": "records of the event topic and of refused events", "until": "Kafka's retention of those topics"},
            {"what": "backups made before", "until": "they are deleted"},
            {
                "what": "files of the warehouse that were replaced, and the request itself",
                "until": f"the second sweep, {due:%Y-%m-%d %H:%M} UTC",
            },
        ],
    }
