"""What usage counts and bills: credits by multipliers and terms, and the amount a customer pays."""

from stream_jobs.credits.billed import billed
from stream_jobs.credits.count import exceeds_credits_bound
from stream_jobs.credits.multiplier_row import MultiplierRow, tier_of
from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.credits.terms import Terms, TermsRow
from stream_jobs.credits.terms_table import TermsTable

__all__ = [
    "MultiplierRow",
    "MultiplierTable",
    "Terms",
    "TermsRow",
    "TermsTable",
    "billed",
    "exceeds_credits_bound",
    "tier_of",
]
