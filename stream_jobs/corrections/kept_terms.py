"""The terms that stored events are billed by: where they stand in the log and what changed them in, their terms out.

An event is billed by the terms in force at its place, or by those of the last record that counted its credits anew (a
replacement, a reprice with multipliers). A reprice that leaves credits leaves these terms: so there and back gives the
old numbers.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any, Final, Self

import numpy as np
import polars as pl

from stream_jobs.credits.terms import Terms, TermsRow
from stream_jobs.credits.terms_table import LocatedTerms, TermsTable
from warehouse.literals import quoted
from warehouse.log_partitions import PARTITIONS_PER_GENERATION, VERSIONS_PER_GENERATION, place_of_version
from warehouse.queries.priced_calls import counts_with
from warehouse.set_apart import not_set_apart

PLACED: Final = ("src_partition", "src_offset", "control_offset")
"""Columns of usage_raw that `located` needs, beside `organization`, `time` and the event's id as `event_id_text`."""
IDENTITY: Final = ("organization", "time_ms", "event_id_text")
Rows = Callable[[str], Sequence[Sequence[Any]]]
"""Answers a statement."""
_SWITCHES: Final = (
    "SELECT toInt64(src_partition), offset, toInt64(max(revision)) FROM revision_switches WHERE kind = 'multipliers' "
    f"AND {not_set_apart('offset')} "
    "GROUP BY src_partition, offset ORDER BY src_partition, offset"
)
_JOBS: Final = (
    "SELECT toInt64(src_partition), src_offset, toString(control_id), toString(organization), toString(kind), body, "
    "toInt64(multipliers) FROM jobs FINAL WHERE kind IN ('replace', 'reprice')"
)


def former_versions(events: str) -> str:
    """What control records replaced of changed events: IDENTITY, which version, by which one, by whom.

    events: a condition over usage_raw.
    """
    return (
        "SELECT toString(organization) AS organization, toUnixTimestamp64Milli(time) AS time_ms, "
        "toString(event_id) AS event_id_text, toInt64(control_offset) AS version, "
        "toInt64(former_control_offset) AS former, toString(control_id) AS control_id FROM corrections FINAL "
        "WHERE (organization, time, event_id) IN "
        f"(SELECT organization, time, event_id FROM usage_raw FINAL WHERE ({events}) AND control_offset > 0)"
    )


@dataclass(frozen=True, slots=True)
class CountingJob:
    """A job that counts credits anew, and the state of the multipliers that it does it with (0: the first)."""

    home: int
    control_id: str
    organization: str
    state: int


