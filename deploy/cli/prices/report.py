"""How prices are shown: lists, one model in full, differences with a summary."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from rich.table import Table

from deploy.cli.console import folded
from deploy.cli.rejected_report import moment, plain
from stream_jobs.configuring.said import Said
from stream_jobs.configuring.state import Step
from stream_jobs.pricing.editing.dated_sheet import DatedSheet
from stream_jobs.pricing.editing.difference import ChangedPrice, PriceDifference, difference, exact, price_text
from stream_jobs.pricing.editing.price_list import ListedModel
from stream_jobs.pricing.price_row import SINCE_EVER, PriceRow
from warehouse.queries.unpriced import UnpricedModel

COLUMNS = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok")
SERVED = "served"
"""The column of service tiers: batch, flex, priority, fast; empty for the usual."""
LINES_SHOWN = 60


def models_table(found: Sequence[ListedModel]) -> Table:
    """A line per model and sheet: the usual rates in columns, others in words."""
    table = Table(
        folded("owner"),
        folded("provider"),
        folded("model"),
        SERVED,
        *COLUMNS,
        "others",
        "from",
        box=None,
        padding=(0, 2, 0, 0),
    )
    for listed in found:
        for sheet in listed.sheets or (None,):
            served = sheet.service_tier if sheet else ""
            name = (listed.organization or "all", listed.provider, plain(listed.model), served)
            table.add_row(*name, *_cells(sheet))
    return table


def _cells(sheet: DatedSheet | None) -> list[str]:
    if sheet is None or sheet.is_end or sheet.is_free:
        word = price_text(sheet.rows[0]) if sheet else "no known price"
        return [*[""] * len(COLUMNS), word, when(sheet.rows[0]) if sheet else ""]
    base = {row.unit: exact(row.price_usd) for row in sheet.rates if not row.tier_start}
    others = [rate_text(row) for row in sheet.rates if row.tier_start or row.unit not in COLUMNS]
    return [*(base.get(unit, "") for unit in COLUMNS), "; ".join(others), when(sheet.rows[0])]


def rate_text(row: PriceRow) -> str:
    """A rate in one word, as `prices set` reads it."""
    tier = f"@{'+' * row.marginal}{row.tier_start}" if row.tier_start else ""
    return f"{row.unit}{tier}={exact(row.price_usd)}"


def when(row: PriceRow) -> str:
    """From when, and in which daily window."""
    since = since_text(row.effective_from)
    return f"{since} {row.daily_from}-{row.daily_to} UTC" if row.daily_from else since


def rows_table(said: Iterable[Said[PriceRow]]) -> Table:
    """A line per price of one model, with who said it."""
    table = Table(
        folded("owner"), SERVED, "from", "unit", "above tokens", "price", "by", "said", "source", "note", box=None
    )
    table.padding = (0, 2, 0, 0)
    for each in said:
        row = each.row
        price = price_text(row)
        tier = f"{'+' * row.marginal}{row.tier_start:,}" if row.tier_start else ""
        words = (plain(each.author), moment(each.created), plain(row.source), plain(each.note))
        table.add_row(row.organization or "all", row.service_tier, when(row), row.unit, tier, price, *words)
    return table


def steps_table(steps: Sequence[Step[PriceRow]]) -> Table:
    """What became of one model's prices, a line per revision."""
    table = Table("revision", folded("owner"), "made", "by", "source", "change", "note", box=None, padding=(0, 2, 0, 0))
    for step in steps:
        found = difference(step.before, step.after)
        changes = [f"{_place(each.row)}: {_changed(each)}" for each in found.prices]
        changes += ["found or named otherwise"] if found.rules else []
        made = step.revision
        table.add_row(
            *(str(made.revision), made.organization or "all", moment(made.created), plain(made.author)),
            *(plain(made.source), plain("; ".join(changes)), plain(made.note)),
        )
    return table


