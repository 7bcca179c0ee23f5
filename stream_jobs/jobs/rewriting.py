"""New versions of raw events: a correction and a span of time in, the statements that write them out.

The old version goes to `corrections` first. A row that the record has written already is not written again, so every
statement may be repeated, by anybody, at any time.
"""

import re
from collections.abc import Sequence
from typing import Final

import polars as pl

from stream_jobs.control.repriced import NEEDED, QUANTITIES
from stream_jobs.corrections.change import Correction, Value
from stream_jobs.corrections.kept_terms import PLACED, former_versions
from stream_jobs.jobs.job import Job
from stream_jobs.jobs.planning import concerned
from stream_jobs.rollups.bundle import Bundle
from tokentally.tokens import TOKEN_BUCKETS
from warehouse.families import INPUT_BUCKETS, OUTPUT_BUCKETS
from warehouse.literals import quoted
from warehouse.queries.query import milliseconds

KEPT: Final = (
    *("user_id", "customer_id", "department", "project", "feature", "prompt_id", "thread_id", "api_key_id"),
    *("provider", "model", "billing_type", "plan", "status", "error_code", "category", "rating"),
    *("cost_nano_usd", "billed_nano_usd", "credits_micro"),
    *("cost_status", "price_revision", "service_tier"),
    *("duration_ms", "time_to_first_token_ms", "reported_cost_nano_usd"),
)
"""Columns of the table corrections that keep their names."""
KEPT_OF_REPLACED: Final = (
    "quantities",
    *(name for name in TOKEN_BUCKETS if name not in ("input_tokens", "output_tokens")),
)
"""Those that replacements alone change; the other two buckets are what these leave of the sums."""
IDENTITY: Final = ("organization", "time", "event_id")
PRICED: Final = (*("cost_nano_usd", "billed_nano_usd", "credits_micro", "cost_status", "price_revision", "priced_as"),)
AS_SELECTED: Final = "SETTINGS optimize_on_insert = 0"
"""Nothing is merged before it is written: each event is selected once. Saves a third of the writing."""
_AMOUNT: Final = re.compile(r":([0-9.]+)")
_TEXT_OF_AMOUNT: Final = r':"\1"'
RAW_COLUMNS: Final = (
    "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'usage_raw' "
    "AND default_kind NOT IN ('EPHEMERAL', 'ALIAS', 'MATERIALIZED') ORDER BY position"
)


def rows_per_quarter(job: Job, correction: Correction, work: Bundle) -> str:
    """(start in Unix seconds, events) of each quarter hour of the days that the correction changes, in order."""
    return (
        "SELECT toUnixTimestamp(toStartOfFifteenMinutes(time)) AS start, count() FROM usage_raw FINAL "
        f"WHERE {_changed(job, correction, work, *work.around())} GROUP BY start ORDER BY start"
    )


def kept(job: Job, correction: Correction, work: Bundle, since: int, until: int, some: bool = False) -> str:
    """Keeps the versions that are about to be replaced; some: those alone that the table `asked` names."""
    columns = ", ".join((*KEPT, *(KEPT_OF_REPLACED if job.kind == "replace" else ())))
    identity = ", ".join(IDENTITY)
    among = f" AND ({identity}) IN (SELECT {identity} FROM asked)" if some else ""
    return (
        f"INSERT INTO corrections (organization, time, event_id, control_offset, control_id, kind, src_partition, day, "
        f"former_control_offset, {columns}, input_tokens, output_tokens) {AS_SELECTED} "
        f"SELECT organization, time, event_id, {job.version}, toUUID({quoted(job.control_id)}), {quoted(job.kind)}, "
        f"src_partition, day, control_offset, {columns}, {' + '.join(INPUT_BUCKETS)}, {' + '.join(OUTPUT_BUCKETS)} "
        f"FROM usage_raw FINAL WHERE {_changed(job, correction, work, since, until, asked=some)}{among}"
    )


def said_of_each(job: Job, correction: Correction) -> pl.DataFrame | None:
    """What differs from event to event, as the table `asked`: IDENTITY and `said_<column>`; None where nothing does."""
    if not correction.own:
        return None
    said = {f"said_{name}": pl.Series(values, dtype=_dtype(values)) for name, values in correction.own.items()}
    times = pl.Series([milliseconds(event.time) for event in correction.events], dtype=pl.Int64)
    ids = [event.event_id.bytes for event in correction.events]
    return pl.DataFrame({"time": times.cast(pl.Datetime("ms", "UTC")), "event_id": ids, **said}).select(
        pl.lit(job.organization).alias("organization"), pl.all()
    )


