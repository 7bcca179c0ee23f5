"""A change of an organization's terms: what holds and what is to be different in, the row that says so out."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal

from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.credits.terms import Basis, Rounding, Terms, TermsRow
from stream_jobs.credits.terms_table import TermsTable
from stream_jobs.pricing.exact_number import plain


@dataclass(frozen=True, slots=True)
class TermsChange:
    """What is to be different; None stays as it is at that date."""

    basis: Basis | None = None
    credits_per_usd: Decimal | None = None
    rounding: Rounding | None = None
    markup_ppm: int | None = None
    free_daily_limit: int | None = None


@dataclass(frozen=True, slots=True)
class ChangedTerms:
    """The row that is to be stored, and the terms that hold at its date without it."""

    row: TermsRow
    before: Terms

    @property
    def differences(self) -> tuple[tuple[str, object, object], ...]:
        """(what, before, after) of everything that becomes different."""
        pairs = (
            (each.name, getattr(self.before, each.name), getattr(self.row.terms, each.name)) for each in fields(Terms)
        )
        return tuple(pair for pair in pairs if pair[1] != pair[2])


def changed_terms(
    rows: Iterable[TermsRow],
    organization: str,
    effective_from: datetime,
    change: TermsChange,
    *,
    note: str = "",
    source: str = "",
) -> ChangedTerms:
    """The new row of an organization ("": the default of all others).

    rows: of the state that it is added to; those of other organizations do not matter.
    Raises CreditRulesRefused for what cannot be, and when nothing would change: terms that only repeat the default
    would keep an organization from following it.
    """
    known = [row for row in rows if row.organization in ("", organization)]
    TermsRow(organization, Terms(), effective_from)  # refuses the date before it is looked up
    before = TermsTable(known).at(organization, round(effective_from.timestamp() * 1000))
    said = {each.name: getattr(change, each.name) for each in fields(change)}
    if change.credits_per_usd is not None:
        said["credits_per_usd"] = plain(change.credits_per_usd)
    row = TermsRow(
        organization,
        replace(before, **{name: value for name, value in said.items() if value is not None}),
        effective_from,
        note,
        source,
    )
    made = ChangedTerms(row, before)
    if not made.differences:
        whose, since = organization or "the default", effective_from.isoformat()
        raise CreditRulesRefused(f"{whose} has these terms from {since} already: nothing changes")
    return made
