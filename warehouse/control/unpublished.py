"""Revisions of prices and multipliers that are stored and that no control record names: a kind in, revisions out."""

from collections.abc import Mapping
from dataclasses import dataclass

from warehouse.control.revisions import Revision
from warehouse.control.storing import Kind
from warehouse.queries.query import Rows


@dataclass(frozen=True, slots=True)
class Stored:
    """A revision, who made it and why."""

    revision: Revision
    author: str
    note: str


@dataclass(frozen=True, slots=True)
class Unpublished:
    """By number. The first revision for everyone is in force without a record; of a number taken twice none counts."""

    kind: Kind

    @property
    def sql(self) -> str:
        """The statement."""
        return """SELECT organization, revision, content_hash, author, note FROM config_revisions FINAL
WHERE kind = {kind:String}
    AND revision > (
        SELECT min(revision) FROM config_revisions WHERE kind = {kind:String} AND organization = ''
    )
    AND revision IN (
        SELECT revision FROM config_revisions WHERE kind = {kind:String}
        GROUP BY revision HAVING uniqExact(organization, content_hash) = 1
    )
    AND (organization, revision, content_hash) NOT IN (
        SELECT organization, toUInt32(JSONExtractUInt(body, 'revision')), JSONExtractString(body, 'content_hash')
        FROM control_records FINAL WHERE kind = 'config' AND JSONExtractString(body, 'subject') = {kind:String}
    )
ORDER BY revision"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """The kind."""
        return {"kind": self.kind}

    def read(self, rows: Rows) -> list[Stored]:
        """One revision per row."""
        return [Stored(Revision(self.kind, row[0], int(row[1]), row[2], {}), row[3], row[4]) for row in rows]
