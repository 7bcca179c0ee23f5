"""Prices that are set, imported and ended, one after another: what an edit does not name costs what it did, its
preview says what is charged, and the same edit again changes nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import product
from random import Random
from typing import Any, Final, TypeAlias

import pytest

from stream_jobs.configuring.ledger import PRICES
from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.editing.difference import ChangedPrice, difference
from stream_jobs.pricing.editing.price import NewPrice, with_end, with_price
from stream_jobs.pricing.editing.rate import Rate
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.imports import read_price_list
from stream_jobs.pricing.imports.known_list import with_import
from stream_jobs.pricing.price_row import ALWAYS, FREE, NO_RATES
from tests.stream_jobs.pricing.conftest import UsageFrame
from tests.stream_jobs.pricing.in_force import holds_at

MONTHS: Final = [datetime(2027, month, 1, tzinfo=UTC) for month in (3, 5, 7, 9)]
LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)
UNITS: Final = {"input_mtok": "input_tokens", "output_mtok": "output_tokens"}
TIERS: Final = ("", "batch", "flex")
HOURS: Final = (3, 10, 15)
WINDOWS: Final = (("22:00:00", "06:00:00"), ("08:00:00", "12:00:00"))
PROBES: Final = list(product(TIERS, UNITS, (LONG_AGO, *MONTHS), HOURS))
BASE: Final = [
    PriceRow("maker", "large", "Large", "", unit, Decimal(usd), 10**6, place, "list 1")
    for place, (unit, usd) in enumerate([("input_mtok", 20), ("output_mtok", 80)])
]
Probe: TypeAlias = tuple[str, str, datetime, int]
Costs: TypeAlias = dict[tuple[Any, ...], Decimal | None]


@dataclass(frozen=True)
class Line:
    """What one edit says of one unit, or with a mark of all: from a date on, in a service tier and perhaps a window."""

    unit: str
    usd: int
    start: datetime
    tier: str
    window: tuple[str, str]
    tier_start: int = 0
    marginal: bool = False

    def names(self, tier: str, unit: str, month: datetime, hour: int) -> bool:
        """Whether a call may cost something else for it: a standard price is one of service tiers too."""
        is_meant = self.unit in (unit, FREE, "none") and self.tier in (tier, "")
        return is_meant and self.start <= month and is_inside(self.window, hour)


def lines_of(chance: Random) -> list[Line]:
    """Up to three, each perhaps with another price above a context; or an end alone."""
    found: dict[tuple[Any, ...], Line] = {}
    for _ in range(chance.randint(1, 3)):
        unit = chance.choice([*UNITS, *UNITS, FREE, "none"])
        line = Line(
            unit,
            chance.randrange(11, 99),
            chance.choice([ALWAYS, *MONTHS]),
            chance.choice(["", "", "batch", "flex"]),
            chance.choice([("", "")] * 4 + list(WINDOWS)) if unit != "none" else ("", ""),
        )
        found[line.start, line.tier, line.window, line.unit] = line
        if unit in UNITS and chance.random() < 0.2:
            above = replace(line, usd=line.usd + 5, tier_start=200_000, marginal=chance.random() < 0.5)
            found[*(line.start, line.tier, line.window, line.unit), above] = above
    ends = [line for line in found.values() if line.unit == "none"]
    return ends[:1] or list(found.values())


COLUMNS: Final = "unit,price_usd,effective_from,service_tier,daily_from,daily_to,tier_start,marginal"


def imported(
    rows: Sequence[PriceRow], lines: Sequence[Line], at: datetime | None, owner: str, everyones: Sequence[PriceRow]
) -> list[PriceRow]:
    """The owner's rows with a file that has these lines."""
    said = [
        (
            *(line.unit, line.usd if line.unit in UNITS else ""),
            *("" if line.start == ALWAYS else f"{line.start:%Y-%m-%d}", line.tier, *line.window),
            *(line.tier_start or "", "yes" if line.marginal else ""),
        )
        for line in lines
    ]
    text = "\n".join(f"maker,large,{','.join(map(str, each))}" for each in said)
    read = read_price_list(f"provider,model,{COLUMNS}\n{text}\n".encode(), "list.csv")
    listed = replace(read, rows=tuple(replace(row, organization=owner) for row in read.rows))
    return with_import(rows, listed, effective_from=at, everyones=everyones)


@dataclass(frozen=True)
class Edit:
    """One change: a price that is set, a list that is imported, perhaps from a date on, or an end."""

    how: str
    lines: tuple[Line, ...]
    at: datetime | None
    only: bool = False

    def made(self, rows: Sequence[PriceRow], owner: str, everyones: Sequence[PriceRow]) -> list[PriceRow]:
        """The owner's rows with it. Raises PriceListRefused."""
        if self.how == "import":
            return imported(rows, self.lines, self.at, owner, everyones)
        if self.how == "expire":
            return with_end(rows, owner, "maker", "large", self.lines[0].start, "hand", everyones)
        line = self.lines[0]
        rates = tuple(Rate(each.unit, Decimal(each.usd), each.tier_start, each.marginal) for each in self.lines)
        free = line.unit == FREE
        window = {"daily_from": line.window[0], "daily_to": line.window[1]}
        more: Any = {"service_tier": line.tier, "free": free, "only": self.only and not free, **window}
        price = NewPrice("maker", "large", () if free else rates, line.start, "hand", owner, **more)
        return with_price(rows, price, everyones)

    def names(self, tier: str, unit: str, month: datetime, hour: int) -> bool:
        """Whether a call may cost something else."""
        if self.how == "expire":
            return self.lines[0].start <= month
        lines = (
            self.lines if self.at is None else [replace(each, start=max(each.start, self.at)) for each in self.lines]
        )
        if self.only:
            lines = [replace(line, unit=FREE) for line in lines]
        return any(line.names(tier, unit, month, hour) for line in lines)


