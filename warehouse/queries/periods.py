"""Closed periods: an organisation in; its closings, their usage then and now, and what came after them out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from warehouse.families import INPUT_BUCKETS, OUTPUT_BUCKETS
from warehouse.periods.changes import Cause, Place, Sums
from warehouse.queries.query import Rows, utc

TOKENS = " + ".join((*INPUT_BUCKETS, *OUTPUT_BUCKETS))
RAW_SUMS = f"toInt64(count()), toInt64(sum({TOKENS})), sum(cost_nano_usd), sum(billed_nano_usd), sum(credits_micro)"
IN_MONEY = "toDecimal128({}, 9) / 1000000000, toDecimal128({}, 9) / 1000000000, toDecimal128({}, 6) / 1000000"
CORRECTING = ("amend", "void", "replace", "reprice", "erase")
"""Kinds of records whose jobs change usage."""
Usage = dict[Place, Sums]


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """A closing. applied: the cut, by log partition."""

    organization: str
    first_day: date
    last_day: date
    period_id: str
    closed: datetime
    applied: Mapping[int, int]
    author: str
    note: str


@dataclass(frozen=True, slots=True)
class ClosedPeriods:
    """Closings by organisation, the newest days first. Of two of the same days the first one holds."""

    organization: str | None = None
    period_id: str | None = None

    @property
    def sql(self) -> str:
        """The statement."""
        given = (
            ("organization = {organization:String}", self.organization),
            ("period_id = {period_id:UUID}", self.period_id),
        )
        conditions = " AND ".join(text for text, value in given if value is not None)
        where = f"WHERE {conditions} " if conditions else ""
        return f"""SELECT toString(organization), first_day, last_day, toString(period_id), closed, applied,
    author, note
FROM (
    SELECT * FROM closed_periods FINAL ORDER BY closed, period_id LIMIT 1 BY organization, first_day, last_day
) {where}ORDER BY organization, first_day DESC"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """What was asked for."""
        given = {"organization": self.organization, "period_id": self.period_id}
        return {name: value for name, value in given.items() if value is not None}

    def read(self, rows: Rows) -> list[ClosedPeriod]:
        """One closing per row."""
        return [
            ClosedPeriod(organization, first, last, period_id, utc(closed), dict(applied), author, note)
            for organization, first, last, period_id, closed, applied, author, note in rows
        ]


@dataclass(frozen=True, slots=True)
class Days:
    """Local days of an organisation, both included."""

    organization: str
    first: date
    last: date

    @property
    def raw(self) -> str:
        """The condition on raw events. A local day lies within a day of the same date in UTC: others are not read."""
        return (
            "organization = {organization:String} AND day >= {first:Date} AND day <= {last:Date} "
            "AND time >= toDateTime64({first:Date} - 1, 3, 'UTC') AND time < toDateTime64({last:Date} + 2, 3, 'UTC')"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """The values of the placeholders."""
        return {"organization": self.organization, "first": self.first.isoformat(), "last": self.last.isoformat()}


@dataclass(frozen=True, slots=True)
class Cut:
    """Up to where each log partition is meant; partitions that are not named had nothing."""

    applied: Mapping[int, int]

    @property
    def sql(self) -> str:
        """Whether an event lies at or before the cut."""
        return "src_offset <= transform(src_partition, {partitions:Array(UInt16)}, {offsets:Array(Int64)}, toInt64(-1))"

    @property
    def parameters(self) -> Mapping[str, object]:
        """The values of the placeholders."""
        return {"partitions": list(self.applied), "offsets": list(self.applied.values())}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Usage at a cut, in the integers of the warehouse. read_at: its clock when it looked."""

    read_at: datetime
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class UsageAtCut:
    """What is known of days at a cut of the log, by day, provider and model; from raw events."""

    days: Days
    cut: Cut

    @property
    def sql(self) -> str:
        """The statement; a first row carries the clock, also when nothing was used."""
        return f"""SELECT toDate(0) AS day, '' AS used_provider, '' AS used_model,
    toInt64(0), toInt64(0), toInt64(0), toInt64(0), toInt64(0), now64(6, 'UTC') AS clock
UNION ALL
SELECT day, toString(provider), toString(model), {RAW_SUMS}, now64(6, 'UTC') FROM usage_raw FINAL
WHERE {self.days.raw} AND {self.cut.sql}
GROUP BY day, provider, model"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Days and cut."""
        return {**self.days.parameters, **self.cut.parameters}

    def read(self, rows: Rows) -> Snapshot:
        """One place per row, in order."""
        found = sorted(tuple(row[:8]) for row in rows if row[3])
        return Snapshot(min(utc(row[8]) for row in rows), tuple(found))


@dataclass(frozen=True, slots=True)
class UsageWhenClosed:
    """The usage that a closing has set down."""

    organization: str
    period_id: str

    @property
    def sql(self) -> str:
        """The statement."""
        money = IN_MONEY.format("cost_nano_usd", "billed_nano_usd", "credits_micro")
        return f"""SELECT day, toString(provider), toString(model), requests, total_tokens, {money}
FROM closed_usage FINAL WHERE organization = {{organization:String}} AND period_id = {{period_id:UUID}}"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The closing."""
        return {"organization": self.organization, "period_id": self.period_id}

    def read(self, rows: Rows) -> Usage:
        """One place per row."""
        return _usage(rows)


@dataclass(frozen=True, slots=True)
class UsageNow:
    """What reports show of days now, by day, provider and model."""

    days: Days

    @property
    def sql(self) -> str:
        """The statement."""
        return """SELECT day, toString(provider), toString(model),
    sum(requests), sum(total_tokens), sum(cost_usd), sum(billed_usd), sum(credits)
FROM usage_daily WHERE organization = {organization:String} AND day >= {first:Date} AND day <= {last:Date}
GROUP BY day, provider, model"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The days."""
        return self.days.parameters

    def read(self, rows: Rows) -> Usage:
        """One place per row."""
        return _usage(rows)


