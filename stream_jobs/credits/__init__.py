"""What usage counts and bills: credits by a multiplier per model, and the amount a customer pays."""

from stream_jobs.credits.billed import billed
from stream_jobs.credits.multiplier_row import MultiplierRow, tier_of
from stream_jobs.credits.multiplier_table import MultiplierTable

__all__ = ["MultiplierRow", "MultiplierTable", "billed", "tier_of"]
