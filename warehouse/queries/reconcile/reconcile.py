"""Compares everything: a client and what to look at in, one report out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import TypeVar

from clickhouse_connect.driver.client import Client

from warehouse.families import FAMILIES
from warehouse.queries.progress import Progress, as_of
from warehouse.queries.query import Query, ask
from warehouse.queries.reconcile.acknowledged import Acknowledgement, Hashed, against_raw
from warehouse.queries.reconcile.derived import DerivedAgainstFiner
from warehouse.queries.reconcile.difference import Comparison, Difference, Place
from warehouse.queries.reconcile.erasing import ErasingJobs, at_work
from warehouse.queries.reconcile.homes import OneHome
from warehouse.queries.reconcile.identities import EventsPerHour, compare_identities, slices
from warehouse.queries.reconcile.lasting import Lasting
from warehouse.queries.reconcile.latency import LatencyAgainstSource
from warehouse.queries.reconcile.open_slices import FailedSlice, FailedSlices, OpenJobs, OpenPlaces, Within
from warehouse.queries.reconcile.part import Cut, Part, RowsPerPeriod, parts
from warehouse.queries.reconcile.quarters import QuartersAgainstRaw
from warehouse.queries.reconcile.same_ids import IDS_PER_PIECE, KnownIds, SameIdOtherTime

ROWS_PER_PART = 400_000
"""Bounds the memory of one comparison; measured: about 1 GB when every event has a row of its own."""
LATENCY_MEASURES = 3
KEPT_DIFFERENCES = 1000

Check = QuartersAgainstRaw | LatencyAgainstSource | DerivedAgainstFiner | OneHome
IDENTITIES_SHARE = 0.2
"""Of the work, when everything is compared."""
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Scope:
    """What is compared: one organisation or all, all days or those from first to last (local, both included)."""

    organization: str | None = None
    first: date | None = None
    last: date | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is left out; only then running totals can be compared."""
        return self == EVERYTHING

    @property
    def all_days(self) -> bool:
        """Whether no day is left out."""
        return self.first is None and self.last is None


EVERYTHING = Scope()


