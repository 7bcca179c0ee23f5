"""Where commands print: what ids, names and messages hold is shown as it is, never taken for markup."""

from rich.console import Console
from rich.table import Column
from rich.text import Text

NARROWEST = 120
UNBOUNDED = 100_000


def console() -> Console:
    """A console that a terminal may wrap, but that wraps nothing itself below 120 columns; nothing at all in a pipe."""
    seen = Console()
    width = max(NARROWEST, seen.width) if seen.is_terminal else UNBOUNDED
    return Console(highlight=False, markup=False, soft_wrap=True, width=width)


def narrow_console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal, which wraps what is longer."""
    return Console(highlight=False, markup=False, stderr=stderr)


def whole(name: str) -> Column:
    """A column of short ids that commands take: each in one piece, other columns give way."""
    return Column(name, no_wrap=True)


def folded(name: str) -> Column:
    """A column of names that commands take and that may be long: on several lines where needed, never cut."""
    return Column(name, overflow="fold")


def done(line: str) -> Text:
    """A line that says what was done."""
    return Text.assemble("  ", ("✓", "green"), f" {line}")
