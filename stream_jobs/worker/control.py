"""Applies control records at their place in the log (rules E19 to E21): a record in, what it changes and leaves out.

Whatever is long becomes a job and is done between takes; here everything takes the same short time.
"""

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import structlog

from producers.control.bodies import ConfigBody, EraseBody, RepriceBody
from producers.control.record import ControlRecord, named_in, read_record
from producers.errors import ControlRefused
from producers.rejections.rejection import Rejection
from producers.timeliness.rules import FUTURE_MS
from stream_jobs.calendars.calendar_change import CalendarChange, read_change
from stream_jobs.calendars.local_calendar import QUARTER_SECONDS
from stream_jobs.corrections.awaited import NOT_MET, Awaited, Identity, awaited_rows
from stream_jobs.corrections.change import corrections_of
from stream_jobs.worker import statements
from stream_jobs.worker.books import FIRST, UNUSABLE, Books
from stream_jobs.worker.directory import Directory
from stream_jobs.worker.lost_records import Known, missing_rows
from stream_jobs.worker.partition import Partition
from stream_jobs.worker.poison.quarantine import WHOLE
from stream_jobs.worker.routing import Routing
from stream_jobs.worker.sink import Sink
from stream_jobs.worker.state import WorkerState
from stream_jobs.worker.take import Envelope, Taken
from warehouse.log_partitions import row_version

log = structlog.get_logger()