@dataclass(slots=True)
class Report:
    """What was compared, and the first KEPT_DIFFERENCES of the rows that differ."""

    as_of: datetime | None = None
    rows: int = 0
    differing: int = 0
    waiting: int = 0
    """Acknowledged events that no worker has applied yet."""
    measures: int = sum(len(family.measures) for family in FAMILIES) + LATENCY_MEASURES
    differences: list[Difference] = field(default_factory=list)
    places: set[Place] = field(default_factory=set)
    """Days whose rows differ: what a repair computes again."""
    notes: list[str] = field(default_factory=list)
    """What people should know and is no difference."""
    failed: list[FailedSlice] = field(default_factory=list)
    """Days whose rows differ and that a job has given up."""

    def add(self, comparison: Comparison) -> None:
        """Adds the result of one check."""
        self.rows += comparison.rows
        self.differing += comparison.differing
        self.differences += comparison.differences[: KEPT_DIFFERENCES - len(self.differences)]
        self.places |= comparison.places


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Asks one warehouse. settings: those of ClickHouse for every statement."""

    client: Client
    rows_per_part: int = ROWS_PER_PART
    settings: Mapping[str, object] = field(default_factory=dict)
    lasting: Lasting = field(default_factory=Lasting)

    def ask(self, query: Query[Answer]) -> Answer:
        """The answer under the settings. Raises WarehouseUnavailable and WarehouseRefused."""
        return ask(self.client, query, self.settings)

    def compare(self, scope: Scope, report: Report, advance: Callable[[float], None] = lambda _: None) -> None:
        """Adds every check of a scope to the report. `advance` is called with the share of the work that is done."""
        checks, known = list(self._checks(scope)), self.ask(OpenPlaces())
        share = 1 - IDENTITIES_SHARE if scope.everything else 1.0
        for number, check in enumerate(checks, 1):
            comparison, known = self._lasting(check, known)
            report.add(comparison)
            advance(number / len(checks) * share)
        if scope.everything:
            self.identities(report, lambda done: advance(share + done * IDENTITIES_SHARE))
        if scope.all_days:
            report.notes += self._same_ids(scope.organization)

    def tell_jobs(self, scope: Scope, report: Report) -> None:
        """Adds what was left out because jobs are at work, and which of the days that differ a job has given up."""
        within = Within(scope.organization, scope.first, scope.last)
        report.notes += [job.told for job in self.ask(OpenJobs(within))]
        if report.places:
            report.failed = [each for each in self.ask(FailedSlices(within)) if each.place in report.places]

    def identities(self, report: Report, advance: Callable[[float], None] = lambda _: None) -> None:
        """Adds who is counted: the narrow tables and the running totals."""
        before = self.ask(ErasingJobs())
        partitions = self.ask(Progress())
        spans = list(slices(self.ask(EventsPerHour())))
        comparison = compare_identities(self.ask, self.ask, self.ask, partitions, spans, advance)
        erasing = at_work(before, self.ask(ErasingJobs()))
        kept = tuple(
            found for found in comparison.differences if not any(job.touches(found.partition) for job in erasing)
        )
        if len(kept) < len(comparison.differences):
            report.notes += [
                f"ids of log partition {job.home} are not compared while job {job.control_id} erases" for job in erasing
            ]
        report.add(replace(comparison, differing=len(kept), differences=kept))

    def _lasting(self, check: Check, known: frozenset[Place]) -> tuple[Comparison, frozenset[Place]]:
        """What lasts of a check's differences. known: days that have open slices; returned as they are now.

        A day that a job has begun since differs by right: the check, which leaves such days out, is made again.
        """
        while True:
            comparison = self.lasting.of(partial(self._compared, check))
            if not comparison.places:
                return comparison, known
            open_now = self.ask(OpenPlaces())
            if not comparison.places & (open_now - known):
                return comparison, open_now
            known = open_now

    def _compared(self, check: Check) -> Comparison:
        """Progress first: everything at or below it is stored, whatever is written meanwhile."""
        if isinstance(check, QuartersAgainstRaw | LatencyAgainstSource):
            check = replace(check, cut=Cut.of(self.ask(Progress())))
        return self.ask(check)

    def _checks(self, scope: Scope) -> Iterator[Check]:
        for part in self._parts("hour", scope):
            for family in FAMILIES:
                yield QuartersAgainstRaw(family, part)
        for grain in ("hour", "day", "week"):
            for part in self._parts(grain, scope):
                for family in FAMILIES:
                    yield DerivedAgainstFiner(family, grain, part)
                yield LatencyAgainstSource(grain, part)
        if scope.all_days:
            yield OneHome(scope.organization)

    def _parts(self, column: str, scope: Scope) -> Sequence[Part]:
        periods = self.ask(RowsPerPeriod(column, scope.organization, scope.first, scope.last))
        days = (scope.first, scope.last) if column == "hour" else (None, None)
        return parts(periods, self.rows_per_part, column, scope.organization, days)

    def _same_ids(self, organization: str | None) -> list[str]:
        pieces = max(1, -(-self.ask(KnownIds(organization)) // IDS_PER_PIECE))
        answers = [self.ask(SameIdOtherTime(organization, piece, pieces)) for piece in range(pieces)]
        number = sum(count for count, _ in answers)
        if not number:
            return []
        owner, event_id = next(shown[0] for count, shown in answers if count)
        return [
            f"{number:,} event ids came with several times, further apart than copies are looked for: they count as "
            f"events of their own (the first: {event_id} of {owner})"
        ]


def reconcile(
    client: Client,
    scope: Scope = EVERYTHING,
    acknowledged: Iterable[Acknowledgement] = (),
    advance: Callable[[float], None] = lambda _: None,
    rows_per_part: int = ROWS_PER_PART,
    hashed: Hashed | None = None,
) -> Report:
    """Compares raw events with every family and grain, and with running totals and acknowledgements.

    Works while events come in: what differs is asked again a moment later, and only what still differs by the same
    counts. hashed: what stands for erased ids among the acknowledged. Raises WarehouseUnavailable and WarehouseRefused.
    """
    partitions = ask(client, Progress())
    report = Report(as_of=as_of(partitions))
    reconciler = Reconciler(client, rows_per_part)
    reconciler.compare(scope, report, advance)
    reconciler.tell_jobs(scope, report)
    comparison, report.waiting = against_raw(client, acknowledged, Cut.of(partitions), hashed)
    report.add(comparison)
    return report
