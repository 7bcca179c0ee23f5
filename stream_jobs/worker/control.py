"""Applies control records at their place in the log (rules E19 to E21): a record in, what it changes and leaves out.

Whatever is long becomes a job and is done between takes; here everything takes the same short time.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfoNotFoundError

import polars as pl
import structlog

from producers.control.bodies import ConfigBody, RepriceBody
from producers.control.record import ControlRecord, read_record
from producers.errors import ControlRefused
from producers.rejections.rejection import Rejection
from producers.timeliness.rules import FUTURE_MS
from stream_jobs.calendars.local_calendar import QUARTER_SECONDS, LocalCalendar
from stream_jobs.corrections.awaited import NOT_MET, Awaited, Identity, awaited_rows
from stream_jobs.corrections.change import corrections_of
from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.pricing.errors import PriceListRefused, RevisionMissing
from stream_jobs.worker import statements
from stream_jobs.worker.beat import Beat
from stream_jobs.worker.books import FIRST, Books
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.partition import Partition
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import Pending, WorkerState
from stream_jobs.worker.take import Envelope, Taken
from warehouse.log_partitions import row_version

log = structlog.get_logger()
JOBS: Final = frozenset({"repair", "replay", "amend", "void", "replace", "reprice", "erase"})
CONTENT: Final = "a configuration revision"
"""What the worker says it waits for."""
LOOK_SECONDS: Final = 0.5


@dataclass(slots=True)
class Controls:
    """Blocking work is done in threads. key: the installation's; asked for with the first record."""

    sink: Sink
    directory: Directory
    books: Books
    beat: Beat
    key: Callable[[], bytes]

    async def apply(self, state: WorkerState, envelope: Envelope) -> Taken:
        """Applies one record. What cannot be is refused and kept; a repeated record changes nothing."""
        partition = state.partitions[envelope.src_partition]
        taken = Taken(heights=[0])
        record: ControlRecord | None = None
        try:
            record = read_record(envelope.value, envelope.signature, self.key(), envelope.src_partition)
            if await self._is_repeated(partition, record, envelope.offset):
                self._log(taken, envelope, record, "repeated")
                return taken
            await asyncio.to_thread(self._apply, state, partition, record, envelope, taken)
        except ControlRefused as refused:
            self._refuse(taken, envelope, record, str(refused))
            return taken
        partition.controls.add(record.control_id)
        self._log(taken, envelope, record, "applied")
        log.info("control record", kind=record.kind, control_id=record.control_id, organization=record.organization)
        return taken

    async def _is_repeated(self, partition: Partition, record: ControlRecord, offset: int) -> bool:
        if record.control_id in partition.controls:
            return True
        known = statements.applied_control(partition.number, record.control_id, offset)
        return bool(await asyncio.to_thread(self.sink.rows, known))

    def _apply(
        self, state: WorkerState, partition: Partition, record: ControlRecord, envelope: Envelope, taken: Taken
    ) -> None:
        body = record.body
        if isinstance(body, ConfigBody):
            if body.subject == "calendar":
                self._change_calendar(state, record, body, envelope, taken)
            else:
                self._switch(partition, body, envelope, taken)
            return
        if isinstance(body, RepriceBody):
            self._check_in_force(partition, body)
        self._await(partition, record, envelope, taken)
        taken.written.append(("jobs", _job(partition, record, envelope)))

    def _switch(self, partition: Partition, body: ConfigBody, envelope: Envelope, taken: Taken) -> None:
        """The highest revision seen so far is in force."""
        self._content(body, "")
        try:
            if body.subject == "prices":
                if body.revision <= self._number(partition.prices, self.books.prices[FIRST].revision):
                    return
                self.books.need([body.revision], [])
                partition.prices = body.revision
            else:
                if body.revision <= self._number(partition.multipliers, self.books.multipliers[FIRST].revision):
                    return
                self.books.need([], [body.revision])
                partition.multipliers = body.revision
        except (PriceListRefused, CreditRulesRefused, RevisionMissing) as problem:
            raise ControlRefused(f"config: revision {body.revision} of the {body.subject}: {problem}") from None
        taken.written.append(("revision_switches", _switch_row(envelope, body.subject, "", body.revision)))

    def _change_calendar(
        self,
        state: WorkerState,
        record: ControlRecord,
        body: ConfigBody,
        envelope: Envelope,
        taken: Taken,
    ) -> None:
        name = record.organization
        said = self._content(body, name)
        if hashlib.sha256(said.encode()).hexdigest() != body.content_hash:
            raise ControlRefused(f"config: the content of calendar revision {body.revision} has another hash")
        try:
            content = json.loads(said)
            start = round(datetime.fromisoformat(content["effective_from"]).timestamp())
            LocalCalendar(content["time_zone"], int(content["week_start"]))
        except (ValueError, TypeError, KeyError, ZoneInfoNotFoundError) as problem:
            raise ControlRefused(f"config: calendar revision {body.revision} cannot be read: {problem!r}") from None
        if start % QUARTER_SECONDS or start * 1000 <= envelope.append_ms + FUTURE_MS:
            raise ControlRefused(
                f"config: the calendar of {name} would change at {content['effective_from']}: it must be a full "
                f"quarter of an hour, and more than {FUTURE_MS // 60_000} minutes after the record reaches the log"
            )
        if unknown := self.directory.unknown([name]):
            self.directory.learn(unknown, envelope.append_ms)
        self.directory.change(name, start, content["time_zone"], content["week_start"])
        calendar = self.directory.calendar(name)
        for key, pending in list(state.pending.items()):
            if key[1] == name:
                period = calendar.day(key[3]) if key[2] == "day" else calendar.week(key[3])
                state.pending[key] = Pending(period, calendar.week_of(key[3]), pending.touched)
        taken.written.append(("revision_switches", _switch_row(envelope, "calendar", name, body.revision)))
        taken.written.append(("organizations", _organization(record, envelope, start, content)))

    def _content(self, body: ConfigBody, organization: str) -> str:
        """What the revision says. Waits, and says so, until the warehouse has the revision with that hash."""
        asked = statements.revision_content(body.subject, body.revision, organization, body.content_hash)
        while not (found := self.sink.rows(asked)):
            self.beat.wait(CONTENT, f"{body.subject} revision {body.revision} with hash {body.content_hash[:12]}")
            self.beat.move()
            time.sleep(LOOK_SECONDS)
        self.beat.waits.end(CONTENT)
        return str(found[0][0])

    def _check_in_force(self, partition: Partition, body: RepriceBody) -> None:
        """Only what the log knows already can price again (rule E25)."""
        prices = self._number(partition.prices, self.books.prices[FIRST].revision)
        multipliers = self._number(partition.multipliers, self.books.multipliers[FIRST].revision)
        for what, asked, known in (
            ("prices", body.prices, prices),
            ("multipliers", body.multipliers or FIRST, multipliers),
        ):
            if asked > known:
                raise ControlRefused(
                    f"reprice: revision {asked} of the {what} is not in force here (it is {known}): publish it first"
                )

    def _await(self, partition: Partition, record: ControlRecord, envelope: Envelope, taken: Taken) -> None:
        """Every event that is named may still come; the job finds out which came before."""
        entries: list[tuple[int, Identity, Awaited, int]] = []
        version = row_version(partition.number, envelope.offset)
        for correction in corrections_of(record.body):
            awaited = Awaited(envelope.offset, record.control_id, record.kind, correction.change, version)
            for event in correction.events:
                identity = (record.organization, round(event.time.timestamp() * 1000), event.event_id.bytes)
                partition.awaited.add(identity, awaited)
                entries.append((partition.number, identity, awaited, NOT_MET))
        if entries:
            taken.written.append(("awaited_events", awaited_rows(entries)))

    @staticmethod
    def _number(revision: int, first: int) -> int:
        return first if revision == FIRST else revision

    @staticmethod
    def _log(taken: Taken, envelope: Envelope, record: ControlRecord, outcome: str, reason: str = "") -> None:
        row = {
            "src_partition": envelope.src_partition,
            "control_id": record.control_id,
            "src_offset": envelope.offset,
            "kind": record.kind,
            "organization": record.organization,
            "outcome": outcome,
            "reason": reason,
            "append_time": envelope.append_ms,
        }
        taken.written.append(("control_log", _frame(row, "append_time")))

    def _refuse(self, taken: Taken, envelope: Envelope, record: ControlRecord | None, reason: str) -> None:
        log.warning("control record refused", partition=envelope.src_partition, offset=envelope.offset, reason=reason)
        if record is not None:
            self._log(taken, envelope, record, "refused", reason)
        place = (envelope.src_partition, envelope.offset, envelope.append_ms)
        taken.rejections.append(Rejection.of_worker(*place, None, reason, envelope.value))


