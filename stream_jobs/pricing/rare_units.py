"""What rarer units add to the cost of a call: its quantities and rate card in, exact yocto-USD out.

Few events have such units, and those repeat a few quantities on a few cards: each combination is worked out once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from stream_jobs.pricing.quantities import read_quantities
from stream_jobs.pricing.rate_card import Charge, RateCard, total_input_tokens
from stream_jobs.pricing.rounding import rounded_ratio
from stream_jobs.pricing.units import BUCKET_UNITS, INPUT_TOKENS, UNITS

YOCTO_PER_NANO: Final = 10**15

_MAX_REMEMBERED: Final = 65_536


@dataclass(frozen=True, slots=True)
class Extra:
    """An amount on top of a card's token and request prices, and whether every unit has a price."""

    yocto_usd: Fraction
    has_a_price: bool

    def added_to(self, yocto_usd: int) -> int:
        """The sum with a call's tokens in nano-USD, rounded once."""
        numerator, denominator = self.yocto_usd.as_integer_ratio()
        return rounded_ratio(yocto_usd * denominator + numerator, denominator * YOCTO_PER_NANO)


class RareUnits:
    """Remembers what quantities cost on each of these cards."""

    def __init__(self, cards: Sequence[RateCard], before: "RareUnits | None" = None) -> None:
        """before: of the first of these cards; what it remembers stays known."""
        self._cards: Final = cards
        self._remembered: Final[dict[tuple[int, str], Extra]] = {} if before is None else before._remembered

    def extra(self, card: int, quantities: str) -> Extra:
        """What these quantities add on this card, for calls whose tier they do not change."""
        key = (card, quantities)
        found = self._remembered.get(key)
        if found is None:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            found = self._remembered[key] = _extra(self._cards[card], quantities)
        return found


def _extra(card: RateCard, quantities: str) -> Extra:
    charges = card.charges(dict(read_quantities(quantities)))
    yocto_usd = (_nano_usd(charges) - _nano_usd(card.charges({}))) * YOCTO_PER_NANO
    return Extra(yocto_usd, all(charge.priced_unit for charge in charges))


def adds_input_tokens(quantities: str) -> bool:
    """True when the quantities hold input tokens, which may lift a call into a higher tier."""
    return any(key in UNITS and INPUT_TOKENS.contains(UNITS[key]) for key, _ in read_quantities(quantities))


def exact_charges(cards: Sequence[RateCard], tokens: Sequence[int], quantities: str) -> tuple[RateCard, list[Charge]]:
    """A call's card, of these by ascending tier, and every line of its cost, tokens and quantities alike."""
    usage = {unit.usage_key: Fraction(count) for unit, count in zip(BUCKET_UNITS, tokens, strict=True) if count}
    for key, quantity in read_quantities(quantities):
        usage[key] = usage.get(key, Fraction(0)) + quantity
    total = total_input_tokens(usage)
    base, *tiers = cards
    card = next((tier for tier in reversed(tiers) if total > tier.tier_start), base)
    return card, card.charges(usage)


def _nano_usd(charges: Iterable[Charge]) -> Fraction:
    return sum((charge.nano_usd for charge in charges), Fraction(0))