@dataclass(frozen=True, slots=True)
class KeptTerms:
    """What says by which terms events of some organizations are billed.

    switches: by log partition (offset, revision) in their order. revisions: of the multipliers by owner, ascending.
    rows: by owner and revision. jobs: by the place of their record (topic generation, offset).
    """

    switches: Mapping[int, Sequence[tuple[int, int]]]
    revisions: Mapping[str, Sequence[int]]
    rows: Mapping[tuple[str, int], Sequence[TermsRow]]
    jobs: Mapping[tuple[int, int], Sequence[CountingJob]]

    @classmethod
    def none(cls) -> Self:
        """Nobody ever had a markup."""
        return cls({}, {}, {}, {})

    @classmethod
    def read(cls, asked: Rows, organization: str = "") -> Self:
        """All that is stored about an organization; without one, about all."""
        owners = f"organization IN ('', {quoted(organization)})" if organization else "true"
        rows: dict[tuple[str, int], list[TermsRow]] = defaultdict(list)
        for owner, revision, from_seconds, markup_ppm in asked(_terms(owners)):
            start = datetime.fromtimestamp(from_seconds, UTC)
            rows[owner, revision].append(TermsRow(owner, Terms(markup_ppm=markup_ppm), start))
        if not any(row.terms.markup_ppm for dated in rows.values() for row in dated):
            return cls.none()
        switches, jobs = defaultdict(list), defaultdict(list)
        for partition, offset, revision in asked(_SWITCHES):
            switches[partition].append((offset, revision))
        for home, offset, control_id, whose, kind, body, multipliers in asked(_JOBS):
            state = counts_with(kind, body, multipliers)
            if state is not None and (not organization or whose in ("", organization)):
                place = (home // PARTITIONS_PER_GENERATION, offset)
                jobs[place].append(CountingJob(home, control_id, whose, state))
        revisions: dict[str, list[int]] = defaultdict(list)
        for owner, revision in asked(_revisions(owners)):
            revisions[owner].append(revision)
        return cls(switches, revisions, rows, jobs)

    def located(self, events: pl.DataFrame, former: Callable[[], pl.DataFrame]) -> LocatedTerms:
        """The terms of each event: rows with `organization`, `time`, `event_id_text` and PLACED.

        former: the answer to `former_versions` about them; asked for only when it matters.
        """
        if not self.rows:
            return LocatedTerms((Terms(),))
        states = self._states(events, former)
        named = events.select("organization", "time").with_columns(states.alias("state"))
        pairs = named.select("organization", "state").unique()
        rows = [row for index, pair in enumerate(pairs.iter_rows()) for row in self._rows(str(index), *pair)]
        pairs = pairs.with_row_index("owner").with_columns(pl.col("owner").cast(pl.String))
        located = named.join(pairs, on=["organization", "state"], how="left", maintain_order="left")
        return TermsTable(rows).located(located.select(pl.col("owner").alias("organization"), "time"))

    def _rows(self, owner: str, organization: str, state: int) -> list[TermsRow]:
        """The terms of an organization in a state, as those of an owner of another name."""
        own = self._of(organization, state)
        begins = min((row.effective_from for row in own), default=None)
        shared = [row for row in self._of("", state) if begins is None or row.effective_from < begins]
        return [TermsRow(owner, row.terms, row.effective_from) for row in (*shared, *own)]

    def _of(self, owner: str, state: int) -> Sequence[TermsRow]:
        known = self.revisions.get(owner, ())
        if not owner and known:
            state = max(state, known[0])  # 0 stands for the first one for everyone
        reached = bisect_right(known, state)
        return self.rows.get((owner, known[reached - 1]), ()) if reached else ()

    def _states(self, events: pl.DataFrame, former: Callable[[], pl.DataFrame]) -> pl.Series:
        """The state of the multipliers that each event was counted and is billed by."""
        states = self._at_places(events["src_partition"].to_numpy(), events["src_offset"].to_numpy())
        left = events.with_row_index("row").filter(pl.col("control_offset") > 0)
        if left.is_empty() or not self.jobs:
            return pl.Series(states)
        left = left.select(
            *("row", "organization", "src_partition", "src_offset", "event_id_text"),
            pl.col("time").dt.epoch("ms").alias("time_ms"),
            pl.col("control_offset").cast(pl.Int64).alias("version"),
        )
        versions = _steps(former())
        while not left.is_empty():
            steps = left.join(versions, on=[*IDENTITY, "version"], how="left")
            known = steps.select("src_partition", "organization", "version", "control_id").unique()
            found = [self._counted(*step) for step in known.iter_rows()]
            known = known.with_columns(pl.Series("state", found, pl.Int64))
            steps = steps.join(known, on=known.columns[:-1], how="left", nulls_equal=True)
            steps = steps.filter(~_came_later(pl.col("version"), pl.col("src_partition"), pl.col("src_offset")))
            counted = steps.filter(pl.col("state").is_not_null())
            states[counted["row"].to_numpy()] = counted["state"].to_numpy()
            onwards = steps.filter(pl.col("state").is_null() & (pl.col("former") > 0))
            left = onwards.select(pl.exclude("version", "former", "control_id", "state"), version="former")
        return pl.Series(states)

    def _at_places(self, partitions: "np.ndarray[Any, Any]", offsets: "np.ndarray[Any, Any]") -> Any:
        """The states in force there: the highest revision named up to there, or by an earlier generation."""
        states = np.zeros(len(partitions), np.int64)
        for number in np.unique(partitions).tolist():
            first = number // PARTITIONS_PER_GENERATION * PARTITIONS_PER_GENERATION
            earlier = [revision for other, told in self.switches.items() if other < first for _, revision in told]
            told = [(-1, max(earlier, default=0)), *self.switches.get(number, ())]
            highest = np.array(list(accumulate((revision for _, revision in told), max)), np.int64)
            mine = partitions == number
            reached = np.searchsorted(np.array([offset for offset, _ in told], np.int64), offsets[mine], "right")
            states[mine] = highest[reached - 1]
        return states

    def _counted(self, src_partition: int, organization: str, version: int, control_id: str | None) -> int | None:
        """The state that whoever wrote this version counted with; None when it left the credits.

        control_id: None when that is not known: an erasure removed what the event was before. It was another user's
        then, so it was a replacement that wrote this version, and that is about one organization.
        """
        jobs = [
            each
            for each in self.jobs.get(place_of_version(version), ())
            if (each.control_id == control_id if control_id else each.organization == organization)
        ]
        job = next((each for each in jobs if each.home == src_partition), jobs[0] if jobs else None)
        return None if job is None else job.state


def _steps(former: pl.DataFrame) -> pl.DataFrame:
    schema = {
        **dict.fromkeys(IDENTITY, pl.String),
        **{"time_ms": pl.Int64, "version": pl.Int64, "former": pl.Int64, "control_id": pl.String},
    }
    return former.cast(schema) if former.width else pl.DataFrame(schema=schema)  # type: ignore[arg-type]


def _came_later(version: pl.Expr, src_partition: pl.Expr, src_offset: pl.Expr) -> pl.Expr:
    """Whether the event came after the record of this version: it was changed at its birth, and counted as it came."""
    generation = src_partition.cast(pl.Int64) // PARTITIONS_PER_GENERATION
    is_of_it = version // VERSIONS_PER_GENERATION == generation
    return is_of_it & (version % VERSIONS_PER_GENERATION - 1 < src_offset)


def _terms(owners: str) -> str:
    return (
        "SELECT toString(organization), toInt64(revision), toInt64(toUnixTimestamp(effective_from)), "
        f"toInt64(markup_ppm) FROM terms FINAL WHERE {owners} ORDER BY organization, revision, effective_from"
    )


def _revisions(owners: str) -> str:
    return (
        "SELECT toString(organization), toInt64(revision) FROM config_revisions FINAL "
        f"WHERE kind = 'multipliers' AND {owners} ORDER BY organization, revision"
    )
