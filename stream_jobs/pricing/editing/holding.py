"""What holds in a price list when: an owner's rows and those for everyone in, the prices in force at a time out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from stream_jobs.pricing.editing.daily_window import ALL_DAY
from stream_jobs.pricing.editing.dated_sheet import DatedSheet, all_day_at, rate_key
from stream_jobs.pricing.editing.going_on import Lists, in_force, moved, windows_in_force
from stream_jobs.pricing.editing.known_names import KnownNames
from stream_jobs.pricing.editing.timeline import timeline
from stream_jobs.pricing.price_row import PriceRow

RateKey: TypeAlias = tuple[Any, ...]
"""What a rate is for inside its sheet, its tier included."""


@dataclass(frozen=True, slots=True)
class Charged:
    """What is charged at a time: a sheet's rates, or that it is free; of a service tier what is under them too."""

    rates: Mapping[RateKey, PriceRow] = field(default_factory=dict)
    free: PriceRow | None = None
    standard: "Charged | None" = None

    @property
    def mark(self) -> PriceRow | None:
        """The row that says that all of it is free."""
        return self.standard.mark if self.standard and not (self.free or self.rates) else self.free

    @property
    def named(self) -> Iterator[RateKey]:
        """What it says a price of."""
        yield from self.rates
        if self.free and self.standard:
            yield from self.standard.rates

    def of(self, key: RateKey) -> PriceRow | None:
        """The price of a rate, the mark of what is free, None where there is no price."""
        if self.free or not self.standard or any(key[0] == unit for unit, _ in self.rates):
            return self.free or self.rates.get(key)
        return self.standard.of(key)


class Holding:
    """The prices of a list by model."""

    def __init__(self, own: Sequence[PriceRow], everyones: Sequence[PriceRow]) -> None:
        self._own: dict[str, list[PriceRow]] = {}
        for row in own:
            self._own.setdefault(row.organization, []).append(row)
        self._everyones = everyones or self._own.get("", ())
        self._names: dict[str, KnownNames] = {}
        self._lists: dict[tuple[str, str, str], Lists] = {}
        self._timelines: dict[tuple[str, str, str], list[DatedSheet]] = {}

    def then(self, row: PriceRow) -> PriceRow | None:
        """The price in force where a new one begins, of the same unit and tier; None where there is none.

        One for a daily window follows that of the same window, else the one for all day.
        """
        sheet = self._sheet(row)
        return None if sheet is None else next((each for each in sheet.rows if same_rate(each, row)), None)

    def charged(self, row: PriceRow) -> Charged:
        """All that is charged where a sheet begins, also under an end; in its window, else all day.

        Of a service tier: what the standard price is where the tier has ended, and for units that it does not name.
        """
        standard = _charged(self._sheet(replace(row, service_tier="")), row)
        return replace(_charged(self._sheet(row), row), standard=standard) if row.service_tier else standard

    def windows(self, row: PriceRow) -> list[tuple[str, str]]:
        """The daily windows that have prices of their own where a sheet begins."""
        sheets = windows_in_force(self._of(row), row.effective_from, row.service_tier)
        return [sheet.window for sheet in sheets if not sheet.is_end]

    def tiers(self, row: PriceRow) -> set[str]:
        """The service tiers that have prices of their own where a sheet begins."""
        sheets = self._timeline(row)
        found = {sheet.service_tier for sheet in sheets if sheet.service_tier}
        return {tier for tier in found if self._has_tier(replace(row, service_tier=tier))}

    def dropped(self, sheet: DatedSheet, windows: Collection[tuple[str, str]]) -> Iterator[PriceRow]:
        """What a new sheet does not carry on of the one before it, and of the daily windows that it ends.

        windows: those in which other prices begin with it.
        """
        lists, first = self._of(sheet.rows[0]), sheet.rows[0]
        before = in_force(lists, sheet.effective_from, sheet.window, sheet.service_tier)
        for each in before.rows if before is not None else ():
            if not any(same_rate(each, row) for row in sheet.rates):
                yield moved(each, first)
        if sheet.window != ALL_DAY:
            return
        for ended in windows_in_force(lists, sheet.effective_from, sheet.service_tier):
            if ended.window not in windows:
                inside = replace(first, daily_from=ended.window[0], daily_to=ended.window[1])
                yield from (moved(each, inside) for each in ended.rates)

    def _sheet(self, row: PriceRow) -> DatedSheet | None:
        return in_force(self._of(row), row.effective_from, (row.daily_from, row.daily_to), row.service_tier)

    def _of(self, row: PriceRow) -> Lists:
        """The sheets that hold for a row's service tier, list by list. A model that has ended has ended in all."""
        if not row.service_tier:
            return self._named(row)
        sheets = self._timeline(row)
        standard = all_day_at(sheets, row.effective_from)
        return [] if standard is not None and standard.is_end else [sheets]

    def _has_tier(self, row: PriceRow) -> bool:
        """Whether a service tier has any price of its own, if only in a daily window."""
        inside = (replace(row, daily_from=start, daily_to=stop) for start, stop in self.windows(row))
        return any(self._sheet(each) is not None for each in (row, *inside))

    def _timeline(self, row: PriceRow) -> list[DatedSheet]:
        name = (row.organization, row.provider, row.model)
        if name not in self._timelines:
            self._timelines[name] = timeline(self._named(row))
        return self._timelines[name]

    def _named(self, row: PriceRow) -> Lists:
        """The sheets that hold for the row's owner and model, list by list."""
        name = (row.organization, row.provider, row.model)
        if name not in self._lists:
            if row.organization not in self._names:
                everyones = self._everyones if row.organization else ()
                self._names[row.organization] = KnownNames(self._own.get(row.organization, ()), everyones)
            self._lists[name] = self._names[row.organization].lists(row.provider, row.model)
        return self._lists[name]


def key_of(row: PriceRow) -> RateKey:
    """What a row prices inside its sheet, first whatever the tier, then the tier."""
    return rate_key(row), row.tier_start


def same_rate(one: PriceRow, other: PriceRow) -> bool:
    """Whether both price the same in their sheets."""
    return key_of(one) == key_of(other)


def _charged(sheet: DatedSheet | None, row: PriceRow) -> Charged:
    """A sheet's prices, as those of another row's time."""
    if sheet is None:
        return Charged()
    if sheet.is_free:
        return Charged(free=_as_of(sheet.rows[0], row))
    return Charged({key_of(each): _as_of(each, row) for each in sheet.rates})


def _as_of(row: PriceRow, then: PriceRow) -> PriceRow:
    return replace(moved(row, then), service_tier=then.service_tier)
