"""A change of terms: what is not said stays as it is at that date."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from stream_jobs.credits import Terms, TermsRow
from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.credits.terms_change import TermsChange, changed_terms

MARCH, JUNE = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
ROWS = [
    TermsRow("", Terms(markup_ppm=100_000)),
    TermsRow("acme", Terms(markup_ppm=200_000, rounding="up"), MARCH),
    TermsRow("zen", Terms(free_daily_limit=9)),
]


def test_what_is_not_said_stays() -> None:
    made = changed_terms(ROWS, "acme", JUNE, TermsChange("cost", Decimal(1000)), note="contract", source="test")
    assert made.row == TermsRow("acme", Terms("cost", Decimal(1000), "up", 200_000), JUNE, "contract", "test")
    assert made.differences == (("basis", "request", "cost"), ("credits_per_usd", Decimal(0), Decimal(1000)))


def test_before_its_own_terms_an_organization_has_the_default() -> None:
    made = changed_terms(ROWS, "acme", datetime(2026, 1, 1, tzinfo=UTC), TermsChange(free_daily_limit=5))
    assert made.row.terms == Terms(markup_ppm=100_000, free_daily_limit=5)


def test_others_do_not_matter() -> None:
    assert changed_terms(ROWS, "new", MARCH, TermsChange(markup_ppm=0)).before == Terms(markup_ppm=100_000)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (TermsChange(), "nothing changes"),
        (TermsChange(markup_ppm=200_000), "acme has these terms from 2026-03-01"),
        (TermsChange("cost"), "how many credits a USD is"),
        (TermsChange(markup_ppm=-1), "between 0 and"),
    ],
)
def test_what_cannot_be_is_refused(change: TermsChange, told: str) -> None:
    with pytest.raises(CreditRulesRefused, match=told):
        changed_terms(ROWS, "acme", MARCH, change)


def test_a_date_that_cannot_be_is_refused() -> None:
    with pytest.raises(CreditRulesRefused, match="write an instant"):
        changed_terms(ROWS, "acme", datetime(1960, 1, 1, tzinfo=UTC), TermsChange(markup_ppm=1))


def test_zeros_at_the_end_are_no_places() -> None:
    change = TermsChange(basis="cost", credits_per_usd=Decimal("0.10000000000000000000000"))
    assert str(changed_terms([], "acme", MARCH, change).row.terms.credits_per_usd) == "0.1"
