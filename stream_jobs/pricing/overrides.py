"""An organisation's own prices over those for everyone: both models' sheets in, the sheets that hold for it out."""

from collections.abc import Sequence
from dataclasses import replace

from stream_jobs.pricing.service_tiers import TierSheets
from stream_jobs.pricing.sheet import DAY_MS, Sheet


def tiers_layered(everyones: TierSheets, own: TierSheets) -> TierSheets:
    """The sheets of each service tier for one organisation.

    Where one of the two has no rates for a tier its standard ones count for it, as they do when it stands alone.
    """
    return {
        tier: layered(everyones.get(tier, everyones.get("", ())), own.get(tier, own.get("", ())))
        for tier in dict.fromkeys(("", *everyones, *own))
    }


def layered(everyones: Sequence[Sheet], own: Sequence[Sheet]) -> tuple[Sheet, ...]:
    """The sheets of one model for one organisation, by ascending precedence.

    Its own sheets hold from their dates on, and until then what holds for everyone. One without rates is an end: from
    there what holds for everyone holds again, as far as there is a price.
    """
    laid = list(everyones)
    for sheet in own:
        if _is_end(sheet):
            laid.append(sheet)
            laid += [replace(shared, from_ms=max(shared.from_ms, sheet.from_ms)) for shared in everyones]
        else:
            laid.append(sheet)
    return tuple(sheet for place, sheet in enumerate(laid) if not _is_hidden(sheet, laid[place + 1 :]))


def _is_end(sheet: Sheet) -> bool:
    return sheet.cards[0].known == "unknown" and sheet.daily_length_ms == DAY_MS


def _is_hidden(sheet: Sheet, later: Sequence[Sheet]) -> bool:
    """Whether one of higher precedence holds whenever this one does."""
    return any(other.daily_length_ms == DAY_MS and other.from_ms <= sheet.from_ms for other in later)
