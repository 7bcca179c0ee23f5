"""One call's way through the price book in plain form: the sheet, the card and every charge that it met."""

from dataclasses import dataclass

from stream_jobs.pricing.cost_status import CostStatus, status_of
from stream_jobs.pricing.rate_card import Charge, RateCard
from stream_jobs.pricing.sheet import Sheet


@dataclass(frozen=True, slots=True)
class Charged:
    """What `PriceBook.charged` finds. priced_as: the entry as provider/model, empty for none."""

    priced_as: str
    sheet: Sheet
    card: RateCard
    charges: tuple[Charge, ...]

    @property
    def status(self) -> CostStatus:
        """What the prices alone say; the provider's own figure may stand in for an unknown one."""
        return status_of(self.card, all_usage_has_a_price=all(charge.priced_unit for charge in self.charges))
