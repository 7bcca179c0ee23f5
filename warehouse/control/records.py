"""Control records for people: filters and a page in, what was asked and how far each record is out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from warehouse.control.earlier import Earlier, earlier
from warehouse.control.standing import Slices, Standing, State, overall, progress
from warehouse.queries.query import Rows, milliseconds, utc


@dataclass(frozen=True, slots=True)
class Asked:
    """One record as it was stored. body: None where it was not asked for, or was emptied because it named what was
    erased."""

    control_id: str
    kind: str
    organization: str
    author: str
    note: str
    created: datetime
    partitions: tuple[int, ...]
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Followed:
    """A record, and its standing in each of its log partitions."""

    asked: Asked
    standings: tuple[Standing, ...]

    @property
    def state(self) -> State:
        """The word for the whole."""
        return overall(self.standings)

    @property
    def slices(self) -> Mapping[str, int]:
        """All partitions together."""
        return progress(self.standings)

    @property
    def awaited(self) -> int:
        """Named events that have not come, in all partitions together."""
        return sum(each.awaited for each in self.standings)

    @property
    def messages(self) -> tuple[str, ...]:
        """What went wrong anywhere, and which jobs it waits for."""
        return tuple(dict.fromkeys(message for each in self.standings for message in each.messages))


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """Where a page ended."""

    created: datetime
    control_id: str


@dataclass(frozen=True, slots=True)
class Records:
    """At most `limit` records after `after`, newest first. organization: None for any, "" for the installation's."""

    control_id: str | None = None
    kind: str | None = None
    organization: str | None = None
    limit: int = 100
    after: RecordPosition | None = None

    @property
    def sql(self) -> str:
        """The statement; bodies can be large and are read for one record only."""
        given = (
            (self.control_id is not None, "control_id = {control_id:UUID}"),
            (self.kind is not None, "kind = {kind:String}"),
            (self.organization is not None, "organization = {organization:String}"),
            (
                self.after,
                "(created, control_id) < (fromUnixTimestamp64Milli({after_ms:Int64}, 'UTC'), {after_id:UUID})",
            ),
        )
        conditions = " AND ".join(text for wanted, text in given if wanted)
        where = f"WHERE {conditions} " if conditions else ""
        body = "body" if self.control_id is not None else "''"
        return (
            f"SELECT toString(control_id), toString(kind), organization, author, note, created, partitions, {body} "
            f"FROM control_records FINAL {where}ORDER BY created DESC, control_id DESC LIMIT {{limit:UInt64}}"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """Filters and page."""
        values: dict[str, object | None] = {
            "control_id": self.control_id,
            "kind": self.kind,
            "organization": self.organization,
            "after_ms": milliseconds(self.after.created) if self.after else None,
            "after_id": self.after.control_id if self.after else None,
        }
        return {"limit": self.limit, **{name: value for name, value in values.items() if value is not None}}

    def read(self, rows: Rows) -> list[Asked]:
        """One record per row."""
        return [_asked(row) for row in rows]


def _asked(row: Sequence[Any]) -> Asked:
    values: list[Any] = [*row[:5], utc(row[5]), tuple(row[6]), json.loads(row[7]) if row[7] else None]
    return Asked(*values)


_FACTS = """
SELECT 'published' AS fact, toString(control_id) AS id, src_partition, '' AS word, src_offset AS offset, '' AS message,
    emptyArrayUInt64() AS numbers, emptyArrayString() AS messages
FROM control_publications FINAL WHERE control_id IN {ids:Array(UUID)}
UNION ALL
SELECT 'outcome', toString(control_id), src_partition, toString(argMin(outcome, (outcome = 'repeated', src_offset))),
    min(src_offset), argMin(reason, (outcome = 'repeated', src_offset)), [countIf(outcome = 'repeated')], []
FROM control_log FINAL WHERE src_partition IN {partitions:Array(UInt16)} AND control_id IN {ids:Array(UUID)}
GROUP BY control_id, src_partition
UNION ALL
SELECT 'job', toString(control_id), src_partition, toString(state), src_offset, message, [toUInt64(slices)], []
FROM jobs FINAL WHERE src_partition IN {partitions:Array(UInt16)} AND control_id IN {ids:Array(UUID)}
UNION ALL
SELECT 'slices', repair_id, toUInt16(home), '', max(cut), '',
    [count(), countIf(state = 'done'), countIf(state = 'failed'), countIf(state = 'cancelled'),
     countIf(state IN ('asked', 'running')), sum(events), countIf(state = 'running')],
    groupUniqArrayIf(5)(message, message != '')
FROM repairs FINAL
WHERE home IN {partitions:Array(UInt16)} AND repair_id IN {texts:Array(String)}
GROUP BY repair_id, home
UNION ALL
SELECT 'erased', toString(control_id), src_partition, toString(state), src_offset, certificate, [], []
FROM erasures FINAL WHERE src_partition IN {partitions:Array(UInt16)} AND control_id IN {ids:Array(UUID)}
UNION ALL
SELECT 'open', toString(job.control_id), job.src_partition, toString(job.kind), job.src_offset, job.organization, [],
    [if(job.control_id IN (SELECT control_id FROM job_orders GROUP BY control_id
        HAVING argMax(wanted, given) = 'pause' AND countIf(wanted = 'cancel') = 0), 'pause', 'run')]
FROM jobs AS job FINAL
WHERE job.src_partition IN {partitions:Array(UInt16)} AND job.state IN ('asked', 'planned')
    AND (job.src_partition, job.src_offset) NOT IN (
        SELECT src_partition, src_offset FROM quarantine WHERE src_index < 0)
UNION ALL
SELECT 'awaited', toString(control_id), src_partition, '', 0, '',
    arrayConcat([countIf(met = -1)], (sumMapIf([JSONExtractString(change, 'refusal')], [toUInt64(1)],
        JSONHas(change, 'refusal')) AS refused).2), refused.1
FROM awaited_events FINAL
WHERE src_partition IN {awaited_partitions:Array(UInt16)} AND organization IN {organizations:Array(String)}
    AND control_id IN {ids:Array(UUID)}
GROUP BY control_id, src_partition
UNION ALL
SELECT 'wanted', toString(control_id), 0, if(countIf(wanted = 'cancel') > 0, 'cancel', toString(argMax(wanted, given))),
    0, '', [], []
FROM job_orders WHERE control_id IN {ids:Array(UUID)} GROUP BY control_id
"""
_Fact = Sequence[Any]
_OUTCOMES = {"applied": "applied", "refused": "refused", "repeated": "applied"}
"""A repeat alone was applied once, whatever became of that row."""


@dataclass(frozen=True, slots=True)
class Standings:
    """How far these records are in each of their log partitions; what one still awaits is counted when it is alone, and
    so are events that came after it and stayed as they were."""

    records: Sequence[Asked]

    @property
    def sql(self) -> str:
        """The statement: a row per fact, record and partition."""
        return _FACTS

    @property
    def parameters(self) -> Mapping[str, object]:
        """The records, and the partitions they went to."""
        ids = [each.control_id for each in self.records]
        partitions = sorted({number for each in self.records for number in each.partitions})
        alone = len(self.records) == 1
        return {
            "ids": ids,
            "texts": ids,
            "partitions": partitions,
            "awaited_partitions": partitions if alone else [],
            "organizations": sorted({each.organization for each in self.records}) if alone else [],
        }

    def read(self, rows: Rows) -> list[Followed]:
        """One per record, in the order of the records."""
        facts: dict[tuple[str, str, int], _Fact] = {(row[0], row[1], row[2]): row[3:] for row in rows}
        waits = earlier(_open_jobs(facts))
        return [
            Followed(asked, tuple(_standing(facts, waits, asked, number) for number in asked.partitions))
            for asked in self.records
        ]


@dataclass(frozen=True, slots=True)
class _OpenJob:
    partition: int
    control_id: str
    kind: str
    organization: str
    wanted: str


def _open_jobs(facts: Mapping[tuple[str, str, int], _Fact]) -> list[_OpenJob]:
    """In the order of their records."""
    found = [(number, fact[1], name, fact) for (what, name, number), fact in facts.items() if what == "open"]
    return [_OpenJob(number, name, fact[0], fact[2], fact[4][0]) for number, _, name, fact in sorted(found)]


def _standing(
    facts: Mapping[tuple[str, str, int], _Fact],
    waits: Mapping[tuple[int, str], Earlier],
    asked: Asked,
    number: int,
) -> Standing:
    def of(fact: str, partition: int = number) -> _Fact | None:
        return facts.get((fact, asked.control_id, partition))

    published, outcome, job, slices, erased, awaited, wanted = (
        *(of(fact) for fact in ("published", "outcome", "job", "slices", "erased", "awaited")),
        of("wanted", 0),
    )
    place = outcome or published
    return Standing(
        number,
        asked.kind,
        offset=int(place[1]) if place else None,
        outcome=_OUTCOMES[outcome[0]] if outcome else "",
        reason=outcome[2] if outcome else "",
        repeats=int(outcome[3][0]) if outcome else 0,
        job=job[0] if job else "",
        message=job[2] if job else "",
        planned=int(job[3][0]) if job else 0,
        slices=_slices(slices) if slices else Slices(),
        wanted=wanted[0] if wanted else "run",
        certificate=json.loads(erased[2]) if erased else None,
        earlier=waits.get((number, asked.control_id)),
        awaited=int(awaited[3][0]) if awaited else 0,
        stayed=dict(zip(awaited[4], map(int, awaited[3][1:]), strict=True)) if awaited else {},
    )


def _slices(fact: _Fact) -> Slices:
    total, done, failed, cancelled, waiting, events, running = map(int, fact[3])
    return Slices(total, done, failed, cancelled, waiting, events, tuple(fact[4]), running)
