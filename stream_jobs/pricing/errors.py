"""What is wrong with prices, named by their owner's next move.

PriceListRefused     correct what each of its problems names; nothing of its list is in force
RevisionMissing      write a first revision: python -m stream_jobs.pricing.seed
"""


class PriceListRefused(ValueError):
    """A price list that cannot be right: nothing of it is applied.

    Each problem is a sentence with its place and cure.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = tuple(map(printable, problems))
        super().__init__("\n".join(self.problems))


def printable(text: str) -> str:
    """The text with halves of characters, which JSON can name and UTF-8 cannot hold, as JSON writes them."""
    return text.encode("utf-8", "backslashreplace").decode()


class RevisionMissing(LookupError):
    """The warehouse holds no revision to load."""
