"""What differs between two price lists: rows before and after in, changed prices with a summary out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, Literal

from stream_jobs.pricing.editing.closings import MARKS, Pair, closed, sheet_key, tiers_closed
from stream_jobs.pricing.editing.dated_sheet import dated_sheets, row_key
from stream_jobs.pricing.editing.holding import Holding, key_of
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
        """Whose model, unit and dates it is about: of a price that becomes free the price."""
        row = self.before if self._is_price(self.before) and not self._is_price(self.after) else self.after
        row = row or self.before
        assert row is not None
        return row

    @property
    def change(self) -> Change:
        """What became of it. A price that becomes free, or that no price is known for any more, goes."""
        if self.before is None or (self._is_price(self.after) and not self._is_price(self.before)):
            return "added"
        return "removed" if self.after is None or self.row is self.before else "changed"

    @property
    def percent(self) -> Decimal | None:
        """By how much it rises (or falls, below 0), to two places; None where it cannot be said."""
        if self.change != "changed" or not self.before or not self.after or not self.before.price_usd:
            return None
        if self.before.marginal != self.after.marginal:
            return None
        before, after = self.before.price_usd / self.before.per, self.after.price_usd / self.after.per
        return ((after - before) * 100 / before).quantize(_PLACES, ROUND_HALF_EVEN)

    @staticmethod
    def _is_price(row: PriceRow | None) -> bool:
        return row is not None and row.unit not in MARKS


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
    Where a price ends or becomes free, each rate that it had is followed by what holds from then on, in service tiers
    too. everyones: what is in force for an organization that has no price of its own; those of the lists, unless given.
    """
    former, latter, shared = list(before), list(after), list(everyones)
    was, becomes = ({row_key(row): row for row in rows} for rows in (former, latter))
    until_then, from_then = Holding(former, shared), Holding(latter, shared)
    closings = {sheet_key(row): row for row in latter if row.unit in MARKS and row.model and row_key(row) not in was}
    pairs = [
        (
            was[key] if key in was else until_then.then(becomes[key]) or until_then.charged(becomes[key]).mark,
            becomes.get(key) or from_then.charged(was[key]).of(key_of(was[key])),
        )
        for key in dict.fromkeys((*was, *becomes))
        if sheet_key(was.get(key) or becomes[key]) not in closings
    ]
    dropped = (row for row in _dropped(former, latter, until_then) if sheet_key(row) not in closings)
    pairs += [pair for row in dropped for pair in _without(row, from_then)]
    pairs += [pair for row in closings.values() for pair in closed(row, until_then, from_then)]
    kept, sheets = set(map(sheet_key, former)), {sheet_key(row): row for row in latter}
    new = (row for key, row in sheets.items() if key not in kept or key in closings)
    pairs += tiers_closed(new, sheets, until_then, from_then)
    changed = (ChangedPrice(*pair) for pair in pairs if _says(pair[0]) != _says(pair[1]))
    prices = {row_key(each.row): each for each in changed}.values()
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


def _dropped(former: Sequence[PriceRow], latter: Sequence[PriceRow], until_then: Holding) -> Iterator[PriceRow]:
    """Prices in force where sheets begin that are new, and that do not go on in them."""
    known = {sheet_key(row) for row in former}
    models: dict[tuple[str, str, str], list[PriceRow]] = {}
    for row in latter:
        models.setdefault((row.organization, row.provider, row.model), []).append(row)
    for rows in models.values():
        if all(sheet_key(row) in known for row in rows):
            continue
        sheets = dated_sheets(rows)
        for sheet in sheets:
            if sheet.rates and sheet_key(sheet.rows[0]) not in known:
                at = (sheet.effective_from, sheet.service_tier)
                beside = {each.window for each in sheets if (each.effective_from, each.service_tier) == at}
                yield from until_then.dropped(sheet, beside)


def _without(row: PriceRow, from_then: Holding) -> Iterator[Pair]:
    """A price that does not go on, and what holds in its place: of a service tier what the standard price is."""
    charged = from_then.charged(row)
    if not row.service_tier:
        yield row, None
    elif row.unit != FREE:
        yield row, charged.of(key_of(row))
    else:
        standard = charged.standard.rates if charged.standard else {}
        yield from ((row, each) for key, each in standard.items() if charged.of(key) == each)


def price_text(row: PriceRow | None) -> str:
    """A price with its unit, for people."""
    if row is None:
        return "none"
    if row.unit == FREE:
        return "free"
    if row.unit == NO_RATES:
        return "as standard" if row.service_tier else "no known price"
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