def missing_table(found: Sequence[UnpricedModel], units: Sequence[Sequence[str]]) -> Table:
    """A line per model. units: what of each one's usage has no price, where it is a part."""
    columns = (folded("organization"), folded("provider"), folded("model"), "status", "without a price")
    table = Table(*columns, "requests", "input tokens", "output tokens", "last")
    table.box, table.padding = None, (0, 2, 0, 0)
    for each, without in zip(found, units, strict=True):
        names = (plain(each.organization), plain(each.provider or "''"), plain(each.model or "''"), each.status)
        counts = (f"{each.requests:,}", f"{each.input_tokens:,}", f"{each.output_tokens:,}", moment(each.last))
        table.add_row(*names, ", ".join(without) or "all of it", *counts)
    return table


def difference_lines(found: PriceDifference, shown: int | None = LINES_SHOWN) -> list[str]:
    """What changes, line by line and then in sum; at most `shown` prices."""
    lines = [f"{_named(each.row)}: {_changed(each)}" for each in found.prices[:shown]]
    if shown is not None and len(found.prices) > shown:
        lines.append(f"… and {len(found.prices) - shown:,} more prices (--all shows them)")
    lines += [f"{each.provider}/{each.model or '(rules)'}: found or named otherwise" for each in found.rules[:shown]]
    if shown is not None and len(found.rules) > shown:
        lines.append(f"… and {len(found.rules) - shown:,} more that are found or named otherwise")
    return [*lines, summary(found)]


def summary(found: PriceDifference) -> str:
    """One sentence about all of it."""
    if found.is_nothing:
        return "no price differs"
    counts = ", ".join(f"{count:,} {word}" for word, count in found.counts.items())
    parts = [f"{len(found.prices):,} prices of {found.models:,} models: {counts}"]
    if found.largest is not None:
        parts.append(f"largest change {_percent(found.largest)} ({_named(found.largest.row)})")
    if found.rules:
        parts.append(f"{len(found.rules):,} models found or named otherwise")
    if found.reordered:
        parts.append("models are tried in another order")
    return "; ".join(parts)


def difference_json(found: PriceDifference) -> list[str]:
    """A line per changed price, and one with the sums."""
    lines = [
        as_json(
            {
                "change": each.change,
                "before": each.before and price_values(each.before),
                "after": each.after and price_values(each.after),
                "percent": each.percent,
            }
        )
        for each in found.prices
    ]
    rules = [asdict(each) for each in found.rules]
    sums = {"counts": dict(found.counts), "models": found.models, "rules": rules, "reordered": found.reordered}
    return [*lines, as_json(sums)]


def as_json(values: object) -> str:
    """One line; exact numbers as texts, times in ISO form."""
    return json.dumps(values, ensure_ascii=False, default=_text)


def _text(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def price_values(row: PriceRow) -> dict[str, Any]:
    """A row for programs; its place in the list is left out."""
    return {name: value for name, value in asdict(row).items() if name != "position"}


def _named(row: PriceRow) -> str:
    owner = f"{row.organization}: " if row.organization else ""
    return f"{owner}{row.provider}/{row.model} {_place(row)}".rstrip()


def _place(row: PriceRow) -> str:
    """Which of a model's prices a row is."""
    tier = f"{'only ' * row.marginal}above {row.tier_start:,}" if row.tier_start else ""
    dated = "" if row.effective_from <= SINCE_EVER and not row.daily_from else f"from {when(row)}"
    return " ".join(filter(None, (row.service_tier, row.unit, tier, dated)))


def _changed(each: ChangedPrice) -> str:
    before, after = price_text(each.before), price_text(each.after)
    if each.before and each.after and each.before.marginal != each.after.marginal:
        return f"{before} {_holds_for(each.before)} → {after} {_holds_for(each.after)}"
    percent = f" ({_percent(each)})" if each.percent is not None else ""
    return f"{before} → {after}{percent}"


def _holds_for(row: PriceRow) -> str:
    return "only for what is above" if row.marginal else "for the whole call"


def _percent(each: ChangedPrice) -> str:
    return f"{each.percent:+}%"


def since_text(instant: datetime) -> str:
    """From when, for people."""
    return "always" if instant <= SINCE_EVER else moment(instant).removesuffix(" 00:00:00")
