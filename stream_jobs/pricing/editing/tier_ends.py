"""Where service tiers end with a standard price: a model's sheets in, the same with the ends of those tiers out.

A tier that has ended costs what the standard price is from then on.
"""

from collections.abc import Sequence

from stream_jobs.pricing.editing.daily_window import ALL_DAY
from stream_jobs.pricing.editing.dated_sheet import DatedSheet, all_day_at, inserted, windows_at
from stream_jobs.pricing.editing.timeline import end


def alone_from(sheets: Sequence[DatedSheet], sheet: DatedSheet) -> list[DatedSheet]:
    """The sheets with a new one among them that says all there is from its date on, until another begins.

    A standard one for all day ends what service tiers cost, also what was said of them from the same date on.
    """
    if sheet.service_tier or sheet.window != ALL_DAY:
        return list(sheets)
    at = sheet.effective_from
    return _ended([each for each in sheets if not (each.service_tier and each.effective_from == at)], sheet)


def free_in_all_tiers(sheets: Sequence[DatedSheet], listed: Sequence[DatedSheet]) -> list[DatedSheet]:
    """The sheets with the ends of service tiers where a list says that the model is free; prices of a tier that begin
    with that, or later, stay."""
    made = list(sheets)
    for sheet in listed:
        if sheet.is_free and not sheet.service_tier and sheet.window == ALL_DAY:
            made = _ended(made, sheet)
    return made


def _ended(sheets: Sequence[DatedSheet], sheet: DatedSheet) -> list[DatedSheet]:
    made, at = list(sheets), sheet.effective_from
    for tier in dict.fromkeys(each.service_tier for each in sheets if each.service_tier):
        ended = end(sheet.rows[0], tier)
        until_then = [each for each in sheets if each.service_tier == tier and each.effective_from < at]
        last = [all_day_at(until_then, at, tier), *windows_at(until_then, at, tier).values()]
        holds = any(each is not None and not each.is_end for each in last)
        if holds and not any(each.place == ended.place for each in sheets):
            made = inserted(made, ended)
    return made
