"""Writes raw events anew as control records want them: a job and its days in, the number of events out. Blocking.

It goes on beside the stream: it changes nothing that a take reads.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import polars as pl

from producers.control.bodies import RepriceBody
from stream_jobs.calendars.local_calendar import QUARTER_SECONDS
from stream_jobs.control.repriced import NEEDED, cost_alone, excess, repriced
from stream_jobs.corrections.change import Correction, by_columns
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
        """Writes all events of the days anew that the job is about; returns how many.

        Raises JobRefused at the end, when some must not become so: these stay as they are, all others are written.
        rest: called between two spans with the seconds that the last one took.
        """
        left: Counter[str] = Counter()
        since, until = bundle.around()
        near = [each for each in by_columns(job.corrections) if each.may_lie_in(since, until)]
        total = sum(self._corrected(job, correction, bundle, rest, left) for correction in near)
        if left:
            why = "; ".join(f"{events} events: {reason}, or of the prices" for reason, events in sorted(left.items()))
            raise JobRefused(f"stays as it was, all others are changed: {why}")
        return total

    def _corrected(
        self, job: Job, correction: Correction, work: Bundle, rest: Callable[[float], None], left: Counter[str]
    ) -> int:
        """Goes through the days until nothing is left but what must not become so, which is added to `left`."""
        total = 0
        for _ in range(TIMES):
            quarters: list[tuple[int, int]] = self.sink.rows(rewriting.rows_per_quarter(job, correction, work))
            found, refused = sum(count for _, count in quarters), Counter[str]()
            for since, until in parts(quarters, REWRITTEN_AT_ONCE):
                began = time.monotonic()
                refused += self._rewritten(job, correction, work, since, until)
                rest(time.monotonic() - began)
            total += found - refused.total()
            if found == refused.total():
                left.update(refused)
                return total
        raise JobRefused(f"events of {work} are not rewritten after {TIMES} attempts")

    def _rewritten(self, job: Job, correction: Correction, work: Bundle, since: int, until: int) -> Counter[str]:
        """Writes [since, until) anew: half of it at a time when it is too much at once, down to a quarter hour.

        Returns how many events stay as they are, by the reason."""
        refused: Counter[str] = Counter()
        try:
            again = rewriting.said_of_each(job, correction)
            if correction.change.reprices:
                again, refused = self._priced(job, correction, work, since, until, again)
                if again.is_empty():  # half of a span may hold no event
                    return refused
            among = again if refused else None
            self.sink.derive(rewriting.kept(job, correction, work, since, until, among is not None), among)
            self.sink.derive(rewriting.rewritten(self._raw_columns(), job, correction, work, since, until), again)
        except WarehouseStrained:
            middle = since + (until - since) // 2 // QUARTER_SECONDS * QUARTER_SECONDS
            if middle == since:
                raise
            halves = ((since, middle), (middle, until))
            return sum((self._rewritten(job, correction, work, *half) for half in halves), Counter())
        return refused

    def _priced(
        self, job: Job, correction: Correction, work: Bundle, since: int, until: int, said: pl.DataFrame | None
    ) -> tuple[pl.DataFrame, Counter[str]]:
        """What the events cost, for the statement that writes them; and how many must not become so, by the reason.

        said: what differs from event to event, which goes with it."""
        frame = self.sink.frame(rewriting.to_price(job, correction, work, since, until), said)
        if frame.is_empty():
            return frame, Counter()
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
        reasons = excess(priced)
        refused = Counter(reasons.filter(reasons != "").to_list())
        again = priced.filter(reasons == "").select(*rewriting.IDENTITY, *rewriting.PRICED)
        return again if said is None else again.join(said, on=rewriting.IDENTITY), refused

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
