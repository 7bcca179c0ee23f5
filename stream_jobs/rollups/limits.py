"""What a row may hold, so that no sum of rows of its day or week leaves 64 bits (rule E7)."""

import polars as pl

ROW_LIMIT = 1 << 53
"""About 9 million USD in the quarter hour of one user, model and feature, also the largest integer that JSON keeps.

A week has at most 676 quarter hours, so its row stays below 2 ** 63 whatever its quarter hours hold.
"""


class SumTooLarge(ArithmeticError):
    """Adding these events would take a row beyond ROW_LIMIT.

    It is raised before any sum is changed. The worker sets the events apart with this reason (rule E29) and leaves; its
    successor counts the others, so nothing is lost and no number is wrong.
    """

    def __init__(self, what: str, lines: pl.DataFrame) -> None:
        """lines: `pair` and dimensions of the rows that are too large, with `offset` where lines are by offset."""
        self.lines = lines
        self.events = lines.clear()
        """The events of these lines, with what was sent of them; whoever has them adds them."""
        super().__init__(
            f"{what} would take a row of one quarter hour beyond {ROW_LIMIT:,} (cost in nano-USD: 9 million USD): "
            "check the unit of token counts and costs, and replay what is right with `./tally rejected replay`"
        )