@dataclass(slots=True)
class Controls:
    """Blocking work is done in threads. key: the installation's; asked for with the first record.

    content: what a revision says, for an organisation or "" for all; given what came with its record.
    """

    sink: Sink
    directory: Directory
    books: Books
    routing: Routing
    content: Callable[[ConfigBody, str, bytes | None], str]
    key: Callable[[], bytes]

    async def apply(self, state: WorkerState, envelope: Envelope) -> Taken:
        """Applies one record. What cannot be is refused and kept; a repeated record changes nothing."""
        partition = state.partitions[envelope.src_partition]
        taken = Taken(heights=[0])
        if (held := partition.quarantine.envelopes.get(envelope.offset, {}).get(WHOLE)) is not None:
            self._refuse(taken, envelope, None, held.reason)
            return taken
        record: ControlRecord | None = None
        try:
            record = read_record(envelope.value, envelope.signature, self.key(), envelope.src_partition)
            known = await self._known(partition, record, envelope.offset)
            if known.applied:
                self._log(taken, envelope, record, "repeated")
                return taken
            taken.written += missing_rows(record, envelope, known, self.routing.all)
            await asyncio.to_thread(self._apply, partition, record, envelope, taken)
            mine = state.partitions.values()
            self.books.forget_others((p.prices for p in mine), (p.multipliers for p in mine))
        except ControlRefused as refused:
            self._refuse(taken, envelope, record, str(refused))
            return taken
        partition.controls.add(record.control_id)
        self._log(taken, envelope, record, "applied")
        log.info("control record", kind=record.kind, control_id=record.control_id, organization=record.organization)
        return taken

    async def _known(self, partition: Partition, record: ControlRecord, offset: int) -> Known:
        if record.control_id in partition.controls:
            return Known(applied=True)
        asked = statements.known_control(partition.number, record.control_id, offset)
        [found] = await asyncio.to_thread(self.sink.rows, asked) or [()]
        return Known(*map(bool, found))

    def _apply(self, partition: Partition, record: ControlRecord, envelope: Envelope, taken: Taken) -> None:
        body = record.body
        if isinstance(body, ConfigBody):
            if body.subject == "calendar":
                self._change_calendar(partition, record, body, envelope, taken)
            else:
                self._switch(partition, record, body, envelope, taken)
            return
        if isinstance(body, RepriceBody):
            self._check_in_force(partition, body)
        self._await(partition, record, envelope, taken)
        taken.written.append(("jobs", _job(partition, record, envelope)))

    def _switch(
        self, partition: Partition, record: ControlRecord, body: ConfigBody, envelope: Envelope, taken: Taken
    ) -> None:
        """The highest revision seen so far is in force, and with it each owner's highest one up to that number.

        A lower one that arrives later was stored before, so it is in force already.
        """
        self.content(body, record.organization, envelope.content)
        if body.revision <= self._in_force(partition, body.subject):
            return
        try:
            self.books.need(**{"prices": [], "multipliers": [], body.subject: [body.revision]})
        except UNUSABLE as problem:
            raise ControlRefused(f"config: revision {body.revision} of the {body.subject}: {problem}") from None
        setattr(partition, body.subject, body.revision)
        taken.written.append(
            ("revision_switches", _switch_row(envelope, body.subject, record.organization, body.revision))
        )

    def _change_calendar(
        self, partition: Partition, record: ControlRecord, body: ConfigBody, envelope: Envelope, taken: Taken
    ) -> None:
        """Each revision takes away what earlier ones said of the time from its start on, so a lower one comes too late
        once a higher one was read."""
        name = record.organization
        said = self.content(body, name, envelope.content)
        if hashlib.sha256(said.encode()).hexdigest() != body.content_hash:
            raise ControlRefused(f"config: the content of calendar revision {body.revision} has another hash")
        try:
            change = read_change(said)
        except ValueError as problem:
            raise ControlRefused(f"config: calendar revision {body.revision} cannot be read: {problem}") from None
        if change.start % QUARTER_SECONDS or change.start * 1000 <= envelope.append_ms + FUTURE_MS:
            raise ControlRefused(
                f"config: the calendar of {name} would change at {change.effective_from}: it must be a full "
                f"quarter of an hour, and more than {FUTURE_MS // 60_000} minutes after the record reaches the log"
            )
        place = (envelope.src_partition, envelope.offset)
        if partition.calendars.get(name, 0) > body.revision or self.sink.rows(
            statements.later_calendars(place, name, body.revision)
        ) != [(0,)]:
            raise ControlRefused(
                f"config: calendar revision {body.revision} of {name} came after a later one, which holds: change the "
                "calendar again if it must be another"
            )
        if unknown := self.directory.unknown([name]):
            self.directory.learn(unknown, envelope.append_ms)
        partition.calendars[name] = body.revision
        self.directory.change(name, change.start, change.time_zone, change.week_start)
        taken.written.append(("revision_switches", _switch_row(envelope, "calendar", name, body.revision)))
        taken.written.append(("organizations", _organization(record, envelope, change)))

    def _check_in_force(self, partition: Partition, body: RepriceBody) -> None:
        """Only what the log knows already can price again (rule E25). Not every lower number is a state: some were
        begun with and never stored."""
        multipliers = body.multipliers if isinstance(body.multipliers, int) else FIRST
        for what, asked in (("prices", body.prices or FIRST), ("multipliers", multipliers)):
            known = self._in_force(partition, what)
            if asked > known:
                raise ControlRefused(
                    f"reprice: revision {asked} of the {what} is not in force here (it is {known}): publish it first"
                )
            try:
                self.books.need(**{"prices": [], "multipliers": [], what: [asked]})
            except UNUSABLE as problem:
                raise ControlRefused(f"reprice: revision {asked} of the {what}: {problem}") from None

    def _await(self, partition: Partition, record: ControlRecord, envelope: Envelope, taken: Taken) -> None:
        """Every event that is named may still come; the job finds out which came before. An erasure awaits no more."""
        entries: list[tuple[int, Identity, Awaited, int]] = []
        version = row_version(partition.number, envelope.offset)
        for correction in corrections_of(record.body):
            awaited = Awaited(envelope.offset, record.control_id, record.kind, correction.change, version)
            for event in correction.events:
                identity = (record.organization, round(event.time.timestamp() * 1000), event.event_id.bytes)
                partition.awaited.add(identity, awaited)
                entries.append((partition.number, identity, awaited, NOT_MET))
        if isinstance(record.body, EraseBody):
            for identity, awaited in partition.awaited.about(record.organization, record.body.user_id):
                partition.awaited.drop(identity, awaited.src_offset)
                entries.append((partition.number, identity, awaited, envelope.offset))
        if entries:
            taken.written.append(("awaited_events", awaited_rows(entries)))

    def _in_force(self, partition: Partition, subject: str) -> int:
        """The revision of the prices or multipliers that the partition is at."""
        revision: int = getattr(partition, subject)
        first: int = getattr(self.books, subject)[FIRST].revision
        return first if revision == FIRST else revision

    @staticmethod
    def _log(taken: Taken, envelope: Envelope, record: ControlRecord, outcome: str) -> None:
        named = {"control_id": record.control_id, "kind": record.kind, "organization": record.organization}
        taken.written.append(("control_log", _logged(envelope, named, outcome)))

    def _refuse(self, taken: Taken, envelope: Envelope, record: ControlRecord | None, reason: str) -> None:
        """Keeps its bytes, and tells under the id that they bear; record: None where it cannot or must not be read."""
        log.warning("control record refused", partition=envelope.src_partition, offset=envelope.offset, reason=reason)
        if record is not None:
            named = {"control_id": record.control_id, "kind": record.kind, "organization": record.organization}
        else:
            named = named_in(envelope.value, envelope.signature, self.key(), envelope.src_partition)
        if named:
            taken.written.append(("control_log", _logged(envelope, named, "refused", reason)))
        place = (envelope.src_partition, envelope.offset, envelope.append_ms)
        taken.rejections.append(Rejection.of_worker(*place, None, reason, envelope.value))


def _frame(row: dict[str, Any], *instants: str) -> pl.DataFrame:
    """One row; instants in Unix milliseconds."""
    return pl.DataFrame([row]).with_columns(pl.col(name).cast(pl.Datetime("ms", "UTC")) for name in instants)


def _logged(envelope: Envelope, named: Mapping[str, str], outcome: str, reason: str = "") -> pl.DataFrame:
    """named: control_id, kind and organization."""
    place = {"src_partition": envelope.src_partition, "src_offset": envelope.offset}
    return _frame(
        {**place, **named, "outcome": outcome, "reason": reason, "append_time": envelope.append_ms}, "append_time"
    )


def _switch_row(envelope: Envelope, kind: str, organization: str, revision: int) -> pl.DataFrame:
    row = {
        "src_partition": envelope.src_partition,
        "offset": envelope.offset,
        "kind": kind,
        "organization": organization,
        "revision": revision,
    }
    return _frame(row)


def _organization(record: ControlRecord, envelope: Envelope, change: CalendarChange) -> pl.DataFrame:
    """The calendar from its start on; it says no name, so the one that was given last stays."""
    row = {
        "organization": record.organization,
        "effective_from": change.start,
        "time_zone": change.time_zone,
        "week_start": change.week_start,
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
