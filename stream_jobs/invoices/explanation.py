"""Why an invoice differs from our figures: both sides of a model and day in, the difference in named parts out.

The parts always sum to the difference. What is known exactly comes first; what is left is given to the one cause that
can explain it, in this order:

other_price  When the invoice counts exactly our tokens, or exactly those that were not late, and all of them have a
             price: what is left without late events. Else as much of the difference as the provider's own cost on the
             events says beyond ours.
late         We have more than the invoice: as much of it as events cost that reached us after the report was imported;
             all of that when the invoice counts exactly our tokens without theirs.
unpriced     The invoice has more, and some of our events have no price.
partial      The invoice has more, and some of our events have a price for a part of their usage only.
rest         Everything else: calls that never reached us, charges that belong to no event, the provider's rounding.
             Where the invoice counts no tokens and everything of ours has a price and came in time, it may as well be
             another price (price_or_calls): calls of the same mix that are missing look just like it.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from warehouse.queries.usage import EXACT

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Ours:
    """What we recorded of one model and day. late: of events that came after the report was imported.

    reported_difference_usd: the provider's cost on the events themselves minus our cost of those events, where their
    whole usage has a price.
    """

    requests: int = 0
    tokens: int = 0
    cost_usd: Decimal = ZERO
    unpriced_requests: int = 0
    partial_requests: int = 0
    late_requests: int = 0
    late_tokens: int = 0
    late_cost_usd: Decimal = ZERO
    reported_difference_usd: Decimal = ZERO

    def __add__(self, other: "Ours") -> "Ours":
        return Ours(
            self.requests + other.requests,
            self.tokens + other.tokens,
            EXACT.add(self.cost_usd, other.cost_usd),
            self.unpriced_requests + other.unpriced_requests,
            self.partial_requests + other.partial_requests,
            self.late_requests + other.late_requests,
            self.late_tokens + other.late_tokens,
            EXACT.add(self.late_cost_usd, other.late_cost_usd),
            EXACT.add(self.reported_difference_usd, other.reported_difference_usd),
        )


@dataclass(frozen=True, slots=True)
class Invoiced:
    """What the provider charges for one model and day. tokens: None unless it says how many for every charge."""

    amount_usd: Decimal = ZERO
    tokens: Decimal | None = None
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """The difference (invoice minus ours, USD, exact) in parts.

    price_or_calls_usd: the part of rest_usd that is either another price or calls that only one side has.
    """

    unpriced_usd: Decimal = ZERO
    partial_usd: Decimal = ZERO
    late_usd: Decimal = ZERO
    other_price_usd: Decimal = ZERO
    rest_usd: Decimal = ZERO
    price_or_calls_usd: Decimal = ZERO

    @property
    def difference_usd(self) -> Decimal:
        """All parts together."""
        total = ZERO
        for part in (self.unpriced_usd, self.partial_usd, self.late_usd, self.other_price_usd, self.rest_usd):
            total = EXACT.add(total, part)
        return total

    def __add__(self, other: "Explanation") -> "Explanation":
        return Explanation(
            EXACT.add(self.unpriced_usd, other.unpriced_usd),
            EXACT.add(self.partial_usd, other.partial_usd),
            EXACT.add(self.late_usd, other.late_usd),
            EXACT.add(self.other_price_usd, other.other_price_usd),
            EXACT.add(self.rest_usd, other.rest_usd),
            EXACT.add(self.price_or_calls_usd, other.price_or_calls_usd),
        )


def explained(invoiced: Invoiced, ours: Ours) -> Explanation:
    """The difference of one model and day in its parts."""
    difference = EXACT.subtract(invoiced.amount_usd, ours.cost_usd)
    complete = not ours.unpriced_requests and not ours.partial_requests
    in_time = ours.tokens - ours.late_tokens
    if complete and ours.late_tokens and in_time and invoiced.tokens == in_time:
        late = EXACT.minus(ours.late_cost_usd)
        return Explanation(late_usd=late, other_price_usd=EXACT.subtract(difference, late))
    if complete and ours.tokens and invoiced.tokens == ours.tokens:
        late = ZERO if ours.late_tokens else _late(difference, ours)
        return Explanation(late_usd=late, other_price_usd=EXACT.subtract(difference, late))
    other_price = _part_of(difference, ours.reported_difference_usd)
    left = EXACT.subtract(difference, other_price)
    late = _late(left, ours)
    left = EXACT.subtract(left, late)
    if left > 0 and ours.unpriced_requests:
        return Explanation(unpriced_usd=left, late_usd=late, other_price_usd=other_price)
    if left > 0 and ours.partial_requests:
        return Explanation(partial_usd=left, late_usd=late, other_price_usd=other_price)
    both = invoiced.amount_usd != 0 and ours.cost_usd != 0
    open_ = left if both and complete and not ours.late_requests and invoiced.tokens is None else ZERO
    return Explanation(late_usd=late, other_price_usd=other_price, rest_usd=left, price_or_calls_usd=open_)


def _late(left: Decimal, ours: Ours) -> Decimal:
    """What late events explain of what we have beyond the invoice."""
    return max(left, EXACT.minus(ours.late_cost_usd)) if left < 0 else ZERO


def _part_of(difference: Decimal, said: Decimal) -> Decimal:
    """What is said, as far as there is a difference of the same sign."""
    if difference > 0:
        return min(difference, max(said, ZERO))
    return max(difference, min(said, ZERO))
