"""The rates of one model at one time and context length: one call's usage in, exact charges line by line
out.

This is the price rule in its plain form, in exact Python numbers. The vectorised lookup of PriceBook holds
the same cards as integers; calls with rare units, and whoever asks how a cost came about, use this form.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, TypeAlias

from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.price_row import FREE, NO_RATES, PriceRow
from stream_jobs.pricing.units import (
    INPUT_TOKENS,
    REQUESTS,
    UNITS,
    UNITS_BY_PRICE_KEY,
    Unit,
    missing_join,
    most_specific,
)

NANO_PER_USD: Final = 1_000_000_000
MAX_PRICE_USD: Final = 10**7
MAX_PLACES: Final = 18
AUDIO_SECONDS: Final = UNITS["audio_seconds"]

# Groq bills every transcription as at least this long; the catalogue keeps it in code, not in its data.
_MINIMUM_AUDIO_SECONDS: Final = {("groq", "whisper-large-v3"): 10, ("groq", "whisper-large-v3-turbo"): 10}

Known: TypeAlias = Literal["rates", "free", "unknown", "no model"]
"""What is known of a card: its rates; that it is free; nothing; or that the event names no model to be priced."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of a cost: a quantity, and the unit whose price it took (None: no price)."""

    unit: str
    quantity: Fraction
    priced_unit: str | None
    price_usd: Decimal
    per: int
    above: int = 0
    """Where the line's marginal tier starts; 0 for a price that holds from the first unit on."""
    row: PriceRow | None = None
    """The row of the price list that says this price; None without one."""

    @property
    def nano_usd(self) -> Fraction:
        """The exact amount of the line; only the sum of a call's lines is rounded."""
        return self.quantity * Fraction(self.price_usd) * NANO_PER_USD / self.per


@dataclass(frozen=True, slots=True)
class RateCard:
    """Rates that hold for whole calls of more than `tier_start` input tokens."""

    tier_start: int
    known: Known
    rates: Mapping[Unit, tuple[Decimal, int]]
    minimum_audio_seconds: int = 0
    marginal: Mapping[Unit, tuple[tuple[int, Decimal], ...]] = field(default_factory=dict)
    """Prices that hold above a quantity only, ascending: where each starts, and its price. All usage that is
    charged as the unit counts together."""
    rows: Mapping[tuple[Unit, int], PriceRow] = field(default_factory=dict)
    """The row that says each price, by unit and the start of the marginal tier (0: from the first unit on)."""

    @property
    def has_prices(self) -> bool:
        """Whether anything is known of what usage costs."""
        return self.known in ("rates", "free")

    @property
    def is_free(self) -> bool:
        """True when the source calls the model free, or every rate is zero."""
        if self.known == "rates":
            above = (price for steps in self.marginal.values() for _, price in steps)
            return not any(price for price, _ in self.rates.values()) and not any(above)
        return self.known == "free"

    def rate(self, used: Unit) -> tuple[Unit, Decimal, int] | None:
        """The unit that `used` is charged as, its price and the number of units that price is for."""
        unit = most_specific(self.rates, used)
        return None if unit is None else (unit, *self.rates[unit])

    def charges(self, usage: Mapping[str, Fraction]) -> list[Charge]:
        """Every line of one call's cost. `usage` is disjoint, by usage key; unknown keys have no price.

        A price per request counts once, or as often as `usage` says. Requests without such a price cost
        nothing.
        """
        counted = {REQUESTS: Fraction(1)} | {key: quantity for key, quantity in usage.items() if quantity}
        if REQUESTS in counted and self.rate(UNITS[REQUESTS]) is None:
            del counted[REQUESTS]
        self._raise_to_minimum(counted)
        charged: dict[Unit, Fraction] = {}
        return [line for key, quantity in counted.items() for line in self._lines(key, quantity, charged)]

    def _lines(self, key: str, quantity: Fraction, charged: dict[Unit, Fraction]) -> Iterator[Charge]:
        """The lines of one quantity; `charged` is what was charged as each unit before, and is added to."""
        rate = self.rate(UNITS[key]) if key in UNITS and self.known == "rates" else None
        if rate is None:
            yield Charge(key, quantity, FREE if self.known == "free" else None, Decimal(0), 1)
            return
        unit, price_usd, per = rate
        first = charged.get(unit, Fraction(0))
        last: Fraction = first + quantity
        charged[unit] = last
        steps = self.marginal.get(unit, ())
        bands = [(0, price_usd), *steps]
        ends: list[Fraction] = [*(Fraction(start) for start, _ in steps), last]
        for (start, band_price_usd), end in zip(bands, ends, strict=True):
            inside = min(last, end) - max(first, Fraction(start))
            if inside > 0:
                row = self.rows.get((unit, start))
                yield Charge(key, inside, unit.usage_key, band_price_usd, per, start, row)

    def _raise_to_minimum(self, counted: dict[str, Fraction]) -> None:
        heard = sum(q for key, q in counted.items() if key in UNITS and AUDIO_SECONDS.contains(UNITS[key]))
        if 0 < heard < self.minimum_audio_seconds:
            key = AUDIO_SECONDS.usage_key
            counted[key] = counted.get(key, Fraction(0)) + self.minimum_audio_seconds - heard


