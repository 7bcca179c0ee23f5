"""Where commands print: wide enough that addresses and keys stay in one piece."""

from rich.console import Console

NARROWEST = 120


def console() -> Console:
    """A console that a terminal may wrap, but that wraps nothing itself below 120 columns."""
    return Console(highlight=False, soft_wrap=True, width=max(NARROWEST, Console().width))
