"""What usage costs: one revision of prices, found for each event by its names, its own time and its context
length.
"""

from stream_jobs.pricing.price_book import MAX_COST_NANO_USD, PriceBook, exceeds_cost_bound
from stream_jobs.pricing.price_row import PriceRow

__all__ = ["MAX_COST_NANO_USD", "PriceBook", "PriceRow", "exceeds_cost_bound"]
