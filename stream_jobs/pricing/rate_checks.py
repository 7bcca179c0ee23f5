"""Whether the rates of one time fit together: a model's rows with their places in, what is missing out.

Calls of a service tier are priced by its rows over the standard ones, so those are looked at together.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from stream_jobs.pricing.price_row import FREE, NO_RATES, PriceRow
from stream_jobs.pricing.sheet import rows_together
from stream_jobs.pricing.units import UNITS_BY_PRICE_KEY, Unit, missing_join, most_specific

Placed: TypeAlias = tuple[str, PriceRow]
Problem: TypeAlias = tuple[str, str]
"""The place, and what is wrong there with the cure."""


def rate_problems(sheet: Sequence[Placed], *, is_part: bool = False) -> Iterator[Problem]:
    """Tiers need a base, marginal ones of their own unit, and no usage may have two prices equally near.

    is_part: the sheet may come to lie over another one, where the base is.
    """
    rates = _priced(sheet)
    if not is_part:
        yield from _base_problems(rates, {_unit(row) for _, row in rates if row.tier_start == 0})
    yield from _join_problems(rates)
    yield from _marginal_problems(rates, is_part=is_part)


def service_tier_problems(rows: Sequence[Placed], service_tier: str, *, is_part: bool = False) -> Iterator[Problem]:
    """The same for calls of a service tier, whose rows take the place of the standard ones of their units.

    rows: of one model in their order, each once. What an organization's rows of a service tier do not name costs what
    it costs everyone, where the organization has no standard price: those rows may have their base there.
    """
    places = {row: place for place, row in rows}
    found: dict[Problem, None] = {}
    for together in rows_together((row for _, row in rows), service_tier):
        special = [(places[row], row) for row in together if row.service_tier]
        standard = [(places[row], row) for row in together if not row.service_tier and row in places]
        if special and not standard and special[0][1].organization:
            rates = _priced(special)
            named = {_unit(row) for _, row in rates}
            base = {_unit(row) for _, row in rates if row.tier_start == 0}
            if not is_part:
                found |= dict.fromkeys(_base_problems(rates, base | set(UNITS_BY_PRICE_KEY.values()) - named))
            found |= dict.fromkeys(_marginal_problems(rates, is_part=is_part))
        elif special:
            known = set(rate_problems(standard, is_part=is_part))
            both = rate_problems([*special, *standard], is_part=is_part)
            found |= dict.fromkeys(each for each in both if each not in known)
    yield from found


def _base_problems(rates: Sequence[Placed], base: set[Unit]) -> Iterator[Problem]:
    for place, row in rates:
        if row.tier_start and most_specific(base, _unit(row)) is None:
            yield place, f"{row.unit} has a price only above {row.tier_start:,} tokens; add one without a tier"


def _join_problems(rates: Sequence[Placed]) -> Iterator[Problem]:
    for tier_start in sorted({row.tier_start for _, row in rates}):
        reached = frozenset(_unit(row) for _, row in rates if row.tier_start <= tier_start)
        if pair := missing_join(reached):
            first, second = (unit.price_key for unit in pair)
            above = f" above {tier_start:,} tokens" if tier_start else ""
            yield rates[0][0], f"{first} and {second} have prices{above}; add one for the usage that is both"
            return


def _marginal_problems(rates: Sequence[Placed], *, is_part: bool) -> Iterator[Problem]:
    for place, row in rates:
        if not _is_step(row):
            continue
        others = [other for _, other in rates if other.unit == row.unit and not _is_step(other)]
        if not (is_part and not others) and (len(others) != 1 or others[0].tier_start):
            yield (
                place,
                f"{row.unit} has a marginal tier above {row.tier_start:,}; give it one price from the first unit on"
                " (tier_start 0), and let no other tier hold for the whole call",
            )


def _is_step(row: PriceRow) -> bool:
    return row.marginal and row.tier_start > 0


def _priced(sheet: Sequence[Placed]) -> list[Placed]:
    return [placed for placed in sheet if placed[1].unit not in (FREE, NO_RATES)]


def _unit(row: PriceRow) -> Unit:
    return UNITS_BY_PRICE_KEY[row.unit]
