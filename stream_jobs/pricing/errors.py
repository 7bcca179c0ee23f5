"""What is wrong with prices, named by their owner's next move.

PriceListRefused     correct what each of its problems names; nothing of its list is in force
RevisionMissing      write a first revision: python -m stream_jobs.pricing.seed
"""


class PriceListRefused(ValueError):
    """A price list that cannot be right: nothing of it is applied.

    Each problem is a sentence with its place and cure.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class RevisionMissing(LookupError):
    """The warehouse holds no revision to load."""
