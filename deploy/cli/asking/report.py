"""How dry runs are shown: what is met, before and after, by local day and model."""

from decimal import Decimal

from rich.table import Table

from deploy.cli.asking.amount import amount
from deploy.cli.rejected_report import plain
from producers.timeliness.rules import TimeRules
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
        table.add_row(plain(move.column), plain(move.before or "''"), plain(move.after or "''"), f"{move.events:,}")
    if len(found.moves) > MOVES_SHOWN:
        table.add_row("…", f"{len(found.moves) - MOVES_SHOWN:,} more", "", "")
    return table


def summary(kind: str, found: Difference, times: TimeRules) -> str:
    """One sentence, and one more about what is left as it is. times: those of the dry run."""
    if not (found.left and found.first_whole_day):
        return _met(kind, found)
    return f"{_met(kind, found)} {times.left(found.left, found.first_whole_day)}."


def _met(kind: str, found: Difference) -> str:
    days = len({line.day for line in found.lines})
    met = f"{amount(found.met, 'event')} on {amount(days, 'day')} {'is' if found.met == 1 else 'are'} met"
    if kind in ONLY_AGAIN:
        return f"{met}: their rollups are computed again, which changes nothing that is right."
    gone, waits = found.gone, found.awaited
    if gone:
        met += f"; {gone:,} {'is' if gone == 1 else 'are'} void, erased or no longer kept: nothing changes there"
    if waits:
        met += f"; {waits:,} {'has not come: it is' if waits == 1 else 'have not come: they are'} waited for"
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
