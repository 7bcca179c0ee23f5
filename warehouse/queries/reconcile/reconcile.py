"""Compares everything: a client and what to look at in, one report out."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from clickhouse_connect.driver.client import Client

from warehouse.families import FAMILIES
from warehouse.queries.progress import Progress, as_of
from warehouse.queries.query import ask
from warehouse.queries.reconcile.acknowledged import Acknowledgement, against_raw
from warehouse.queries.reconcile.derived import DerivedAgainstQuarters
from warehouse.queries.reconcile.difference import Comparison, Difference
from warehouse.queries.reconcile.latency import LatencyAgainstRaw
from warehouse.queries.reconcile.part import Cut, RowsPerPeriod, parts
from warehouse.queries.reconcile.quarters import QuartersAgainstRaw
from warehouse.queries.reconcile.totals import TotalsAgainstRaw

ROWS_PER_PART = 400_000
"""Bounds the memory of one comparison; measured: about 1 GB when every event has a row of its own."""
ATTEMPTS = 4
PAUSE_SECONDS = 0.5
LATENCY_MEASURES = 3
KEPT_DIFFERENCES = 1000


Check = QuartersAgainstRaw | DerivedAgainstQuarters | LatencyAgainstRaw | TotalsAgainstRaw


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

    def add(self, comparison: Comparison) -> None:
        """Adds the result of one check."""
        self.rows += comparison.rows
        self.differing += comparison.differing
        self.differences += comparison.differences[: KEPT_DIFFERENCES - len(self.differences)]


def reconcile(
    client: Client,
    scope: Scope = EVERYTHING,
    acknowledged: Iterable[Acknowledgement] = (),
    advance: Callable[[float], None] | None = None,
    rows_per_part: int = ROWS_PER_PART,
) -> Report:
    """Compares raw events with every family and grain, and with running totals and acknowledgements.

    Works while events come in: what differs is asked again a moment later, and only what still differs counts.
    `advance` is called with the share of the work that is done. Raises WarehouseUnavailable and WarehouseRefused.
    """
    partitions = ask(client, Progress())
    report = Report(as_of=as_of(partitions))
    checks = list(_checks(client, scope, rows_per_part))
    for number, check in enumerate(checks, 1):
        report.add(lasting(client, check))
        if advance:
            advance(number / len(checks))
    comparison, report.waiting = against_raw(client, acknowledged, Cut.of(partitions))
    report.add(comparison)
    return report


def lasting(client: Client, check: Check, pause: Callable[[float], None] = time.sleep) -> Comparison:
    """The comparison without differences that vanish when it is asked again.

    A statement reads its tables one after the other; a flush in between makes rows look ahead of raw.
    """
    comparison = _compared(client, check)
    for _ in range(ATTEMPTS - 1):
        if not comparison.differing:
            break
        pause(PAUSE_SECONDS)
        comparison = _compared(client, check)
    return comparison


def _compared(client: Client, check: Check) -> Comparison:
    if isinstance(check, QuartersAgainstRaw | LatencyAgainstRaw):
        check = replace(check, cut=Cut.of(ask(client, Progress())))
    return ask(client, check)


def _checks(client: Client, scope: Scope, rows_per_part: int) -> Iterator[Check]:
    days = ask(client, RowsPerPeriod("day", scope.organization, scope.first, scope.last))
    for part in parts(days, rows_per_part, "day", scope.organization):
        for family in FAMILIES:
            yield QuartersAgainstRaw(family, part)
            yield DerivedAgainstQuarters(family, "hour", part)
            yield DerivedAgainstQuarters(family, "day", part)
        yield LatencyAgainstRaw("hour", part)
        yield LatencyAgainstRaw("day", part)
    # A week counts only when all of it is looked at.
    last_week = scope.last - timedelta(days=6) if scope.last else None
    weeks = ask(client, RowsPerPeriod("week", scope.organization, scope.first, last_week))
    for part in parts(weeks, rows_per_part, "week", scope.organization):
        for family in FAMILIES:
            yield DerivedAgainstQuarters(family, "week", part)
        yield LatencyAgainstRaw("week", part)
    if scope.everything:
        yield TotalsAgainstRaw()
