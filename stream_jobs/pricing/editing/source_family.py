"""Which prices a list says all about: where both come from in, whether one is a newer state of the other out."""

from typing import Final

from stream_jobs.pricing.price_row import PriceRow

OF_SOME_PRICES: Final = frozenset({"CSV"})
"""What people write by hand names the prices that they mean."""


def family(source: str) -> str:
    """A source without its version: "genai-prices 0.0.36" is of the family "genai-prices"."""
    return source.partition(" ")[0]


def says_all(listed: PriceRow, known: PriceRow) -> bool:
    """Whether a list for everyone is a newer state of the catalogue that a known price came from: what it does not name
    any more is no longer there. Other lists, and those of an organization, leave what they do not name."""
    same = family(listed.source) == family(known.source)
    return same and not listed.organization and family(listed.source) not in OF_SOME_PRICES
