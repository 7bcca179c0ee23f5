"""Prices that are wrong by a unit: what others cost, or what the model cost before, in; what is odd out.

A price per token written as one per million, or the other way round, is a valid number that makes every bill wrong
by 10^6. It shows in two places: no known model costs so much or so little, and no price changes by so much.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Final

from stream_jobs.pricing.price_row import FREE, NO_RATES, PriceRow

TOKEN_BOUNDS_USD: Final = (Decimal("0.0005"), Decimal(2000))
"""USD per million tokens. Known prices lie between 0.0011 (a cache read) and 600 (output of a large model): written for
a single token all but the very largest are too small, and no model has those alone."""

OTHER_BOUNDS_USD: Final = (Decimal("0.0001"), Decimal(10_000))
"""USD per hour, thousand pages, thousand searches and the like. Known prices lie between 0.04 and 1,800."""

SINGLE_BOUNDS_USD: Final = (Decimal("0.00001"), Decimal(100))
"""USD for one of what is priced singly: images. Known prices lie between 0.00006 (one read) and 0.25 (one made)."""

MOST_CHANGE: Final = 500
"""A price per thousand taken for one per million changes a thousandfold; real changes stay far below."""

_Key = tuple[str, str, str, str, str, int]


def out_of_bounds(row: PriceRow) -> str | None:
    """What is odd about the size of a price above 0, None when nothing is."""
    if row.unit in (FREE, NO_RATES) or not row.price_usd:
        return None
    least, most = _bounds(row)
    said = f"{row.unit} of {row.price_usd:f} USD is"
    if row.price_usd < least:
        return f"{said} below {least} for {row.per:,} units, less than anything costs; is it a price for a single unit?"
    if row.price_usd > most:
        return f"{said} above {most} for {row.per:,} units, more than anything costs; was it multiplied once too often?"
    return None


def _bounds(row: PriceRow) -> tuple[Decimal, Decimal]:
    if row.unit.endswith("_mtok"):
        return TOKEN_BOUNDS_USD
    return SINGLE_BOUNDS_USD if row.per == 1 else OTHER_BOUNDS_USD


def against_previous(
    rows: Iterable[PriceRow],
    previous: Sequence[PriceRow],
    everyones: Sequence[PriceRow] = (),
    otherwise: Callable[[str, str], Iterable[PriceRow]] = lambda *_: (),
) -> list[str]:
    """A sentence for each price that is `MOST_CHANGE` times its predecessor or a part of that.

    The predecessor is the last price above 0 of the same organization, model, unit, tier and service tier; else
    everyone's, that of standard calls, or that of what the name is priced as. Where a model's prices have ended any may
    follow, from the end on. otherwise: the rows that hold for a provider and a model where the owner has none.
    """
    own, shared = _Known(previous), _Known(everyones)
    under: dict[tuple[str, str], _Known] = {}
    problems: list[str] = []
    for row in rows:
        if not row.price_usd:
            continue
        found = (known.at(key, row) for key in _keys(row) for known in (own, shared))
        before = next((each for each in found if each is not None), None)
        if before is None:
            name = (row.provider, row.model)
            if name not in under:
                under[name] = _Known(otherwise(*name))
            before = under[name].alike(row)
        if before is None:
            continue
        factor = Fraction(row.price_usd) * before.per / (Fraction(before.price_usd) * row.per)
        if not Fraction(1, MOST_CHANGE) < factor < MOST_CHANGE:
            problems.append(f"{row.provider}/{row.model}: {row.unit} of {row.price_usd:f} USD {_odd(row, before)}")
    return problems


def _odd(row: PriceRow, before: PriceRow) -> str:
    if row.model != before.model or row.service_tier != before.service_tier:
        what = f" for {before.provider}/{before.model}" if row.model != before.model else " for standard calls"
    else:
        what = " for everyone" if row.organization != before.organization else ""
    if what:
        return (
            f"is {before.price_usd:f}{what}; no price differs {MOST_CHANGE} times, so correct the unit (if it is"
            " meant, set a price between the two first)"
        )
    return (
        f"was {before.price_usd:f}; no price changes {MOST_CHANGE} times, so correct the unit (if it is meant, expire"
        " the old price first)"
    )


def _keys(row: PriceRow) -> list[_Key]:
    """Where a predecessor may stand, the nearest first."""
    owners = dict.fromkeys((row.organization, ""))
    tiers = dict.fromkeys((row.service_tier, ""))
    return [(owner, row.provider, row.model, tier, row.unit, row.tier_start) for tier in tiers for owner in owners]


class _Known:
    """The last price of each kind, while its model has not ended."""

    def __init__(self, rows: Iterable[PriceRow]) -> None:
        ordered = sorted(rows, key=lambda row: row.position)
        priced = (row for row in ordered if row.unit not in (FREE, NO_RATES) and row.price_usd)
        self._last: Final = {_key(row): row for row in priced}
        last = {_key(row)[:3]: row for row in ordered if row.model}
        self._ends: Final = {name: row.effective_from for name, row in last.items() if row.unit == NO_RATES}

    def at(self, key: _Key, row: PriceRow) -> PriceRow | None:
        """The price of this kind that goes on where the row begins."""
        ended = self._ends.get(key[:3])
        return self._last.get(key) if ended is None or row.effective_from < ended else None

    def alike(self, row: PriceRow) -> PriceRow | None:
        """The first of whatever model that goes on where the row begins, of its unit and tier."""
        wanted = {key[3:] for key in _keys(row)}
        found = (self.at(key, row) for key in self._last if key[3:] in wanted)
        return next((each for each in found if each is not None), None)


def _key(row: PriceRow) -> _Key:
    return row.organization, row.provider, row.model, row.service_tier, row.unit, row.tier_start
