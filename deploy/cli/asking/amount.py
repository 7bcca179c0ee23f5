"""An amount in words: a number and its noun in, "1 event" or "2,000 events" out."""


def amount(number: int, noun: str) -> str:
    """The noun gets an s for more than one, and for none."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