@dataclass(frozen=True, slots=True)
class CameLater:
    """Usage of events that lie behind a cut, as they are now."""

    days: Days
    cut: Cut

    @property
    def sql(self) -> str:
        """The statement."""
        return f"""SELECT day, used_provider, used_model, requests, tokens, {IN_MONEY.format("cost", "billed", "micro")}
FROM
(
    SELECT day, toString(provider) AS used_provider, toString(model) AS used_model, toInt64(count()) AS requests,
        toInt64(sum({TOKENS})) AS tokens, sum(cost_nano_usd) AS cost, sum(billed_nano_usd) AS billed,
        sum(credits_micro) AS micro
    FROM usage_raw FINAL WHERE {self.days.raw} AND NOT ({self.cut.sql})
    GROUP BY day, provider, model
)"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Days and cut."""
        return {**self.days.parameters, **self.cut.parameters}

    def read(self, rows: Rows) -> Usage:
        """One place per row."""
        return _usage(rows)


@dataclass(frozen=True, slots=True)
class CorrectedLater:
    """What control records changed after a moment in events at or before a cut, by kind of record.

    Every version of an event that was replaced since then is in `corrections`: each step leads from one to the next,
    the last one to the event as it is. Steps of one event telescope, so nothing is counted twice.
    """

    days: Days
    cut: Cut
    since: datetime

    @property
    def sql(self) -> str:
        """The statement. Void events are read too: FINAL would leave them out."""
        money = "cost_nano_usd, billed_nano_usd, credits_micro"
        state = f"(toString(provider), toString(model), toInt64(1), {{tokens}}, {money})"
        former = state.format(tokens="toInt64(input_tokens + output_tokens)")
        present = state.format(tokens=f"toInt64({TOKENS})")
        nothing = f"('', '', {', '.join(['toInt64(0)'] * 5)})"
        moved = (
            "[(before.1, before.2, -before.3, -before.4, -before.5, -before.6, -before.7), "
            "(after.1, after.2, after.3, after.4, after.5, after.6, after.7)]"
        )
        return f"""SELECT day, step_kind, change.1 AS used_provider, change.2 AS used_model,
    sum(change.3), sum(change.4), {IN_MONEY.format("sum(change.5)", "sum(change.6)", "sum(change.7)")}
FROM
(
    SELECT local_day AS day, steps[step].2 AS step_kind, steps[step].3 AS before,
        if(step < length(steps), steps[step + 1].3, if(gone, {nothing}, present)) AS after,
        arrayJoin({moved}) AS change
    FROM
    (
        SELECT time, event_id, any(day) AS local_day,
            arraySort(groupArray((control_offset, toString(kind), {former}))) AS steps
        FROM corrections FINAL
        WHERE {self.days.raw} AND changed > fromUnixTimestamp64Micro({{since_us:Int64}}, 'UTC')
        GROUP BY time, event_id
    ) AS formers
    INNER JOIN
    (
        SELECT time, event_id, argMax(void, control_offset) = 1 AS gone, argMax({present}, control_offset) AS present
        FROM usage_raw
        WHERE {self.days.raw} AND {self.cut.sql} AND (time, event_id) IN
        (
            SELECT time, event_id FROM corrections
            WHERE {self.days.raw} AND changed > fromUnixTimestamp64Micro({{since_us:Int64}}, 'UTC')
        )
        GROUP BY time, event_id
    ) AS events USING (time, event_id)
    ARRAY JOIN arrayEnumerate(steps) AS step
)
WHERE change.3 != 0
GROUP BY day, step_kind, used_provider, used_model"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Days, cut and moment."""
        return {
            **self.days.parameters,
            **self.cut.parameters,
            "since_us": round(self.since.timestamp() * 1_000_000),
        }

    def read(self, rows: Rows) -> list[tuple[Cause, Place, Sums]]:
        """One cause and place per row."""
        return [
            (Cause(kind), Place(day, provider, model), Sums(int(sums[0]), int(sums[1]), *sums[2:]))
            for day, kind, provider, model, *sums in rows
        ]


@dataclass(frozen=True, slots=True)
class ErasedSince:
    """Whether something of an organisation was erased after a moment."""

    organization: str
    since: datetime

    @property
    def sql(self) -> str:
        """The statement."""
        return """SELECT count() FROM erasures FINAL
WHERE organization = {organization:String} AND due > fromUnixTimestamp64Micro({since_us:Int64}, 'UTC')"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Organisation and moment."""
        return {"organization": self.organization, "since_us": round(self.since.timestamp() * 1_000_000)}

    def read(self, rows: Rows) -> bool:
        """Whether there is one."""
        return bool(rows[0][0])


@dataclass(frozen=True, slots=True)
class CorrectionsAtWork:
    """Ids of jobs that are changing usage of an organisation just now, or are about to."""

    organization: str

    @property
    def sql(self) -> str:
        """The statement."""
        kinds = ", ".join(f"'{kind}'" for kind in CORRECTING)
        return f"""SELECT DISTINCT toString(control_id) FROM jobs FINAL
WHERE state IN ('asked', 'planned') AND kind IN ({kinds}) AND organization IN ({{organization:String}}, '')
ORDER BY 1"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The organisation."""
        return {"organization": self.organization}

    def read(self, rows: Rows) -> list[str]:
        """The ids."""
        return [str(row[0]) for row in rows]


def _usage(rows: Rows) -> Usage:
    return {
        Place(day, provider, model): Sums(int(requests), int(tokens), *money)
        for day, provider, model, requests, tokens, *money in rows
    }