def rewritten(columns: Sequence[str], job: Job, correction: Correction, work: Bundle, since: int, until: int) -> str:
    """Writes the new versions. columns: those of usage_raw, by RAW_COLUMNS.

    The table `asked` has IDENTITY, PRICED of a change that reprices, and what differs from event to event.
    """
    values = _values(correction)
    values["control_offset"] = str(job.version)
    if correction.change.void:
        values["void"] = "1"
    priced = PRICED if correction.change.reprices else ()
    values |= {name: f"again_{name}" for name in priced}
    asked = (*priced, *_said(correction))
    source = _source(_changed(job, correction, work, since, until, asked=bool(asked)), asked)
    made = ", ".join(f"{values[name]} AS {name}" if name in values else f"raw.{name}" for name in columns)
    return f"INSERT INTO usage_raw ({', '.join(columns)}) {AS_SELECTED} SELECT {made} FROM {source}"


def to_price(job: Job, correction: Correction, work: Bundle, since: int, until: int) -> str:
    """What prices, credits and terms follow from, as it will be, with the identity and place of each event.

    The table `asked` has what differs from event to event.
    """
    values, quantities = _values(correction), QUANTITIES
    if "quantities" in correction.change.columns:
        quantities = f"{quoted(str(correction.change.columns['quantities']))} AS quantities_text"
    elif "quantities" in correction.own:
        quantities = "again_said_quantities AS quantities_text"
    needed = ", ".join(
        f"{values[name]} AS new_{name}" if name in values else f"{name} AS new_{name}" for name in NEEDED
    )
    asked = _said(correction)
    source = _source(_changed(job, correction, work, since, until, asked=bool(asked)), asked)
    placed = ", ".join(PLACED)
    return f"SELECT event_id, toString(event_id) AS event_id_text, {placed}, {needed}, {quantities} FROM {source}"


def _source(condition: str, asked: Sequence[str]) -> str:
    """The events, with these columns of the table `asked` as `again_<column>`.

    The condition stands inside: outside it would mean the new values, which have the same names.
    """
    events = f"(SELECT * FROM usage_raw FINAL WHERE {condition}) AS raw"
    if not asked:
        return events
    again = ", ".join(f"{name} AS again_{name}" for name in (*IDENTITY, *asked))
    same = " AND ".join(f"raw.{name} = again_{name}" for name in IDENTITY)
    return f"{events} ANY INNER JOIN (SELECT {again} FROM asked) AS again ON {same}"


def _said(correction: Correction) -> list[str]:
    return [f"said_{name}" for name in correction.own]


def _dtype(values: Sequence[Value]) -> type[pl.DataType]:
    return pl.String if any(isinstance(value, str) for value in values) else pl.Int64


def replaced_before(job: Job, correction: Correction, work: Bundle, since: int, until: int) -> str:
    """What earlier records replaced of the same events."""
    return former_versions(_changed(job, correction, work, since, until))


def as_born(frame: pl.DataFrame) -> pl.DataFrame:
    """The answer to `to_price` in the types that events have when they are born."""
    return frame.with_columns(
        pl.col(TOKEN_BUCKETS).cast(pl.Int64),
        pl.col("reported_cost_nano_usd").cast(pl.Int64),
        pl.col("time").cast(pl.Datetime("ms", "UTC")),
    )


def _changed(job: Job, correction: Correction, work: Bundle, since: int, until: int, *, asked: bool = False) -> str:
    # Who froze before a day was cancelled finds nothing of it to change any more.
    cancelled = f"SELECT organization, day FROM repairs FINAL WHERE {work.of(job.control_id)} AND state = 'cancelled'"
    about = concerned(job, correction, work.src_partition, asked=asked)
    return f"{work.of_days('time', since, until)} AND {about} AND (organization, day) NOT IN ({cancelled})"


def _values(correction: Correction) -> dict[str, str]:
    """The new values as SQL, by column. Amounts become texts in their JSON: ClickHouse reads JSON numbers through
    floating point."""
    said = correction.change.columns
    values = {name: _literal(value) for name, value in said.items()}
    values |= {name: f"again_said_{name}" for name in correction.own}
    if "quantities" in said:
        values["quantities"] = _as_map(quoted(_AMOUNT.sub(_TEXT_OF_AMOUNT, str(said["quantities"]) or "{}")))
    elif "quantities" in correction.own:
        text = "if(again_said_quantities = '', '{}', again_said_quantities)"
        values["quantities"] = _as_map(
            f"replaceRegexpAll({text}, {quoted(_AMOUNT.pattern)}, {quoted(_TEXT_OF_AMOUNT)})"
        )
    return values


def _as_map(text: str) -> str:
    return f"JSONExtract({text}, 'Map(LowCardinality(String), Decimal(38, 18))')"


def _literal(value: Value) -> str:
    if value is None:
        return "CAST(NULL AS Nullable(Int64))"  # a NULL without a type cannot be read as Arrow by every server
    return quoted(value) if isinstance(value, str) else str(value)
