"""How dry runs are shown: what is met, before and after, by local day and model."""

from decimal import Decimal

from rich.table import Table

from deploy.cli.rejected_report import plain
from stream_jobs.control.difference import Difference
from warehouse.control.met import Totals

LINES_SHOWN = 40
MOVES_SHOWN = 20
ONLY_AGAIN = ("repair", "replay")


def difference_table(found: Difference) -> Table:
    """A line per day and model, at most LINES_SHOWN, and one for all."""
    table = Table("day", "model", box=None, padding=(0, 2, 0, 0))
    for name in ("requests", "input tokens", "output tokens", "cost USD", "billed USD", "credits"):
        table.add_column(name, justify="right")
    for line in found.lines[:LINES_SHOWN]:
        table.add_row(str(line.day), plain(line.model), *_cells(line.before, line.after))
    if len(found.lines) > LINES_SHOWN:
        table.add_row("…", f"{len(found.lines) - LINES_SHOWN:,} more lines")
    if len(found.lines) > 1:
        table.add_row("all", "", *_cells(found.before, found.after))
    return table


def moves_table(found: Difference) -> Table:
    """What becomes what."""
    table = Table("column", "from", "to", "events", box=None, padding=(0, 2, 0, 0))
    for move in found.moves[:MOVES_SHOWN]:
        table.add_row(move.column, plain(move.before or "''"), plain(move.after or "''"), f"{move.events:,}")
    if len(found.moves) > MOVES_SHOWN:
        table.add_row("…", f"{len(found.moves) - MOVES_SHOWN:,} more", "", "")
    return table


def summary(kind: str, found: Difference) -> str:
    """One sentence, and one more about what is not there yet."""
    days = len({line.day for line in found.lines})
    met = f"{found.met:,} events on {days:,} days are met"
    if kind in ONLY_AGAIN:
        return f"{met}: their rollups are computed again, which changes nothing that is right."
    waits = found.named - found.met
    if found.named and waits > 0:
        return f"{met}; {waits:,} have not come: they are waited for."
    return f"{met}."


def usd(nano_usd: int) -> str:
    """Exact, without zeros at the end."""
    return _exact(Decimal(nano_usd).scaleb(-9))


def credits(micro: int) -> str:
    """Exact, without zeros at the end."""
    return _exact(Decimal(micro).scaleb(-6))


def _exact(number: Decimal) -> str:
    text = f"{number:,.9f}".rstrip("0").rstrip(".")
    return text or "0"


def _cells(before: Totals, after: Totals) -> list[str]:
    pairs = [
        (f"{before.requests:,}", f"{after.requests:,}"),
        (f"{before.input_tokens:,}", f"{after.input_tokens:,}"),
        (f"{before.output_tokens:,}", f"{after.output_tokens:,}"),
        (usd(before.cost_nano_usd), usd(after.cost_nano_usd)),
        (usd(before.billed_nano_usd), usd(after.billed_nano_usd)),
        (credits(before.credits_micro), credits(after.credits_micro)),
    ]
    return [was if was == becomes else f"{was} → {becomes}" for was, becomes in pairs]
