"""New versions of raw events: a correction and a span of time in, the statements that write them out.

The old version goes to `corrections` first. A row that the record has written already is not written again, so every
statement may be repeated, by anybody, at any time.
"""

import re
from collections.abc import Mapping, Sequence
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
        f"FROM usage_raw FINAL WHERE {_changed(job, correction, work, since, until)}{among}"
    )


def rewritten(columns: Sequence[str], job: Job, correction: Correction, work: Bundle, since: int, until: int) -> str:
    """Writes the new versions. columns: those of usage_raw, by RAW_COLUMNS.

    A change that reprices reads the new prices of each event as the table `asked`: IDENTITY and PRICED.
    """
    values = _literals(correction.change.columns)
    values["control_offset"] = str(job.version)
    if correction.change.void:
        values["void"] = "1"
    # The condition stands inside: outside it would mean the new values, which have the same names.
    source = f"(SELECT * FROM usage_raw FINAL WHERE {_changed(job, correction, work, since, until)}) AS raw"
    if correction.change.reprices:
        values |= {name: f"again_{name}" for name in PRICED}
        again = ", ".join(f"{name} AS again_{name}" for name in (*IDENTITY, *PRICED))
        source += (
            f" ANY INNER JOIN (SELECT {again} FROM asked) AS again "
            f"ON {' AND '.join(f'raw.{name} = again_{name}' for name in IDENTITY)}"
        )
    made = ", ".join(f"{values[name]} AS {name}" if name in values else f"raw.{name}" for name in columns)
    return f"INSERT INTO usage_raw ({', '.join(columns)}) {AS_SELECTED} SELECT {made} FROM {source}"


def to_price(job: Job, correction: Correction, work: Bundle, since: int, until: int) -> str:
    """What prices, credits and terms follow from, as it will be, with the identity and place of each event."""
    said = correction.change.columns
    values = _literals(said)
    quantities = f"{quoted(str(said['quantities']))} AS quantities_text" if "quantities" in said else QUANTITIES
    needed = ", ".join(
        f"{values[name]} AS new_{name}" if name in values else f"{name} AS new_{name}" for name in NEEDED
    )
    return (
        f"SELECT event_id, toString(event_id) AS event_id_text, {', '.join(PLACED)}, {needed}, {quantities} "
        f"FROM usage_raw FINAL WHERE {_changed(job, correction, work, since, until)}"
    )


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


def _changed(job: Job, correction: Correction, work: Bundle, since: int, until: int) -> str:
    # Who froze before a day was cancelled finds nothing of it to change any more.
    cancelled = f"SELECT organization, day FROM repairs FINAL WHERE {work.of(job.control_id)} AND state = 'cancelled'"
    return (
        f"{work.of_days('time', since, until)} "
        f"AND {concerned(job, correction, work.src_partition)} AND (organization, day) NOT IN ({cancelled})"
    )


def _literals(columns: Mapping[str, Value]) -> dict[str, str]:
    """The values as SQL. Amounts become texts in their JSON: ClickHouse reads JSON numbers through floating point."""
    made = {name: _literal(value) for name, value in columns.items()}
    if "quantities" in columns:
        exact = _AMOUNT.sub(r':"\1"', str(columns["quantities"]) or "{}")
        made["quantities"] = f"JSONExtract({quoted(exact)}, 'Map(LowCardinality(String), Decimal(38, 18))')"
    return made


def _literal(value: Value) -> str:
    if value is None:
        return "CAST(NULL AS Nullable(Int64))"  # a NULL without a type cannot be read as Arrow by every server
    return quoted(value) if isinstance(value, str) else str(value)
