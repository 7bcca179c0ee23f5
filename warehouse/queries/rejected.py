"""What was refused, newest first, and whether it was sent again: filters and a cursor in, pages or counts out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from warehouse.queries.query import Rows, milliseconds, utc

SHOWN_BYTES = 2000
_REPLAYS = """LEFT ANY JOIN (
    SELECT rejection_id, max(replayed) AS sent, count() AS events FROM replays
    WHERE outcome = 'accepted' GROUP BY rejection_id
) AS replays USING rejection_id"""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One refused event or envelope; position fields are None when the collector refused it.

    replayed: when it was last sent again and accepted; None: never.
    """

    rejection_id: str
    time: datetime
    source: str
    organization: str
    event_id: str
    reason: str
    partition: int | None
    offset: int | None
    index: int | None
    raw: str
    replayed: datetime | None = None


@dataclass(frozen=True, slots=True)
class RejectionPosition:
    """Where a page ended."""

    time: datetime
    rejection_id: str


@dataclass(frozen=True, slots=True)
class RejectionFilter:
    """Which refusals. search: a part of the reason or of the event's id. since is included, until is not."""

    organization: str | None = None
    source: str = ""
    search: str = ""
    since: datetime | None = None
    until: datetime | None = None
    partition: int | None = None
    replayed: bool | None = None

    @property
    def conditions(self) -> list[str]:
        """The parts of a WHERE clause over `rejected` joined with its replays."""
        given = (
            (self.organization is not None, "organization = {organization:String}"),
            (self.source, "source = {source:String}"),
            (
                self.search,
                "positionCaseInsensitiveUTF8(concatWithSeparator('\\n', reason, event_id), {search:String}) > 0",
            ),
            (self.since, "time >= fromUnixTimestamp64Milli({since_ms:Int64}, 'UTC')"),
            (self.until, "time < fromUnixTimestamp64Milli({until_ms:Int64}, 'UTC')"),
            (self.partition is not None, "src_partition = {partition:UInt16}"),
            (self.replayed is not None, "(replays.events > 0) = {replayed:UInt8}"),
        )
        return [condition for wanted, condition in given if wanted]

    @property
    def parameters(self) -> dict[str, object]:
        """The values of the conditions."""
        values = {
            "organization": self.organization,
            "source": self.source or None,
            "search": self.search or None,
            "since_ms": milliseconds(self.since) if self.since else None,
            "until_ms": milliseconds(self.until) if self.until else None,
            "partition": self.partition,
            "replayed": None if self.replayed is None else int(self.replayed),
        }
        return {name: value for name, value in values.items() if value is not None}


def _where(conditions: list[str]) -> str:
    return f"WHERE {' AND '.join(conditions)} " if conditions else ""


@dataclass(frozen=True, slots=True)
class LatestRejections:
    """At most `limit` refusals after `after`, newest first."""

    which: RejectionFilter = RejectionFilter()
    limit: int = 100
    after: RejectionPosition | None = None

    @property
    def sql(self) -> str:
        """The statement; bytes that are no UTF-8 are shown as replacement characters."""
        after = "(time, rejection_id) < (fromUnixTimestamp64Milli({after_ms:Int64}, 'UTC'), {after_id:String})"
        where = _where([*self.which.conditions, *([after] if self.after else [])])
        return f"""SELECT
    rejection_id, time, source, organization, event_id, reason, src_partition, src_offset, src_index,
    toValidUTF8(substring(raw, 1, {SHOWN_BYTES})) AS shown, if(replays.events > 0, replays.sent, NULL) AS replayed
FROM rejected FINAL {_REPLAYS}
{where}ORDER BY time DESC, rejection_id DESC LIMIT {{limit:UInt64}}"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Filters and page."""
        values = {**self.which.parameters, "limit": self.limit}
        if self.after:
            values |= {"after_ms": milliseconds(self.after.time), "after_id": self.after.rejection_id}
        return values

    def read(self, rows: Rows) -> list[Rejection]:
        """One refusal per row."""
        return [_rejection(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Reason:
    """How many refusals have a reason, numbers in it left out, with an example."""

    reason: str
    source: str
    count: int
    replayed: int
    first: datetime
    last: datetime
    example: str


@dataclass(frozen=True, slots=True)
class RejectionReasons:
    """Counts by reason, the most frequent first; figures and quoted texts in reasons are shown as …."""

    which: RejectionFilter = RejectionFilter()
    limit: int = 100

    @property
    def sql(self) -> str:
        """The statement."""
        return f"""SELECT
    replaceRegexpAll(reason, '[0-9][0-9T:.Z-]*', '…') AS kind, source, count() AS refusals,
    countIf(replays.events > 0) AS replayed, min(time) AS first, max(time) AS last,
    max((time, rejection_id)).2 AS example
FROM rejected FINAL {_REPLAYS}
{_where(self.which.conditions)}GROUP BY kind, source ORDER BY refusals DESC, kind, source LIMIT {{limit:UInt64}}"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Filters and limit."""
        return {**self.which.parameters, "limit": self.limit}

    def read(self, rows: Rows) -> list[Reason]:
        """One reason per row."""
        return [_reason(row) for row in rows]


def _rejection(row: Sequence[Any]) -> Rejection:
    values: list[Any] = [row[0], utc(row[1]), *row[2:10], utc(row[10]) if row[10] else None]
    return Rejection(*values)


def _reason(row: Sequence[Any]) -> Reason:
    values: list[Any] = [*row[:4], utc(row[4]), utc(row[5]), row[6]]
    return Reason(*values)