def edit(chance: Random) -> Edit:
    """Any one."""
    kind = chance.random()
    if kind < 0.5:
        return Edit("import", tuple(lines_of(chance)), chance.choice([None, None, *MONTHS]))
    lines = lines_of(chance)[:1]
    line = lines[0] if lines[0].unit != "none" else replace(lines[0], unit="input_mtok")
    if kind < 0.62:
        return Edit("expire", (replace(line, start=chance.choice(MONTHS)),), None)
    return Edit("set", (line,), None, only=chance.random() < 0.25 and line.unit != FREE)


def costs(rows: Sequence[PriceRow], usage_frame: UsageFrame, owner: str) -> Costs:
    """What a million of each unit costs by tier, unit, month and hour; None where it is not priced."""
    events = [
        {"organization": owner, "provider": "maker", "model": "large", "service_tier": tier}
        | {"time": month.replace(hour=hour), UNITS[unit]: 1000}
        for tier, unit, month, hour in PROBES
    ]
    priced = PriceBook.from_rows(rows, revision=1).price(usage_frame(events))
    found = priced.select("cost_nano_usd", "cost_status").rows()
    return {
        probe: Decimal(cost) / 10**6 if status in ("priced", "free") else None
        for probe, (cost, status) in zip(PROBES, found, strict=True)
    }


def said(row: PriceRow | None) -> Decimal | None:
    """What a line of a preview says that is charged."""
    if row is None or row.unit == NO_RATES:
        return None
    return row.price_usd


def is_inside(window: tuple[str, str], hour: int) -> bool:
    """Whether a daily window has the hour."""
    return holds_at(replace(BASE[0], daily_from=window[0], daily_to=window[1]), LONG_AGO.replace(hour=hour))


def untrue(each: ChangedPrice, before: Costs, after: Costs, windows: set[tuple[str, str]]) -> Iterator[object]:
    """What a preview says that is not charged where it begins; of what is free, or ends, not by unit."""
    row = each.row
    own = [(row.daily_from, row.daily_to)] if row.daily_from else []
    hours = [hour for hour in HOURS if [window for window in windows if is_inside(window, hour)] == own]
    if row.unit not in UNITS or row.tier_start or not hours:
        return
    probe = (row.service_tier, row.unit, max(row.effective_from, LONG_AGO), hours[0])
    for costs_then, price in ((before, each.before), (after, each.after)):
        has_standard = costs_then["", *probe[1:]] is not None or not row.service_tier
        is_of_standard = price is None and (row.service_tier or row.daily_from)
        if has_standard and not is_of_standard and costs_then[probe] != said(price):
            yield probe, costs_then[probe], said(price)


def is_told(probe: Probe, prices: Sequence[ChangedPrice]) -> bool:
    """Whether a preview has a line about what a call costs."""
    tier, unit, month, _ = probe
    rows = [each.row for each in prices if each.row.service_tier in (tier, "") and each.row.effective_from <= month]
    return any(row.unit in (unit, FREE, NO_RATES) for row in rows)


def check(
    change: Edit,
    rows: Sequence[PriceRow],
    made: Sequence[PriceRow],
    before: Costs,
    after: Costs,
    everyones: Sequence[PriceRow],
) -> None:
    """What is not named costs what it did, until the next date of what there was; what changes, the preview tells."""
    prices = difference(rows, made, everyones).prices
    windows = {(row.daily_from, row.daily_to) for row in (*rows, *made, *everyones) if row.daily_from}
    for each in prices:
        assert not list(untrue(each, before, after, windows)), change
    begins = min(line.start for line in change.lines)
    later = [row.effective_from for row in (*rows, *everyones) if row.effective_from > begins]
    for probe in PROBES:
        goes_on = not any(each <= probe[2] for each in later)
        if not change.names(*probe) and before[probe] and (goes_on or change.how != "set" or probe[2] < begins):
            assert after[probe] == before[probe], (probe, change)
        if goes_on and before[probe] and after[probe] and before[probe] != after[probe]:
            assert is_told(probe, prices), (probe, change)


def history(seed: int, usage_frame: UsageFrame) -> None:
    """Four edits of everyone's prices, or of an organization's too."""
    chance = Random(seed)
    shared, own = list(BASE), list[PriceRow]()
    for _ in range(4):
        owner = "acme" if seed % 2 and chance.random() < 0.7 else ""
        rows, everyones = (own, shared) if owner else (shared, [])
        change = edit(chance)
        try:
            made = change.made(rows, owner, everyones)
            PRICES.judge(rows, made, everyones)
            PRICES.check(everyones or made, made if owner else [])
        except PriceListRefused:
            continue
        before, after = (costs([*everyones, *of], usage_frame, owner) for of in (rows, made))
        check(change, rows, made, before, after, everyones)
        assert change.made(made, owner, everyones) == made, change
        shared, own = (shared, made) if owner else (made, own)


@pytest.mark.parametrize("seed", range(40))
def test_an_edit_changes_what_it_names_and_says_so(usage_frame: UsageFrame, seed: int) -> None:
    history(seed, usage_frame)
