"""Why a call was billed so much: its billing type, plan, cost and markup in, the amount and the rule out."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from stream_jobs.credits.terms import FREE_PLAN, PPM
from stream_jobs.pricing.rounding import rounded_ratio

Rule = Literal["billed", "own key", "free plan"]


@dataclass(frozen=True, slots=True)
class Billing:
    """The billed amount of one call: cost x (1 + markup), rounded once, half to even. markup_ppm: in millionths.

    The same rule as `billed` in plain numbers.
    """

    billing_type: str
    plan: str
    cost_nano_usd: int
    markup_ppm: int

    @property
    def rule(self) -> Rule:
        """What decides: the customer's own key, the free plan, or neither."""
        if self.billing_type != "SYSTEM":
            return "own key"
        return "free plan" if self.plan.upper() == FREE_PLAN else "billed"

    @property
    def exact_nano_usd(self) -> Fraction:
        """The amount before it is rounded."""
        return Fraction(self.cost_nano_usd * (PPM + self.markup_ppm) * (self.rule == "billed"), PPM)

    @property
    def billed_nano_usd(self) -> int:
        """The amount."""
        return rounded_ratio(*self.exact_nano_usd.as_integer_ratio())