def _frame(row: dict[str, Any], *instants: str) -> pl.DataFrame:
    """One row; instants in Unix milliseconds."""
    return pl.DataFrame([row]).with_columns(pl.col(name).cast(pl.Datetime("ms", "UTC")) for name in instants)


def _switch_row(envelope: Envelope, kind: str, organization: str, revision: int) -> pl.DataFrame:
    row = {
        "src_partition": envelope.src_partition,
        "offset": envelope.offset,
        "kind": kind,
        "organization": organization,
        "revision": revision,
    }
    return _frame(row)


def _organization(record: ControlRecord, envelope: Envelope, start: int, content: dict[str, Any]) -> pl.DataFrame:
    """The calendar from `start` on; it says no name, so the one that was given last stays."""
    row = {
        "organization": record.organization,
        "effective_from": start,
        "time_zone": content["time_zone"],
        "week_start": content["week_start"],
        "display_name": "",
        "registered": 1,
        "author": record.author,
        "created": envelope.append_ms,
    }
    return _frame(row, "created").with_columns(pl.col("effective_from").cast(pl.UInt32))


def _job(partition: Partition, record: ControlRecord, envelope: Envelope) -> pl.DataFrame:
    row = {
        "src_partition": partition.number,
        "control_id": record.control_id,
        "src_offset": envelope.offset,
        "kind": record.kind,
        "organization": record.organization,
        "body": json.dumps(record.content, ensure_ascii=False, sort_keys=True),
        "prices": partition.prices,
        "multipliers": partition.multipliers,
        "state": "asked",
        "slices": 0,
        "message": "",
        "asked": envelope.append_ms,
        "version": 1,
    }
    return _frame(row, "asked")
