"""What differs between two price lists: rows before and after in, changed prices with a summary out."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, Literal

from stream_jobs.pricing.editing.dated_sheet import (
    SHEET_KEY,
    DatedSheet,
    dated_sheets,
    rate_key,
    row_key,
)
from stream_jobs.pricing.editing.going_on import Lists, in_force, moved, windows_in_force
from stream_jobs.pricing.editing.known_names import KnownNames
from stream_jobs.pricing.price_row import FREE, NO_RATES, PriceRow

Change = Literal["added", "removed", "changed"]
_PLACES: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class ChangedPrice:
    """One price that differs; None where there is none.

    A price that new ones do not carry on is dated where they begin.
    """

    before: PriceRow | None
    after: PriceRow | None

    @property
    def row(self) -> PriceRow:
        """Whose model, unit and dates it is about."""
        row = self.after or self.before
        assert row is not None
        return row

    @property
    def change(self) -> Change:
        """What became of it."""
        if self.before is None:
            return "added"
        return "changed" if self.after is not None else "removed"

    @property
    def percent(self) -> Decimal | None:
        """By how much it rises (or falls, below 0), to two places; None where it cannot be said."""
        if self.before is None or self.after is None or not self.before.price_usd:
            return None
        if self.before.marginal != self.after.marginal:
            return None
        before, after = self.before.price_usd / self.before.per, self.after.price_usd / self.after.per
        return ((after - before) * 100 / before).quantize(_PLACES, ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class ChangedRule:
    """A model or provider that is found by another rule, or called otherwise."""

    provider: str
    model: str
    before: tuple[str, str]
    """Rule (JSON) and name."""
    after: tuple[str, str]


@dataclass(frozen=True, slots=True)
class PriceDifference:
    """All that differs. reordered: models are tried in another order, which decides between rules that both match."""

    prices: tuple[ChangedPrice, ...]
    rules: tuple[ChangedRule, ...]
    reordered: bool

    @property
    def is_nothing(self) -> bool:
        """Whether both lists price everything alike."""
        return not (self.prices or self.rules or self.reordered)

    @property
    def counts(self) -> Mapping[Change, int]:
        """Prices by what became of them."""
        words: tuple[Change, ...] = ("added", "removed", "changed")
        return {word: sum(each.change == word for each in self.prices) for word in words}

    @property
    def models(self) -> int:
        """Models of which a price differs."""
        return len({(each.row.organization, each.row.provider, each.row.model) for each in self.prices})

    @property
    def largest(self) -> ChangedPrice | None:
        """The price that changes most, in per cent up or down."""
        known = [each for each in self.prices if each.percent is not None]
        return max(known, key=lambda each: abs(each.percent or Decimal(0)), default=None)


def difference(
    before: Iterable[PriceRow], after: Iterable[PriceRow], everyones: Iterable[PriceRow] = ()
) -> PriceDifference:
    """What differs, by organization, provider, model and date. Positions count only as the order of models.

    A price that begins at a date is compared with what was in force then, and is no change when it says the same: it
    goes on. What was in force then and does not go on, though others of its model do, is removed. What was in force
    for a name that had no price of its own is what it was priced as; where its own ends, that is in force again.
    everyones: what is in force for an organization that has no price of its own; those of the lists, unless given.
    """
    former, latter, shared = list(before), list(after), list(everyones)
    was, becomes = ({row_key(row): row for row in rows} for rows in (former, latter))
    until_then, from_then = _InForce(former, shared), _InForce(latter, shared)
    ends = {_sheet_key(row): row for row in latter if row.unit == NO_RATES and row_key(row) not in was}
    followed = {key: row for key, row in ends.items() if from_then.sheet(row) is not None}
    pairs = [
        (was[key] if key in was else until_then.then(becomes[key]), becomes.get(key))
        for key in dict.fromkeys((*was, *becomes))
        if _sheet_key(was.get(key) or becomes[key]) not in followed
    ]
    pairs += [(row, None) for row in _dropped(former, latter, until_then) if _sheet_key(row) not in followed]
    pairs += [pair for end in followed.values() for pair in _after(end, until_then, from_then)]
    prices = [ChangedPrice(*pair) for pair in pairs if _says(pair[0]) != _says(pair[1])]
    names_before, names_after = _names(former), _names(latter)
    common = [name for name in names_before if name in names_after]
    rules = [
        ChangedRule(name[1], name[2], names_before[name], names_after[name])
        for name in common
        if names_before[name] != names_after[name]
    ]
    reordered = common != [name for name in names_after if name in names_before]
    shown = sorted(prices, key=lambda each: tuple(map(str, row_key(each.row))))
    return PriceDifference(tuple(each for each in shown if _is_shown(each)), tuple(rules), reordered)


class _InForce:
    """The prices of a list by model."""

    def __init__(self, own: Sequence[PriceRow], everyones: Sequence[PriceRow]) -> None:
        self._own: dict[str, list[PriceRow]] = {}
        for row in own:
            self._own.setdefault(row.organization, []).append(row)
        self._everyones = everyones or self._own.get("", ())
        self._names: dict[str, KnownNames] = {}
        self._lists: dict[tuple[str, str, str], Lists] = {}

    def then(self, row: PriceRow) -> PriceRow | None:
        """The price in force where a new one begins, of the same unit and tier; None where there is none.

        One for a daily window follows that of the same window, else the one for all day.
        """
        sheet = self.sheet(row)
        return None if sheet is None else next((each for each in sheet.rows if _same_rate(each, row)), None)

    def sheet(self, row: PriceRow) -> DatedSheet | None:
        """The sheet in force where one begins, also under an end; of the same window, else for all day."""
        return in_force(self._of(row), row.effective_from, (row.daily_from, row.daily_to), row.service_tier)

    def windows(self, row: PriceRow) -> list[tuple[str, str]]:
        """The daily windows that have prices of their own where a sheet begins."""
        sheets = windows_in_force(self._of(row), row.effective_from, row.service_tier)
        return [sheet.window for sheet in sheets if not sheet.is_end]

    def dropped(self, sheet: DatedSheet, windows: Collection[tuple[str, str]]) -> Iterator[PriceRow]:
        """What a new sheet does not carry on of the one before it, and of the daily windows that it ends.

        windows: those in which other prices begin with it.
        """
        lists, first = self._of(sheet.rows[0]), sheet.rows[0]
        before = in_force(lists, sheet.effective_from, sheet.window, sheet.service_tier)
        for each in before.rates if before is not None else ():
            if not any(_same_rate(each, row) for row in sheet.rates):
                yield moved(each, first)
        if sheet.window != ("", ""):
            return
        for ended in windows_in_force(lists, sheet.effective_from, sheet.service_tier):
            if ended.window not in windows:
                inside = replace(first, daily_from=ended.window[0], daily_to=ended.window[1])
                yield from (moved(each, inside) for each in ended.rates)

    def _of(self, row: PriceRow) -> Lists:
        """The sheets that hold for the row's owner and model, list by list."""
        name = (row.organization, row.provider, row.model)
        if name not in self._lists:
            if row.organization not in self._names:
                everyones = self._everyones if row.organization else ()
                self._names[row.organization] = KnownNames(self._own.get(row.organization, ()), everyones)
            self._lists[name] = self._names[row.organization].lists(row.provider, row.model)
        return self._lists[name]


