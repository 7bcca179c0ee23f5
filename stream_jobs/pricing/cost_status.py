"""How an event's cost came about: the status words, and which of them a rate card leads to."""

from typing import Literal, TypeAlias

from stream_jobs.pricing.rate_card import RateCard

CostStatus: TypeAlias = Literal["priced", "partial", "unpriced", "free", "reported"]


def status_of(card: RateCard, *, all_usage_has_a_price: bool) -> CostStatus:
    """The status of a call on this card.

    An event without a model has nothing to price unless it used something. A model that nobody knows is
    unpriced even when nothing was counted, for it may cost money per request.
    """
    if card.known == "unknown":
        return "unpriced"
    if card.known == "no model":
        return "priced" if all_usage_has_a_price else "unpriced"
    if not all_usage_has_a_price:
        return "partial"
    return "free" if card.is_free else "priced"
