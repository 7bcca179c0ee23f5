"""What was refused, newest first: filters and a cursor in, one page out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from warehouse.queries.query import Rows, milliseconds, utc

SHOWN_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Rejection:
    """One refused event or envelope; position fields are None when the collector refused it."""

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


@dataclass(frozen=True, slots=True)
class RejectionPosition:
    """Where a page ended."""

    time: datetime
    rejection_id: str


@dataclass(frozen=True, slots=True)
class LatestRejections:
    """At most `limit` rejections after `after`; search finds a part of the reason or of the event's id."""

    organization: str | None = None
    source: str = ""
    search: str = ""
    limit: int = 100
    after: RejectionPosition | None = None

    @property
    def sql(self) -> str:
        """The statement; bytes that are no UTF-8 are shown as replacement characters."""
        after = "(fromUnixTimestamp64Milli({after_ms:Int64}, 'UTC'), {after_id:String})"
        conditions = [
            "organization = {organization:String}" if self.organization is not None else "",
            "source = {source:String}" if self.source else "",
            "positionCaseInsensitiveUTF8(concatWithSeparator('\\n', reason, event_id), {search:String}) > 0"
            if self.search
            else "",
            f"(time, rejection_id) < {after}" if self.after else "",
        ]
        text = " AND ".join(filter(None, conditions))
        where = f"WHERE {text} " if text else ""
        return f"""SELECT
    rejection_id, time, source, organization, event_id, reason, src_partition, src_offset, src_index,
    toValidUTF8(substring(raw, 1, {SHOWN_BYTES})) AS shown
FROM rejected FINAL {where}ORDER BY time DESC, rejection_id DESC LIMIT {{limit:UInt64}}"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Filters and page."""
        values: dict[str, object] = {"limit": self.limit}
        if self.organization is not None:
            values["organization"] = self.organization
        if self.source:
            values["source"] = self.source
        if self.search:
            values["search"] = self.search
        if self.after:
            values |= {"after_ms": milliseconds(self.after.time), "after_id": self.after.rejection_id}
        return values

    def read(self, rows: Rows) -> list[Rejection]:
        """One rejection per row."""
        return [Rejection(row[0], utc(row[1]), *row[2:]) for row in rows]
