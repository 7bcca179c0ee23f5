"""Where commands print: what ids, names and messages hold is shown as it is, never taken for markup, an emoji or an
order to the terminal."""

from typing import Any

from rich.console import Console
from rich.table import Column
from rich.text import Text

from deploy.cli.visible import visible

NARROWEST = 120
UNBOUNDED = 100_000


class TextConsole(Console):
    """Shows texts as they are, and of control characters a picture."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Every text that is printed, and every cell of a table."""
        return super().render_str(visible(text), **options)


def console() -> Console:
    """A console that a terminal may wrap, but that wraps nothing itself below 120 columns; nothing at all in a pipe."""
    seen = TextConsole()
    width = max(NARROWEST, seen.width) if seen.is_terminal else UNBOUNDED
    return TextConsole(soft_wrap=True, width=width)


def narrow_console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal, which wraps what is longer."""
    return TextConsole(stderr=stderr)


def whole(name: str) -> Column:
    """A column of short ids that commands take: each in one piece, other columns give way."""
    return Column(name, no_wrap=True)


def folded(name: str) -> Column:
    """A column of names that commands take and that may be long: on several lines where needed, never cut."""
    return Column(name, overflow="fold")


def done(line: str) -> Text:
    """A line that says what was done."""
    return Text.assemble("  ", ("✓", "green"), f" {line}")