def total_input_tokens(usage: Mapping[str, Fraction]) -> Fraction:
    """All input tokens of a call, cached, written and of every modality: what context tiers look at."""
    return sum(
        (quantity for key, quantity in usage.items() if key in UNITS and INPUT_TOKENS.contains(UNITS[key])),
        Fraction(0),
    )


def rate_cards(rows: Sequence[PriceRow]) -> tuple[RateCard, ...]:
    """One sheet's rows as cards by ascending tier; a unit without a rate in a tier keeps that of the tier
    below.

    Raises PriceListRefused, naming provider, model and unit, when a price or unit cannot be right.
    """
    first = rows[0]
    minimum = _MINIMUM_AUDIO_SECONDS.get((first.provider, first.model), 0)
    if first.unit in (FREE, NO_RATES):
        return (RateCard(0, "free" if first.unit == FREE else "unknown", {}, minimum),)
    whole = [row for row in rows if not _is_step(row)]
    marginal = _marginal(rows)
    stands = {(_checked_unit(row), row.tier_start): row for row in rows if _is_step(row)}
    rates: dict[Unit, tuple[Decimal, int]] = {}
    cards: list[RateCard] = []
    for tier_start in sorted({row.tier_start for row in whole} | {0}):
        for row in whole:
            if row.tier_start == tier_start:
                unit = _checked_unit(row)
                rates[unit], stands[unit, 0] = (row.price_usd, row.per), row
        if pair := missing_join(frozenset(rates)):
            raise PriceListRefused(
                f"{first.provider}/{first.model}: {pair[0].price_key} and {pair[1].price_key} have prices; add one for"
                " the usage that is both"
            )
        cards.append(RateCard(tier_start, "rates", dict(rates), minimum, marginal, dict(stands)))
    return tuple(cards)


def _is_step(row: PriceRow) -> bool:
    return row.marginal and row.tier_start > 0


def _marginal(rows: Sequence[PriceRow]) -> dict[Unit, tuple[tuple[int, Decimal], ...]]:
    steps: dict[Unit, list[tuple[int, Decimal]]] = {}
    for row in sorted(filter(_is_step, rows), key=lambda row: row.tier_start):
        steps.setdefault(_checked_unit(row), []).append((row.tier_start, row.price_usd))
    for unit in steps:
        others = [row for row in rows if row.unit == unit.price_key and not _is_step(row)]
        if len(others) != 1 or others[0].tier_start:
            raise PriceListRefused(
                f"{rows[0].provider}/{rows[0].model}: {unit.price_key} has marginal tiers; give it one price from the"
                " first unit on (tier_start 0), and let no other tier hold for the whole call"
            )
    return {unit: tuple(found) for unit, found in steps.items()}


def _checked_unit(row: PriceRow) -> Unit:
    where = f"{row.provider}/{row.model}: price of {row.unit!r}"
    unit = UNITS_BY_PRICE_KEY.get(row.unit)
    if unit is None:
        raise PriceListRefused(f"{where} is for a unit that does not exist; units are {', '.join(UNITS_BY_PRICE_KEY)}")
    price = row.price_usd
    if not price.is_finite() or not 0 <= price < MAX_PRICE_USD:
        raise PriceListRefused(f"{where} is {price}; it must be 0 or more and below {MAX_PRICE_USD} USD")
    exponent = price.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MAX_PLACES and Fraction(price) * 10**MAX_PLACES % 1:
        raise PriceListRefused(f"{where} is {price}; it has more than {MAX_PLACES} decimal places")
    if row.per != unit.per:
        raise PriceListRefused(f"{where} is for {row.per} units; give it for {unit.per}")
    return unit
