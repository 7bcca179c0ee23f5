"""Removes a user or an organisation from the warehouse: a scope in, deletions and a certificate out. Blocking.

Tombstones come first, so that copies of what is gone remain copies; then whoever counts learns them; then rows go. All
of it may be repeated by anybody: what is gone already is not found again.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import polars as pl
import structlog

from stream_jobs.deduplication.tombstones import Tombstones
from stream_jobs.erasure import leftovers, statements, texts
from stream_jobs.erasure.certificate import certificate, completed, swept_again
from stream_jobs.erasure.json_texts import written_in_json
from stream_jobs.erasure.mutation import PATIENCE_SECONDS
from stream_jobs.erasure.removal import Hand, Removal
from stream_jobs.erasure.scope import Scope
from stream_jobs.rollups.spans import parts
from warehouse.families import ROLLUP_TABLES
from warehouse.literals import quoted

log = structlog.get_logger()
HASHED_AT_ONCE: Final = 100_000
OF_ERASURES: Final = (
    *(*statements.OF_EVENTS, *ROLLUP_TABLES, "rejected", "replays", "quarantine", "alerts", "directory_entries"),
    *statements.REPLAYED_TABLES,
    *("erased_events", "erased_users", "closed_usage", "provider_costs"),
    *texts.TABLES,
)
"""Tables that an erasure writes anew."""


@dataclass(slots=True)
class Erasure:
    """The statements of an erasure in their order.

    sweep_after: when it is swept again; longer than a session and an insert together may last, so that what was on its
    way to the warehouse has come by then. kept: how long Kafka has a message at most; None: it does not tell.
    patience_seconds: how long a deletion may do nothing but fail. refusals_are_stored: by the id of an erasure.
    """

    hand: Hand
    tombstones: Tombstones
    sweep_after: timedelta = timedelta(minutes=10)
    kept: Callable[[], timedelta | None] = lambda: None
    patience_seconds: float = PATIENCE_SECONDS
    refusals_are_stored: Callable[[str], bool] = lambda _: True

    def begin(self, scope: Scope, user_id: str) -> None:
        """Notes who and which events, also those that a failed erasure has removed, and writes their tombstones."""
        self._note_who(scope, user_id)
        self.hand.command(statements.events_noted(scope))
        self.hand.command(leftovers.events_noted(scope))
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
        stood = statements.where_they_stood(scope)
        return self.remove_events(scope) + self._removal(scope).delete("event_id_lookup", stood)

    def _note_who(self, scope: Scope, user_id: str) -> None:
        row = {
            "control_id": scope.control_id,
            "organization": scope.organization,
            "user_id": user_id,
            "written": written_in_json(user_id),
            "whole": int(scope.whole),
        }
        self.hand.insert("erased_users", pl.DataFrame([row], schema_overrides={"written": pl.List(pl.String)}))

    def _bury(self, scope: Scope) -> None:
        """Writes the tombstones of what is noted."""
        quarters = [(int(start), int(count)) for start, count in self.hand.rows(statements.noted_per_quarter(scope))]
        for since, until in parts(quarters, HASHED_AT_ONCE):
            events = self.hand.frame(statements.noted(scope, since, until))
            self.hand.insert("tombstones", self._tombstones(scope, events))

    def remove_events(self, scope: Scope) -> int:
        """Removes the events wherever they stand one by one; returns how many rows."""
        where = statements.of_events(scope)
        return self._removal(scope).delete_all({table: where[table] for table in statements.OF_EVENTS})

    def events(self, scope: Scope) -> int:
        """How many events are noted."""
        noted = f"SELECT toInt64(count()) FROM erased_events FINAL WHERE control_id = {scope.id}"
        return int(self.hand.rows(noted)[0][0])

    def finish(self, scope: Scope, user_id: str, asked: datetime) -> None:
        """Once the rollup rows of its days are computed again: removes empty rows and kept bytes, and registers it."""
        self._remove_rest(scope, statements.of_rest(scope, asked))
        self._hurry_old_parts(1)
        for (control_id,) in self.hand.rows(leftovers.noted(scope)):
            self._drop_notes(control_id)
        due = datetime.now(UTC) + self.sweep_after
        user_hash = self.user_hash(scope.organization, user_id)
        self._store(scope, user_hash, asked, "erased", due, self._certificate(scope, asked, due), 1)

    def sweep_again(self, scope: Scope, row: Mapping[str, Any]) -> None:
        """The second sweep: what was written late goes, then what tells who it was about. row: of the register."""
        self.sweep(scope, row["asked"])
        self.empty_texts(scope, row["asked"])
        known = json.loads(row["certificate"])["removed"]["events"]
        told = self._certificate(scope, row["asked"], row["due"], known)
        self.forget(scope)
        now = datetime.now(UTC)
        told["swept"] = now.isoformat(timespec="seconds")
        self._store(scope, row["user_hash"], row["asked"], "swept", now, told, row["version"] + 1)

    def empty_texts(self, scope: Scope, asked: datetime) -> None:
        """Empties bodies, notes and messages. asked: when the log received the erasure."""
        removal = self._removal(scope)
        for table, of_table in texts.of_texts(scope, asked).items():
            removal.empty(table, of_table)
        if not scope.whole:
            removal.change("directory_entries", *texts.of_attributes(scope, asked))

    def empty_again(self, scope: Scope) -> int:
        """Empties requests that a process which froze has written once more; returns how many rows."""
        return self._removal(scope).empty("jobs", texts.said_again(scope))

    def complete(self, scope: Scope, row: Mapping[str, Any]) -> bool:
        """Whether the files that were replaced up to the second sweep are gone; then the erasure is over."""
        left = [table for (table,) in self.hand.rows(statements.replaced_parts(OF_ERASURES, row["due"]))]
        for table in left:  # whoever clears them may sleep for minutes; dropping a partition that is none clears too
            self.hand.command(f"ALTER TABLE {table} DROP PARTITION ID 'none'")
        if left:
            return False
        self._hurry_old_parts(None)
        told = completed(json.loads(row["certificate"]), datetime.now(UTC))
        self._store(scope, row["user_hash"], row["asked"], "complete", row["due"], told, row["version"] + 1)
        log.info("erasure complete", control_id=scope.control_id, organization=scope.organization)
        return True

    def clear_again(self, scope: Scope) -> None:
        """After a late sweep, which counts too: the erasure is complete once the files that were replaced now are gone
        as well."""
        self._hurry_old_parts(1)
        [(user_hash, asked, said, version)] = self.hand.rows(statements.register_of(scope))
        now = datetime.now(UTC)
        told = swept_again(json.loads(said), self._removed(scope), now)
        self._store(scope, user_hash, asked, "swept", now, told, int(version) + 1)

    def sweep(self, scope: Scope, asked: datetime) -> int:
        """Removes again what a process that was frozen may have written since; returns how many rows."""
        self.hand.command(statements.events_noted(scope))
        found = self.remove_events(scope)
        return found + self._remove_rest(scope, statements.of_rest(scope, asked))

    def remove_rest(self, scope: Scope, kept: str, asked: datetime) -> int:
        """What only names the user, once no rollup row counts anything of it; returns how many rows.

        kept: condition of days whose raw events are all there.
        """
        conditions = {table: f"{where} AND {kept}" for table, where in statements.of_rollups(scope).items()}
        conditions |= {**statements.of_replayed(scope), **statements.of_bytes(scope, asked)}
        return self._remove_rest(scope, conditions)

    def _remove_rest(self, scope: Scope, conditions: Mapping[str, str]) -> int:
        removal = self._removal(scope)
        return removal.delete_all(conditions) + removal.empty("quarantine", statements.of_quarantine(scope))

    def forget(self, scope: Scope) -> None:
        """Nothing tells any more who it was about."""
        self._drop_notes(scope.control_id)

    def _drop_notes(self, control_id: str) -> None:
        for table in ("erased_events", "erased_users"):  # users last: by them leftovers are found
            self.hand.command(f"ALTER TABLE {table} DROP PARTITION {quoted(control_id)}")

    def _removal(self, scope: Scope) -> Removal:
        return Removal(self.hand, scope, self.patience_seconds)

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

    def _certificate(self, scope: Scope, asked: datetime, due: datetime, known: int = 0) -> dict[str, Any]:
        """As it is now. known: how many events an earlier one told; they may be noted no more."""
        removed = {"events": max(known, self.events(scope))} | self._removed(scope)
        return certificate(scope, removed, asked=asked, now=datetime.now(UTC), due=due, kept=self.kept())

    def _removed(self, scope: Scope) -> dict[str, int]:
        """Rows by table, once nothing is left to be removed."""
        removal = self._removal(scope)
        removal.close()
        return removal.removed()

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
