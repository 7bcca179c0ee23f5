"""One credit multiplier as the warehouse keeps it, and the tier it puts a model in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from stream_jobs.credits.errors import CreditRulesRefused

Tier: TypeAlias = Literal["economy", "standard", "premium"]

ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAX_MULTIPLIER_MILLI: Final = 1_000_000
"""A thousand credits per request."""


def tier_of(multiplier_milli: int) -> Tier:
    """economy below 1x, premium from 2x on, standard between them."""
    if multiplier_milli < 1000:
        return "economy"
    return "premium" if multiplier_milli >= 2000 else "standard"


@dataclass(frozen=True, slots=True)
class MultiplierRow:
    """Credits per request of one model, in thousandths, from a date on.

    `provider` and `model` name a catalogue entry, or a model as events write it. Without a provider the row holds for
    the model at any provider; without a model it is the default of all others; without an organization it is for all.
    """

    provider: str
    model: str
    multiplier_milli: int
    source: str
    note: str = ""
    effective_from: datetime = ALWAYS
    organization: str = ""
    ended: bool = False
    """True: from its date on there is no multiplier here, and the next less specific one holds; thousandths are 0."""

    def __post_init__(self) -> None:
        """Raises CreditRulesRefused for a multiplier out of bounds, and for a default that names a provider."""
        if not 0 <= self.multiplier_milli <= MAX_MULTIPLIER_MILLI:
            raise CreditRulesRefused(
                f"{self.provider}/{self.model}: multiplier of {self.multiplier_milli} thousandths; it must be between"
                f" 0 and {MAX_MULTIPLIER_MILLI}"
            )
        if self.provider and not self.model:
            raise CreditRulesRefused(
                f"{self.provider}: a default holds for every provider; name a model or no provider"
            )
