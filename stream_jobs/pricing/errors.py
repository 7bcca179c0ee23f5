"""What is wrong with prices, named by their owner's next move.

PriceListRefused     correct the row that the message names; nothing of its list is in force
RevisionMissing      write a first revision: python -m stream_jobs.pricing.seed
"""


class PriceListRefused(ValueError):
    """A price list that cannot be right: nothing of it is applied."""


class RevisionMissing(LookupError):
    """The warehouse holds no revision to load."""
