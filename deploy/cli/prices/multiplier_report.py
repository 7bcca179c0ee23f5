"""How multipliers of credits are shown: lists and differences."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from deploy.cli.console import folded
from deploy.cli.prices.report import since_text
from deploy.cli.rejected_report import moment, plain
from stream_jobs.configuring.said import Said
from stream_jobs.credits.editing import ChangedMultiplier, multiplier_text
from stream_jobs.credits.multiplier_row import ALWAYS, MultiplierRow, tier_of


def multipliers_table(said: Sequence[Said[MultiplierRow]]) -> Table:
    """A line per multiplier, with who said it."""
    table = Table(folded("owner"), folded("model"), "credits", "tier", "from", "by", "said", "source", "note", box=None)
    table.padding = (0, 2, 0, 0)
    for each in said:
        row = each.row
        words = (plain(each.author), moment(each.created), plain(row.source), plain(row.note))
        rate = (
            multiplier_text(row),
            "" if row.ended else tier_of(row.multiplier_milli),
            since_text(row.effective_from),
        )
        table.add_row(row.organization or "all", plain(_model(row)), *rate, *words)
    return table


def multiplier_lines(found: Sequence[ChangedMultiplier]) -> list[str]:
    """What changes, line by line; whose it is from then on where as much counts as before."""
    lines = []
    for each in found:
        row = each.row
        owner = f"{row.organization}: " if row.organization else ""
        dated = "" if row.effective_from == ALWAYS else f" from {since_text(row.effective_from)}"
        before, after = multiplier_text(each.before), multiplier_text(each.after)
        whose = "" if before != after else ", no longer its own" if row.ended else ", its own"
        lines.append(f"{owner}{_model(row)}{dated}: {before} → {after}{whose}")
    return lines


def multiplier_values(said: Said[MultiplierRow]) -> dict[str, Any]:
    """A multiplier for programs."""
    row = said.row
    rate: dict[str, str | None] = {"multiplier": None, "tier": None}
    if not row.ended:
        rate = {"multiplier": multiplier_text(row)[:-1], "tier": tier_of(row.multiplier_milli)}
    return {**asdict(row), **rate, "author": said.author, "created": said.created}


def _model(row: MultiplierRow) -> str:
    return f"{row.provider or 'any'}/{row.model}" if row.model else "default"
