"""One price as the warehouse keeps it: plain values, one row per unit and tier."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, get_args

from tokentally.fields import ServiceTier

ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""`effective_from` of a price that has no start date."""

SINCE_EVER: Final = ALWAYS + timedelta(seconds=1)
"""`effective_from` of a price without a start date for a name that another entry prices: it lies over that one's, and
so the name stays what it was to credits and reports. No usage is older.
"""

LAST: Final = datetime(2106, 1, 1, tzinfo=UTC)
"""What begins, begins before: the warehouse keeps dates in 32 bits."""

MAX_TIER_START: Final = 10**12
"""Units of usage above which no tier starts; no call uses as much."""

FREE: Final = "free"
"""Unit of a row that says: the source calls this model free and lists no rates."""

NO_RATES: Final = ""
"""Unit of a row without a price: a provider's rules (model empty), or a model that the source lists without rates."""

ANY_MODEL: Final = "*"
"""The model whose price every model of a provider has that nothing else names."""

SERVICE_TIERS: Final[tuple[str, ...]] = tuple(tier for tier in get_args(ServiceTier) if tier)
"""The ways of being served that may have rates of their own, beside the standard one."""


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A price, or one of the two markers above.

    Rows with the same organization, provider, model, service_tier, effective_from and daily window form one
    sheet of rates. Of the sheets active at an event's time the one of the highest position holds. An
    organization's sheets for a model replace those for everyone. The sheet of a service tier replaces the
    prices of its units in the standard sheet of that time, with all their context tiers; what it does not
    name costs as much as in the standard one.
    A row's price holds for the whole call when its total input tokens exceed `tier_start`; a marginal one
    for the units above `tier_start` alone.
    """

    provider: str
    model: str
    display_name: str
    match: str
    """JSON. Of a model: {"model": clause}. Of a provider: {"provider": clause, "model": clause, "fallback":
    [ids]}.
    """
    unit: str
    """Price key of the unit (input_mtok), FREE or NO_RATES."""
    price_usd: Decimal
    """USD for `per` units of usage, exact, at most 18 places."""
    per: int
    position: int
    source: str
    tier_start: int = 0
    effective_from: datetime = ALWAYS
    daily_from: str = ""
    """Start of the daily window (UTC, HH:MM:SS), inclusive; empty together with daily_to: all day."""
    daily_to: str = ""
    """End of the daily window, exclusive; before daily_from when the window crosses midnight."""
    organization: str = ""
    service_tier: str = ""
    """One of SERVICE_TIERS; "" for the standard one."""
    marginal: bool = False
    """True: the price holds for what the call uses of the unit above `tier_start`, and for nothing below."""
