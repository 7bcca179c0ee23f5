"""Compares what is kept of control records: their outcomes, and every event before it was changed."""

import polars as pl
from clickhouse_connect.driver.client import Client

from tests.chaos import stored
from tests.chaos.found import Found
from tests.chaos.truth import Truth


def compare_controls(client: Client, truth: Truth, numbers: range, found: Found) -> None:
    """What became of every control record, and what every changed event was before."""
    # What cannot be read as a record is only among the refusals.
    rows = [(*place, one.word) for place, one in truth.outcomes.items() if place[0] in numbers and one.kind]
    names = ("src_partition", "src_offset", "outcome")
    expected = pl.DataFrame(rows, schema=dict(zip(names, (pl.Int64, pl.Int64, pl.String), strict=True)), orient="row")
    erased = [key for key, one in truth.history.ended.items() if one.kind == "erase" and "done" in one.slices.values()]
    found.same("erasures that were cancelled half-way", [], erased)
    found.same("days without a slice of a cancelled job", [], truth.history.unplanned)
    found.same("slices of cancelled jobs that are neither done nor cancelled", set(), _unfinished(truth))
    found.compare("control_log", expected, stored.outcomes(client, numbers), names[:2])
    key = ("organization", "event_id", "time_ms", "control_offset")
    found.compare("corrections", _corrections(truth), stored.corrections(client, numbers), key)


def _unfinished(truth: Truth) -> set[str]:
    return {end for one in truth.history.ended.values() for end in one.slices.values()} - {"done", "cancelled"}


def _corrections(truth: Truth) -> pl.DataFrame:
    numbers = dict.fromkeys(
        (
            *("time_ms", "src_partition", "control_offset", "former_control_offset", "price_revision"),
            *("cost_nano_usd", "billed_nano_usd", "credits_micro", "input_tokens", "output_tokens"),
        ),
        pl.Int64,
    )
    texts = dict.fromkeys(("organization", "event_id", "control_id", "kind", "day", *stored.FORMER), pl.String)
    rows = []
    for (identity, version), correction in truth.history.corrections.items():
        before, measures = correction.before, correction.before.measures()
        known = {name: before.event.text(name) for name in stored.FORMER} | {"cost_status": before.charged.status}
        rows.append(
            dict(zip(("organization", "event_id", "time_ms"), identity, strict=True))
            | known
            | {
                "src_partition": before.partition,
                "control_offset": version,
                "control_id": correction.order.control_id,
                "kind": correction.order.kind,
                "day": str(before.place.day),
                "former_control_offset": before.version,
                "cost_nano_usd": before.charged.cost_nano_usd,
                "billed_nano_usd": before.charged.billed_nano_usd,
                "credits_micro": before.charged.credits_micro,
                "price_revision": before.by.prices,
                "input_tokens": measures["total_input_tokens"],
                "output_tokens": measures["total_output_tokens"],
            }
        )
    return pl.DataFrame(rows, schema={**numbers, **texts})
