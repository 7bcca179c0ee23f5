"""Writes raw events anew as control records want them: a job and its days in, the number of events out. Blocking.

It goes on beside the stream: it changes nothing that a take reads.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from producers.control.bodies import RepriceBody
from stream_jobs.calendars.local_calendar import QUARTER_SECONDS
from stream_jobs.control.repriced import NEEDED, cost_alone, excess, repriced
from stream_jobs.corrections.change import Correction
from stream_jobs.corrections.kept_terms import KeptTerms
from stream_jobs.errors import JobRefused
from stream_jobs.jobs import rewriting
from stream_jobs.jobs.job import Job
from stream_jobs.rollups.bundle import Bundle
from stream_jobs.rollups.spans import parts
from stream_jobs.worker.books import UNUSABLE, Books
from stream_jobs.worker.sink import Sink
from warehouse.errors import WarehouseStrained

REWRITTEN_AT_ONCE = 100_000
"""Raw events that one statement writes anew."""
TIMES = 5
"""How often a span is gone through until nothing is left of it."""


@dataclass(slots=True)
class Rewriter:
    """Versions of events, written with what they cost."""

    sink: Sink
    books: Books
    _columns: list[str] = field(default_factory=list, init=False)

    def rewrite(self, job: Job, bundle: Bundle, rest: Callable[[float], None]) -> int:
        """Writes all events of the days anew that the job is about. Raises JobRefused when they must not become so.

        rest: called between two spans with the seconds that the last one took.
        """
        return sum(self._corrected(job, correction, bundle, rest) for correction in job.corrections)

    def _corrected(self, job: Job, correction: Correction, work: Bundle, rest: Callable[[float], None]) -> int:
        """Goes through the days until nothing is left."""
        total = 0
        for _ in range(TIMES):
            quarters = self.sink.rows(rewriting.rows_per_quarter(job, correction, work))
            if not quarters:
                return total
            for since, until in parts(quarters, REWRITTEN_AT_ONCE):
                began = time.monotonic()
                self._rewritten(job, correction, work, since, until)
                rest(time.monotonic() - began)
            total += sum(count for _, count in quarters)
        raise JobRefused(f"events of {work} are not rewritten after {TIMES} attempts")

    def _rewritten(self, job: Job, correction: Correction, work: Bundle, since: int, until: int) -> None:
        """Writes [since, until) anew: half of it at a time when it is too much at once, down to a quarter hour."""
        try:
            again = self._priced(job, correction, work, since, until) if correction.change.reprices else None
            if again is not None and again.is_empty():  # half of a span may hold no event
                return
            self.sink.derive(rewriting.kept(job, correction, work, since, until))
            self.sink.derive(rewriting.rewritten(self._raw_columns(), job, correction, work, since, until), again)
        except WarehouseStrained:
            middle = since + (until - since) // 2 // QUARTER_SECONDS * QUARTER_SECONDS
            if middle == since:
                raise
            self._rewritten(job, correction, work, since, middle)
            self._rewritten(job, correction, work, middle, until)

    def _priced(self, job: Job, correction: Correction, work: Bundle, since: int, until: int) -> pl.DataFrame:
        """What the events cost, for the statement that writes them."""
        frame = self.sink.frame(rewriting.to_price(job, correction, work, since, until))
        if frame.is_empty():
            return frame
        names = {f"new_{name}": name for name in NEEDED} | {"quantities_text": "quantities"}
        events = rewriting.as_born(frame.rename(names))
        prices, multipliers = revisions_of(job)
        try:
            if multipliers is None:
                owner = work.organizations[0] if len(work.organizations) == 1 else ""
                kept = KeptTerms.read(self.sink.rows, owner)
                before = rewriting.replaced_before(job, correction, work, since, until)
                book = self.books.needed_prices(prices)
                priced = cost_alone(events, book, kept.located(events, lambda: self.sink.frame(before)))
            else:
                priced = repriced(events, *self.books.needed(prices, multipliers))
        except UNUSABLE as problem:
            raise JobRefused(str(problem)) from None
        if reason := str(excess(priced).max() or ""):
            raise JobRefused(f"{reason}, or of the prices")
        return priced.select(*rewriting.IDENTITY, *rewriting.PRICED)

    def _raw_columns(self) -> list[str]:
        if not self._columns:
            self._columns = [row[0] for row in self.sink.rows(rewriting.RAW_COLUMNS)]
        return self._columns


def revisions_of(job: Job) -> tuple[int, int | None]:
    """Prices and multipliers that a job computes with; None: credits and terms stay as they are."""
    if not isinstance(job.body, RepriceBody):
        return job.prices, job.multipliers
    said = job.body.multipliers
    return job.prices if job.body.prices is None else job.body.prices, job.multipliers if said == "in_force" else said