def _after(
    end: PriceRow, until_then: _InForce, from_then: _InForce
) -> Iterator[tuple[PriceRow | None, PriceRow | None]]:
    """What each rate was until an end, and what it is from there on, where another entry has prices."""
    windows = [(end.daily_from, end.daily_to)]
    if not end.daily_from:
        windows += dict.fromkeys((*until_then.windows(end), *from_then.windows(end)))
    for start, stop in windows:
        inside = replace(end, daily_from=start, daily_to=stop)
        before, after = (
            {(rate_key(row), row.tier_start): moved(row, inside) for row in (sheet.rows if sheet else ())}
            for sheet in (until_then.sheet(inside), from_then.sheet(inside))
        )
        yield from ((before.get(key), after.get(key)) for key in dict.fromkeys((*before, *after)))


def _dropped(former: Sequence[PriceRow], latter: Sequence[PriceRow], until_then: _InForce) -> Iterator[PriceRow]:
    """Prices in force where sheets begin that are new, and that do not go on in them."""
    known = {_sheet_key(row) for row in former}
    models: dict[tuple[str, str, str], list[PriceRow]] = {}
    for row in latter:
        models.setdefault((row.organization, row.provider, row.model), []).append(row)
    for rows in models.values():
        if all(_sheet_key(row) in known for row in rows):
            continue
        sheets = dated_sheets(rows)
        for sheet in sheets:
            if sheet.rates and _sheet_key(sheet.rows[0]) not in known:
                at = (sheet.effective_from, sheet.service_tier)
                beside = {each.window for each in sheets if (each.effective_from, each.service_tier) == at}
                yield from until_then.dropped(sheet, beside)


def _sheet_key(row: PriceRow) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in SHEET_KEY)


def _same_rate(one: PriceRow, other: PriceRow) -> bool:
    return (rate_key(one), one.tier_start) == (rate_key(other), other.tier_start)


def price_text(row: PriceRow | None) -> str:
    """A price with its unit, for people."""
    if row is None:
        return "none"
    if row.unit == FREE:
        return "free"
    if row.unit == NO_RATES:
        return "no known price"
    return f"{exact(row.price_usd)} USD per {row.per:,}"


def exact(number: Decimal) -> str:
    """Every digit, without zeros at the end."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _says(row: PriceRow | None) -> tuple[Any, ...] | None:
    return None if row is None else (row.price_usd, row.per, row.marginal)


def _is_shown(each: ChangedPrice) -> bool:
    """A provider's row of rules is no price."""
    return bool(each.row.model)


def _names(rows: Sequence[PriceRow]) -> dict[tuple[str, str, str], tuple[str, str]]:
    names: dict[tuple[str, str, str], tuple[str, str]] = {}
    for row in rows:
        names.setdefault((row.organization, row.provider, row.model), (row.match, row.display_name))
    return names
