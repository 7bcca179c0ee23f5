"""Terms for people: what holds since when, what was set by whom, what would change; tables and lines of JSON out."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from rich.table import Table

from deploy.cli.console import folded
from deploy.cli.rejected_report import moment, plain
from stream_jobs.credits.terms import PPM
from stream_jobs.credits.terms_change import ChangedTerms
from warehouse.queries.terms import AgreedTerms

DEFAULT = "(default)"
SAID = ("credits", "rounding", "markup", "free a day")


def terms_table(found: Sequence[AgreedTerms], now: datetime) -> Table:
    """By organisation and date; what holds now is marked."""
    table = Table(folded("organization"), "from", "to", *SAID, "now", "by", "note", box=None, padding=(0, 2, 0, 0))
    for each in found:
        end = moment(each.effective_to) if each.effective_to else ""
        now_said = "in force" if each.holds_at(now) else ""
        table.add_row(
            *(plain(each.organization) or DEFAULT, start(each.effective_from), end),
            *said(each),
            *(now_said, plain(each.author), plain(each.note)),
        )
    return table


def history_table(found: Sequence[AgreedTerms]) -> Table:
    """What was set, the newest first."""
    table = Table(
        "set", "by", "revision", folded("organization"), "from", *SAID, "note", box=None, padding=(0, 2, 0, 0)
    )
    for each in found:
        table.add_row(
            *(moment(each.created), plain(each.author), str(each.revision)),
            *(plain(each.organization) or DEFAULT, start(each.effective_from)),
            *(*said(each), plain(each.note)),
        )
    return table


def said(each: AgreedTerms) -> tuple[str, str, str, str]:
    """What terms say, in words."""
    bases = {
        "request": "the model's multiplier, a request",
        "cost": f"{exact(each.credits_per_usd)} a USD",
        "tokens": "the model's multiplier, 1,000 tokens",
    }
    return bases[each.basis], each.rounding, f"{exact(each.markup * 100)} %", str(each.free_daily_limit)


def change_told(made: ChangedTerms) -> list[str]:
    """What would become different, a line each."""
    whose = made.row.organization or "the default of all organisations without terms of their own"
    lines = [f"{whose}, from {start(made.row.effective_from)}:"]
    for name, before, after in made.differences:
        if name == "markup_ppm":
            name, before, after = "markup", percent(before), percent(after)
        lines.append(f"  {name}: {_text(before)} → {_text(after)}")
    return lines


def as_json(each: AgreedTerms, now: datetime) -> str:
    """One line for programs."""
    return json.dumps({**dataclasses.asdict(each), "in_force": each.holds_at(now)}, ensure_ascii=False, default=str)


def percent(ppm: object) -> str:
    """Millionths as a percentage."""
    return f"{exact(Decimal(str(ppm)) * 100 / PPM)} %"


def exact(number: Decimal) -> str:
    """Every digit, without zeros at the end."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def start(instant: datetime) -> str:
    """A date from which something holds."""
    return "always" if not instant.timestamp() else moment(instant)


def _text(value: object) -> str:
    return exact(value) if isinstance(value, Decimal) else str(value)
