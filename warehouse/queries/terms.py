"""How credits are counted and what is billed: an organisation in, its terms by date out; and who set what when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from warehouse.queries.query import Rows, utc

_SAID = (
    "basis, credits_per_usd, rounding, {markup} AS markup, free_daily_limit, {revision}, author, note, source, created"
)
_PPM = "toDecimal64(markup_ppm, 6) / 1000000"


@dataclass(frozen=True, slots=True)
class AgreedTerms:
    """Terms of an organisation, "" for the default of all others, from an instant on.

    markup: share on top of the cost of what is billed, 0.2 is 20 %. revision: of the multipliers; 0: as shipped.
    effective_to: excluded; None: for good, or not asked for.
    """

    organization: str
    effective_from: datetime
    effective_to: datetime | None
    basis: str
    credits_per_usd: Decimal
    rounding: str
    markup: Decimal
    free_daily_limit: int
    revision: int
    author: str
    note: str
    source: str
    created: datetime

    def holds_at(self, moment: datetime) -> bool:
        """Whether they are those of their owner then."""
        return self.effective_from <= moment and (self.effective_to is None or moment < self.effective_to)


@dataclass(frozen=True, slots=True)
class BillingTerms:
    """Terms of the newest state, the default first, then by organisation and date.

    organization: its own ones and the default; None: of everybody.
    """

    organization: str | None = None

    @property
    def sql(self) -> str:
        """The statement."""
        said = _SAID.format(markup="markup", revision="revision")
        where = "" if self.organization is None else "WHERE organization IN ('', {organization:String}) "
        return (
            f"SELECT organization, effective_from, effective_to, {said} FROM billing_terms "
            f"{where}ORDER BY organization, effective_from"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """The organisation."""
        return {} if self.organization is None else {"organization": self.organization}

    def read(self, rows: Rows) -> list[AgreedTerms]:
        """One per row."""
        return [_agreed(row) for row in rows]


@dataclass(frozen=True, slots=True)
class TermsHistory:
    """Everything that was ever set, the newest first, with the revision that said so first.

    organization: "" for the default; None: of everybody.
    """

    organization: str | None = None
    limit: int = 100
    skip: int = 0

    @property
    def sql(self) -> str:
        """The statement. Rows are stored again with each revision of their owner: each counts once."""
        said = _SAID.format(markup=_PPM, revision="min(terms.revision) AS first_revision")
        where = "" if self.organization is None else "AND organization = {organization:String} "
        return (
            f"SELECT organization, effective_from, NULL, {said} FROM terms FINAL "
            "WHERE (organization, revision) IN "
            f"(SELECT organization, revision FROM config_revisions WHERE kind = 'multipliers') {where}"
            "GROUP BY organization, effective_from, basis, credits_per_usd, rounding, markup_ppm, free_daily_limit, "
            "author, note, source, created "
            "ORDER BY created DESC, organization, effective_from LIMIT {limit:UInt64} OFFSET {skip:UInt64}"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """The organisation and the page."""
        values: dict[str, object] = {"limit": self.limit, "skip": self.skip}
        return values if self.organization is None else values | {"organization": self.organization}

    def read(self, rows: Rows) -> list[AgreedTerms]:
        """One per row."""
        return [_agreed(row) for row in rows]


@dataclass(frozen=True, slots=True)
class RevisionTerms:
    """The terms that one revision of the multipliers holds, by date."""

    revision: int

    @property
    def sql(self) -> str:
        """The statement."""
        said = _SAID.format(markup=_PPM, revision="revision")
        return (
            f"SELECT organization, effective_from, NULL, {said} FROM terms FINAL "
            "WHERE revision = {revision:UInt32} ORDER BY effective_from"
        )

    @property
    def parameters(self) -> Mapping[str, object]:
        """The revision."""
        return {"revision": self.revision}

    def read(self, rows: Rows) -> list[AgreedTerms]:
        """One per row."""
        return [_agreed(row) for row in rows]


def _agreed(row: Sequence[Any]) -> AgreedTerms:
    organization, start, end, *said, created = row
    values: list[Any] = [organization, utc(start), None if end is None else utc(end), *said, utc(created)]
    return AgreedTerms(*values)
