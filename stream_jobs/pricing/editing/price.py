"""A new price of one model from a date on, or its end: an owner's rows in, the same rows with it out.

What was in force before the date stays in force before it, so that usage of then keeps its price whenever it arrives.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from stream_jobs.pricing.editing.daily_window import ALL_DAY
from stream_jobs.pricing.editing.dated_sheet import DatedSheet, all_day_at, dated_sheets, inserted, unnamed
from stream_jobs.pricing.editing.going_on import Lists, going_on, in_force, moved
from stream_jobs.pricing.editing.known_names import KnownNames
from stream_jobs.pricing.editing.placing import MATCH_ANY, placed
from stream_jobs.pricing.editing.rate import Rate
from stream_jobs.pricing.editing.spellings import Spellings
from stream_jobs.pricing.editing.tier_ends import alone_from
from stream_jobs.pricing.editing.timeline import end, timeline
from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.price_row import ANY_MODEL, FREE, NO_RATES, SINCE_EVER, PriceRow


@dataclass(frozen=True, slots=True)
class NewPrice:
    """What a model costs from an instant on, for everyone or for one organization.

    Rates that are not named stay as they are in force then, daily windows and service tiers too; `only`: they end, so
    that every service tier costs the standard rates. free: it costs nothing, however it is served. match: the rule
    (JSON) that finds the model from now on; a new one without it is found by its name. service_tier: only for calls
    that are served so; units that it does not name cost what they cost otherwise.
    """

    provider: str
    model: str
    rates: tuple[Rate, ...]
    effective_from: datetime
    source: str
    organization: str = ""
    daily_from: str = ""
    daily_to: str = ""
    display_name: str = ""
    match: str = ""
    only: bool = False
    free: bool = False
    service_tier: str = ""

    @property
    def name(self) -> str:
        """provider/model."""
        return f"{self.provider}/{self.model}"


def with_price(rows: Sequence[PriceRow], price: NewPrice, everyones: Sequence[PriceRow] = ()) -> list[PriceRow]:
    """The owner's rows with the new price. everyones: rows that hold for all, when the owner is an organization.

    A name that another entry prices (a dated model name, a route to it) begins with that one's rates; another spelling
    of a known provider or model means that one.
    Raises PriceListRefused for a price that says nothing, or two things at once.
    """
    provider, model = Spellings([*everyones, *rows]).entry(price.provider, price.model)
    lists = KnownNames(rows, everyones).lists(provider, model)
    price = replace(price, provider=provider, model=model, effective_from=_begins(price, lists))
    if bool(price.rates) == price.free:
        raise PriceListRefused(f"{price.name}: say what it costs, for example input_mtok=2.5, or that it is free")
    named = [(rate.unit, rate.tier_start) for rate in price.rates]
    if len(set(named)) < len(named):
        raise PriceListRefused(f"{price.name}: a price is given twice for the same unit and tier")
    own = _of_model(rows, price.provider, price.model)
    shared = _of_model(everyones, price.provider, price.model)
    pattern = _pattern(price, own, shared)
    if price.free:
        made = [replace(pattern, unit=FREE, price_usd=Decimal(0), per=1)]
    else:
        made = [
            replace(
                pattern,
                unit=rate.unit,
                price_usd=rate.price_usd,
                per=rate.per,
                tier_start=rate.tier_start,
                marginal=rate.marginal,
            )
            for rate in price.rates
        ]
    held, is_all = timeline(lists), price.only or price.free
    before = in_force([held], price.effective_from, (price.daily_from, price.daily_to), price.service_tier)
    kept = [] if is_all or before is None else unnamed(before.rates, made)
    sheet = DatedSheet((*(moved(row, pattern) for row in kept), *made))
    sheets = inserted(dated_sheets(own), sheet)
    if is_all:
        sheets = alone_from(sheets, sheet)
    else:
        said = {each.place for each in sheets if not each.is_end}
        for other in going_on(lists[0], held, sheet):
            if other.place not in said:
                sheets = inserted(sheets, other)
    _check_standard(price, sheets)
    model_rows = [row for each in sheets for row in each.rows]
    return placed(rows, [replace(row, match=price.match) for row in model_rows] if price.match else model_rows)


def with_end(
    rows: Sequence[PriceRow],
    organization: str,
    provider: str,
    model: str,
    effective_from: datetime,
    source: str,
    everyones: Sequence[PriceRow] = (),
) -> list[PriceRow]:
    """The owner's rows without a price of this model from an instant on. everyones: rows that hold for all.

    An organization then pays what everyone does. Raises PriceListRefused for a model without a price of the owner's
    own, or one whose price changes later.
    """
    own = _of_model(rows, provider, model)
    if not own:
        provider, model = Spellings([*everyones, *rows]).entry(provider, model)
        own = _of_model(rows, provider, model)
    whose = f" of its own for {organization}" if organization else ""
    if not own:
        raise PriceListRefused(f"{provider}/{model} has no price{whose}: `prices list` shows those there are")
    sheets = dated_sheets(own)
    later = [sheet.effective_from for sheet in sheets if sheet.effective_from > effective_from]
    if later:
        raise PriceListRefused(
            f"{provider}/{model} has a price{whose} from {later[0]:%Y-%m-%d %H:%M:%S} on: end it from then, or later"
        )
    past = [sheet for sheet in sheets if sheet.effective_from < effective_from]
    last = {sheet.service_tier: sheet for sheet in sheets}
    has_ended = {tier for tier, sheet in last.items() if tier and sheet in past and _is_end_of_all_day(sheet)}
    ends = [_end(sheet.rows[0], effective_from, source) for tier, sheet in last.items() if tier not in has_ended]
    return placed(rows, [*(row for sheet in past for row in sheet.rows), *ends])


def _begins(price: NewPrice, lists: Lists) -> datetime:
    """When the price holds from: for a name that another entry prices for everyone not from the very beginning, which
    would make it a model of its own."""
    is_of_another = any(lists[1:]) and not (price.organization or price.match)
    return max(price.effective_from, SINCE_EVER) if is_of_another else price.effective_from


def _check_standard(price: NewPrice, sheets: Sequence[DatedSheet]) -> None:
    """What a service tier costs lies over the standard price: where that has ended it would never be charged."""
    standard = all_day_at(sheets, price.effective_from)
    if price.service_tier and standard is not None and standard.is_end:
        whose = f" of its own for {price.organization}" if price.organization else ""
        raise PriceListRefused(
            f"{price.name} has no standard price{whose} from {standard.effective_from:%Y-%m-%d %H:%M:%S} on, over "
            f"which one for {price.service_tier} calls could lie: set that first"
        )


def _is_end_of_all_day(sheet: DatedSheet) -> bool:
    return sheet.is_end and sheet.window == ALL_DAY


def _end(row: PriceRow, effective_from: datetime, source: str) -> PriceRow:
    dated = replace(row, effective_from=effective_from, daily_from="", daily_to="", source=source)
    return end(dated, row.service_tier).rows[0]


def _of_model(rows: Iterable[PriceRow], provider: str, model: str) -> list[PriceRow]:
    return [row for row in rows if (row.provider, row.model) == (provider, model)]


def _pattern(price: NewPrice, own: Sequence[PriceRow], shared: Sequence[PriceRow]) -> PriceRow:
    """A row of the new sheet, without its rate. A model that everyone knows is found by everyone's rule."""
    known = next(iter((*own, *shared)), None)
    match = price.match or (own[0].match if own else "")
    if not match and not shared and price.model == ANY_MODEL:
        match = MATCH_ANY
    return PriceRow(
        provider=price.provider,
        model=price.model,
        display_name=price.display_name or (known.display_name if known else price.model),
        match=match,
        unit=NO_RATES,
        price_usd=Decimal(0),
        per=1,
        position=0,
        source=price.source,
        effective_from=price.effective_from,
        daily_from=price.daily_from,
        daily_to=price.daily_to,
        organization=price.organization,
        service_tier=price.service_tier,
    )
