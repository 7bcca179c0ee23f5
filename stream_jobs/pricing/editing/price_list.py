"""The price list that people look at: rows and an instant in, what each model costs then out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from stream_jobs.pricing.editing.daily_window import ALL_DAY
from stream_jobs.pricing.editing.dated_sheet import DatedSheet, dated_sheets
from stream_jobs.pricing.editing.spellings import Spellings
from stream_jobs.pricing.price_row import PriceRow

Standing = Literal["priced", "free", "no known price"]


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One model's rates at an instant; of several sheets (daily windows) each."""

    organization: str
    provider: str
    model: str
    display_name: str
    sheets: tuple[DatedSheet, ...]

    @property
    def standing(self) -> Standing:
        """What is known of its price outside every daily window."""
        standard = (sheet for sheet in reversed(self.sheets) if not sheet.service_tier)
        all_day = next((sheet for sheet in standard if sheet.window == ALL_DAY), None)
        if all_day is None or all_day.is_end:
            return "no known price"
        return "free" if all_day.is_free else "priced"


def listed_models(
    rows: Iterable[PriceRow], at: datetime, provider: str = "", search: str = "", organization: str | None = None
) -> list[ListedModel]:
    """Models by owner, provider and name. organization: only its own prices; None: everybody's. search: part of a name.
    provider: in any spelling.

    A model whose first price begins after the instant has none yet.
    """
    known = list(rows)
    names = Spellings(known if provider else ())
    providers = {name for name in {row.provider for row in known} if names.provider(name) == names.provider(provider)}
    grouped: dict[tuple[str, str, str], list[PriceRow]] = {}
    for row in known:
        if row.model and (not provider or row.provider in providers) and _is_meant(row, search, organization):
            grouped.setdefault((row.organization, row.provider, row.model), []).append(row)
    return [
        ListedModel(*name, group[0].display_name, tuple(in_force(dated_sheets(group), at)))
        for name, group in sorted(grouped.items())
    ]


def in_force(sheets: list[DatedSheet], at: datetime) -> list[DatedSheet]:
    """The sheets that hold on an instant's day, by service tier: the last all-day one, and windows after it.

    A service tier that has ended costs what the standard price is, and is not among them.
    """
    found: list[DatedSheet] = []
    for tier in dict.fromkeys(sheet.service_tier for sheet in sheets):
        begun = [sheet for sheet in sheets if sheet.effective_from <= at and sheet.service_tier == tier]
        last = max((place for place, sheet in enumerate(begun) if sheet.window == ALL_DAY), default=0)
        found += [sheet for sheet in begun[last:] if not (tier and sheet.is_end and sheet.window == ALL_DAY)]
    return found


def _is_meant(row: PriceRow, search: str, organization: str | None) -> bool:
    text = f"{row.model}\n{row.display_name}".lower()
    return search.lower() in text and organization in (None, row.organization)
