"""What would become of events that are sent again: payloads and the rules in force in, a reason per refused one out."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from producers.envelopes.ndjson import decode_lines
from producers.timeliness.rules import TimeRules
from stream_jobs.control.repriced import excess, repriced
from stream_jobs.credits.multiplier_table import MultiplierTable
from stream_jobs.pricing.price_book import PriceBook
from stream_jobs.replays.payloads import Payload


@dataclass(frozen=True, slots=True)
class InForce:
    """The rules that judge an event on its way."""

    times: TimeRules
    prices: PriceBook
    multipliers: MultiplierTable


def judged(payloads: Sequence[Payload], rules: InForce, now: datetime) -> list[Payload]:
    """The same payloads; those that would be refused again carry the reason as their problem."""
    open_ = [place for place, payload in enumerate(payloads) if not payload.problem]
    if not open_:
        return list(payloads)
    decoded = decode_lines([payloads[place].text for place in open_])
    reasons = {open_[each.index or 0]: each.reason for each in decoded.rejected}
    arrival = pl.lit(now).cast(pl.Datetime("ms", "UTC")).alias("append_time")
    frame = decoded.frame.with_columns(arrival)
    if not frame.is_empty():
        verdicts = rules.times.judged(frame)["refusal"].to_list()
        absurd = excess(repriced(frame, rules.prices, rules.multipliers)).to_list()
        for number, *found in zip(decoded.index.tolist(), verdicts, absurd, strict=True):
            if any(found):
                reasons[open_[number]] = next(filter(None, found))
    return [
        replace(payload, problem=reasons[place]) if place in reasons else payload
        for place, payload in enumerate(payloads)
    ]


def names(payload: Payload) -> tuple[str, str]:
    """Organization and event id of a payload, "" where it has none that is text."""
    try:
        event = json.loads(payload.text)
    except (ValueError, RecursionError):
        return "", ""
    found = (event.get("organization"), event.get("event_id")) if isinstance(event, dict) else ("", "")
    return str(found[0] or "")[:256], str(found[1] or "")[:256]
