"""One audit: compares what is due, remembers that it did, and raises an alert for what differs."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from clickhouse_connect.driver.exceptions import Error

from stream_jobs.audit import alerts
from stream_jobs.audit.counting import LogCounter
from stream_jobs.audit.days import RECENT_DAYS, KnownDays, LastAudit, TouchedSince, older_share, ranges
from stream_jobs.audit.job_alerts import UnfinishedJobs, alerts_of_jobs
from stream_jobs.audit.unpriced_alerts import UnpricedModels, alerts_of_models
from warehouse.client import WRITE_SETTINGS, classified
from warehouse.queries.progress import PartitionProgress, Progress, as_of
from warehouse.queries.reconcile.part import Cut
from warehouse.queries.reconcile.reconcile import EVERYTHING, Reconciler, Report, Scope

COLUMNS = ("started", "finished", "scope", "rows", "differing", "message", "older_until", "applied")


@dataclass(frozen=True, slots=True)
class Due:
    """Days to compare, where the turn of the older ones ends, and whether all identities are compared (once a day)."""

    days: frozenset[date]
    older_until: date
    identities: bool


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found."""

    started: datetime
    finished: datetime
    report: Report
    message: str


@dataclass(slots=True)
class Audit:
    """Runs with one warehouse connection and one reader of the log. moved: told after each statement."""

    reconciler: Reconciler
    counter: LogCounter
    audits_per_round: int
    moved: Callable[[], None] = lambda: None
    sweep: Callable[[], list[str]] = list
    """Removes what frozen processes have brought back of erased users; returns what people should know."""
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def run(self) -> Audited | None:
        """One audit; None while no event was ever applied. Raises WarehouseUnavailable."""
        started = self.now()
        partitions = self.reconciler.ask(Progress())
        clock = as_of(partitions)
        if clock is None:
            return None
        report = Report(as_of=clock)
        self.counter.notes.clear()
        report.notes += self.sweep()
        report.add(self.counter.compared(lambda _: self.moved()))
        due = self._due(clock)
        for first, last in ranges(due.days):
            self.reconciler.compare(Scope(None, first, last), report, lambda _: self.moved())
        if due.identities:
            self.reconciler.identities(report, lambda _: self.moved())
        self.reconciler.tell_jobs(EVERYTHING, report)
        report.notes += self.counter.notes
        audited = Audited(started, self.now(), report, message(report))
        self._tell(audited, clock)
        self._remember(audited, due, partitions)
        return audited

    def _due(self, clock: datetime) -> Due:
        last = self.reconciler.ask(LastAudit())
        known = self.reconciler.ask(KnownDays())
        recent = {day for day in known if day >= clock.date() - timedelta(days=RECENT_DAYS)}
        touched = set() if last is None else self.reconciler.ask(TouchedSince(last.applied))
        older = older_share(known, date.min if last is None else last.older_until, self.audits_per_round)
        return Due(
            frozenset(recent | (touched & set(known)) | set(older)),
            older[-1] if older else date(1970, 1, 1),
            identities=last is None or last.ran < self.now().date(),
        )

    def _tell(self, audited: Audited, clock: datetime) -> None:
        known, report = self.reconciler.ask(alerts.KnownAlerts()), audited.report
        rows = alerts.alerts(report.differences, known, clock, report.failed)
        rows += alerts_of_jobs(self.reconciler.ask(UnfinishedJobs()), known, clock)
        rows += alerts_of_models(self.reconciler.ask(UnpricedModels()), known, clock)
        if rows:
            self._insert("alerts", rows, alerts.COLUMNS)

    def _remember(self, audited: Audited, due: Due, partitions: list[PartitionProgress]) -> None:
        report = audited.report
        scope = ", ".join(f"{first} to {last}" if first != last else str(first) for first, last in ranges(due.days))
        row = (
            audited.started,
            audited.finished,
            scope,
            report.rows,
            report.differing,
            audited.message,
            due.older_until,
            dict(Cut.of(partitions).applied),
        )
        self._insert("audits", [row], COLUMNS)

    def _insert(self, table: str, rows: list[tuple[Any, ...]], columns: tuple[str, ...]) -> None:
        try:
            self.reconciler.client.insert(table, rows, column_names=columns, settings=WRITE_SETTINGS)
        except (Error, OSError) as failure:
            raise classified(failure) from failure


def message(report: Report) -> str:
    """One sentence for people, and the notes."""
    found = (
        f"{report.differing:,} of {report.rows:,} rows differ"
        if report.differing
        else (f"no difference in {report.rows:,} rows")
    )
    return "; ".join((found, *report.notes))
