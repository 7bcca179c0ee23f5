"""Events that corrections name and that have not come yet: they are changed at their birth (rule E23)."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from stream_jobs.corrections.change import Change

Identity = tuple[str, int, bytes]
"""Organisation, time (Unix ms), id (16 bytes)."""
ROW = "row"
NOT_MET = -1
MET_BEFORE = -2
REFUSAL = "refusal"
"""Beside the change in its JSON: why the event stayed as it was when it came."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a control record says of an event. version: the record's, which the row then carries.

    refusal: why the event, which has come, may not become so; else empty.
    """

    src_offset: int
    control_id: str
    kind: str
    change: Change
    version: int
    refusal: str = ""

    def text(self) -> str:
        """The change as it is stored, with the refusal if there is one."""
        said = self.change.text()
        return said if not self.refusal else json.dumps(json.loads(said) | {REFUSAL: self.refusal}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Met:
    """An awaited event that has come to a log partition, and the offset it came with."""

    src_partition: int
    identity: Identity
    awaited: Awaited
    offset: int


@dataclass(slots=True)
class AwaitedEvents:
    """Those of one partition, by identity; each with its changes in the order of their records."""

    by_identity: dict[Identity, list[Awaited]] = field(default_factory=dict)
    organizations: dict[str, int] = field(default_factory=dict)
    """How many of each organisation are awaited."""

    def __len__(self) -> int:
        return len(self.by_identity)

    def add(self, identity: Identity, awaited: Awaited) -> None:
        """Awaits an event; what is known already is not added twice."""
        known = self.by_identity.setdefault(identity, [])
        if not known:
            self.organizations[identity[0]] = self.organizations.get(identity[0], 0) + 1
        if all(each.src_offset != awaited.src_offset for each in known):
            known.append(awaited)
            known.sort(key=lambda each: each.src_offset)

    def about(self, organization: str, user_id: str | None) -> list[tuple[Identity, Awaited]]:
        """What is awaited of an organisation: everything, or what would make an event this user's."""
        return [
            (identity, each)
            for identity, known in self.by_identity.items()
            if identity[0] == organization
            for each in known
            if user_id in (None, each.change.columns.get("user_id"))
        ]

    def drop(self, identity: Identity, src_offset: int | None = None) -> None:
        """Awaits it no longer: not by the record at this offset, or by none."""
        left = [each for each in self.by_identity.get(identity, []) if src_offset not in (None, each.src_offset)]
        if left:
            self.by_identity[identity] = left
        elif self.by_identity.pop(identity, None) is not None:
            self.organizations[identity[0]] -= 1
            if not self.organizations[identity[0]]:
                del self.organizations[identity[0]]


def change_of(text: str) -> Change:
    """The change of a stored row that is awaited again: its event comes once more, and is judged once more."""
    return Change(**{name: value for name, value in json.loads(text).items() if name != REFUSAL})


def awaited_rows(entries: Iterable[tuple[int, Identity, Awaited, int]]) -> pl.DataFrame:
    """Rows of the table awaited_events: (log partition, identity, what is said, where it was met) each.

    met: the offset of the event, or of the erasure that ended it; MET_BEFORE when it stood before the record; NOT_MET.
    """
    schema = {
        "src_partition": pl.UInt16,
        "src_offset": pl.Int64,
        "organization": pl.String,
        "time": pl.Int64,
        "event_id": pl.Binary,
        "control_id": pl.String,
        "kind": pl.String,
        "change": pl.String,
        "met": pl.Int64,
        "version": pl.UInt8,
    }
    made = [
        (
            number,
            awaited.src_offset,
            *identity,
            awaited.control_id,
            awaited.kind,
            awaited.text(),
            met,
            int(met != NOT_MET),
        )
        for number, identity, awaited, met in entries
    ]
    return pl.DataFrame(made, schema=schema, orient="row").with_columns(pl.col("time").cast(pl.Datetime("ms", "UTC")))


def born(
    frame: pl.DataFrame,
    awaited: Mapping[int, AwaitedEvents],
    priced: Callable[[pl.DataFrame], pl.DataFrame],
) -> tuple[pl.DataFrame, list[Met]]:
    """First sights with what was said of them before they came, rows in their order, and who was met.

    awaited: by log partition. priced: works out the cost of such rows again; its `refusal` says why it may not be:
    then the event stays as it was, and who was met says why.
    The frame then has `control_offset` and `void`; without any awaited event among them it is returned as it is.
    """
    found = _found(frame, awaited)
    if not found:
        return frame, []
    numbered = frame.with_row_index(ROW).with_columns(
        pl.lit(0, pl.UInt64).alias("control_offset"), pl.lit(0, pl.UInt8).alias("void")
    )
    results = [_changed(numbered.filter(pl.col(ROW) == row), mets, priced) for row, mets in found.items()]
    others = numbered.filter(~pl.col(ROW).is_in(list(found)))
    together = pl.concat([others, *(row.select(others.columns) for row, _ in results)]).sort(ROW).drop(ROW)
    return together, [met for _, mets in results for met in mets]


def _found(frame: pl.DataFrame, awaited: Mapping[int, AwaitedEvents]) -> dict[int, list[Met]]:
    names = {name for each in awaited.values() for name in each.organizations}
    if not names:
        return {}
    asked = frame.with_row_index(ROW).filter(pl.col("organization").is_in(list(names)))
    columns = (ROW, "src_partition", "organization", pl.col("time").dt.epoch("ms"), "event_id", "src_offset")
    found: dict[int, list[Met]] = {}
    for row, partition, organization, time_ms, event_id, offset in asked.select(columns).iter_rows():
        identity = (organization, time_ms, event_id)
        mine = awaited[partition].by_identity.get(identity) if partition in awaited else None
        if mine:
            found[row] = [Met(partition, identity, each, offset) for each in mine]
    return found


def _changed(
    row: pl.DataFrame, mets: Sequence[Met], priced: Callable[[pl.DataFrame], pl.DataFrame]
) -> tuple[pl.DataFrame, list[Met]]:
    """The row after its changes, one after the other as its jobs would have done them, had it come before; and the
    same mets, those that had to leave it as it was with the refusal."""
    told = list(mets)
    for number, met in enumerate(mets):
        change = met.awaited.change
        changed = row.with_columns(
            *(pl.lit(value).cast(row.schema[name]).alias(name) for name, value in change.columns.items()),
            pl.lit(met.awaited.version, pl.UInt64).alias("control_offset"),
            pl.lit(int(change.void), pl.UInt8).alias("void"),
        )
        if change.reprices:
            changed = priced(changed)
            if refusal := changed["refusal"][0]:
                told[number] = replace(met, awaited=replace(met.awaited, refusal=refusal))
                continue
        row = changed.select(row.columns)
        if change.void:
            break  # nothing is said of it any more
    return row, told
