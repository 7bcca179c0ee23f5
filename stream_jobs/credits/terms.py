"""What an organization agreed to: how its credits are counted and rounded, its markup, and its free plan's limit.

The rules stand here in plain exact form, for one event; `count.py` and `billed.py` have them for whole frames.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, TypeAlias, get_args

from stream_jobs.credits.errors import CreditRulesRefused
from stream_jobs.pricing.exact_number import shifted, whole_number
from stream_jobs.pricing.price_row import LAST
from stream_jobs.pricing.rounding import MAX_INT64

Basis: TypeAlias = Literal["request", "cost", "tokens"]
Rounding: TypeAlias = Literal["exact", "up"]

BASES: Final[tuple[str, ...]] = get_args(Basis)
ROUNDINGS: Final[tuple[str, ...]] = get_args(Rounding)
ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)
PPM: Final = 1_000_000
MAX_MARKUP_PPM: Final = 1000 * PPM
MAX_CREDITS_PER_USD: Final = 1_000_000
MAX_FREE_DAILY_LIMIT: Final = 1_000_000
PLACES: Final = 18
MICRO_PER_CREDIT: Final = 1_000_000
NANO_PER_USD: Final = 1_000_000_000
FREE_PLAN: Final = "FREE"
BILLED_TYPE: Final = "SYSTEM"


@dataclass(frozen=True, slots=True)
class Terms:
    """How usage counts and what is billed for it.

    basis: `request`: a request that used something costs its model's multiplier, whatever its size. `cost`: every USD
    of the provider's cost is `credits_per_usd` credits; models have no multiplier. `tokens`: the multipliers are a burn
    table, credits per 1,000 tokens of any kind.
    rounding: `exact` keeps an event's micro-credits (of a cost half to even), `up` takes whole credits, rounded up.
    markup_ppm: millionths on top of the cost of what is billed (200,000: 20 %).
    free_daily_limit: executions that a user of the free plan has between two UTC midnights.
    """

    basis: Basis = "request"
    credits_per_usd: Decimal = Decimal(0)
    rounding: Rounding = "exact"
    markup_ppm: int = 0
    free_daily_limit: int = 3

    def __post_init__(self) -> None:
        """Raises CreditRulesRefused, saying what may stand there."""
        if self.basis not in BASES:
            raise CreditRulesRefused(f"basis {self.basis!r}: it must be one of {', '.join(BASES)}")
        if self.rounding not in ROUNDINGS:
            raise CreditRulesRefused(f"rounding {self.rounding!r}: it must be one of {', '.join(ROUNDINGS)}")
        _check_rate(self.credits_per_usd)
        if self.basis == "cost" and not self.credits_per_usd:
            raise CreditRulesRefused("basis cost without credits_per_usd: say how many credits a USD is, above 0")
        _check_whole("markup", self.markup_ppm, MAX_MARKUP_PPM, " ppm")
        _check_whole("free_daily_limit", self.free_daily_limit, MAX_FREE_DAILY_LIMIT, "")

    def credits_micro(self, multiplier_milli: int, tokens: int, cost_nano_usd: int, *, used: bool) -> int:
        """Micro-credits of one event; the largest Int64 when it does not fit.

        multiplier_milli: of its model. tokens: all of them. used: whether it used anything, a token or a quantity.
        """
        exact = self._exact(multiplier_milli, tokens, cost_nano_usd, used=used)
        micro = math.ceil(exact) * MICRO_PER_CREDIT if self.rounding == "up" else round(exact * MICRO_PER_CREDIT)
        return min(micro, MAX_INT64)

    def billed_nano_usd(self, cost_nano_usd: int, billing_type: str, plan: str) -> int:
        """What a customer pays for one event, rounded half to even; the largest Int64 when it does not fit."""
        if not is_billed(billing_type, plan):
            return 0
        return min(round(Fraction(cost_nano_usd * (PPM + self.markup_ppm), PPM)), MAX_INT64)

    def _exact(self, multiplier_milli: int, tokens: int, cost_nano_usd: int, *, used: bool) -> Fraction:
        """Credits of one event, not rounded."""
        match self.basis:
            case "request":
                return Fraction(multiplier_milli, 1000) if used else Fraction(0)
            case "tokens":
                return Fraction(multiplier_milli * tokens, 1000 * 1000)
            case "cost":
                return Fraction(cost_nano_usd, NANO_PER_USD) * Fraction(self.credits_per_usd)


@dataclass(frozen=True, slots=True)
class TermsRow:
    """Terms of one organization from a date on; without an organization they are the default of all others."""

    organization: str
    terms: Terms
    effective_from: datetime = ALWAYS
    note: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        """Raises CreditRulesRefused for a date that is no instant in whole seconds of the years 1970 to 2105."""
        start = self.effective_from
        if start.tzinfo is None or start.microsecond or not ALWAYS <= start < LAST:
            raise CreditRulesRefused(
                f"{self.organization or 'default'}: terms from {start.isoformat()}; write an instant in whole seconds, "
                "with its zone, between 1970 and 2105"
            )


def is_billed(billing_type: str, plan: str) -> bool:
    """Whether usage is billed: a customer's own key (BYOK) and the free plan are not."""
    return billing_type == BILLED_TYPE and plan.upper() != FREE_PLAN


def _check_rate(credits_per_usd: Decimal) -> None:
    within = credits_per_usd.is_finite() and 0 <= credits_per_usd <= MAX_CREDITS_PER_USD
    if not within or whole_number(shifted(credits_per_usd, PLACES)) is None:
        raise CreditRulesRefused(
            f"credits_per_usd {credits_per_usd}: it must be between 0 and {MAX_CREDITS_PER_USD:,}, with at most "
            f"{PLACES} decimal places"
        )


def _check_whole(name: str, value: int, most: int, unit: str) -> None:
    if not 0 <= value <= most:
        raise CreditRulesRefused(f"{name} of {value}{unit}; it must be between 0 and {most}")
