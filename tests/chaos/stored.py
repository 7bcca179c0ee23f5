"""What the warehouse holds: a table in, a plain frame out."""

import io
from collections import defaultdict

import polars as pl
from clickhouse_connect.driver.client import Client

from tests.chaos.history import Ended
from tests.chaos.places import Calendars
from warehouse.families import INPUT_BUCKETS, OUTPUT_BUCKETS, Family

NO_LIMIT = {"output_format_arrow_string_as_string": 1, "output_format_arrow_low_cardinality_as_dictionary": 0}
RAW_TEXTS = (
    *("source_id", "customer_id", "user_id", "department", "project", "feature", "prompt_id", "thread_id"),
    *("api_key_id", "provider", "model", "billing_type", "plan", "status", "error_code", "category", "cost_status"),
)
RAW_NUMBERS = (*INPUT_BUCKETS, *OUTPUT_BUCKETS, "cost_nano_usd", "billed_nano_usd", "credits_micro", "late")
RAW_VERSIONS = ("price_revision", "control_offset")
FORMER = ("user_id", "feature", "model", "status", "category", "cost_status")
"""Columns of `corrections` that are compared beside the numbers."""
RAW_NULLABLE = ("duration_ms", "time_to_first_token_ms", "rating", "reported_cost_nano_usd")
PLACES = "toInt64(toUnixTimestamp(bucket)) AS bucket, toInt64(toUnixTimestamp(hour)) AS hour, toString(day) AS day"


def frame(client: Client, sql: str) -> pl.DataFrame:
    """The answer as a frame."""
    body = client.raw_query(sql, settings=NO_LIMIT, fmt="ArrowStream")
    return pl.read_ipc_stream(io.BytesIO(body)) if body else pl.DataFrame()


def within(numbers: range) -> str:
    """The condition that rows belong to these log partitions."""
    return f"src_partition >= {numbers.start} AND src_partition < {numbers.stop}"


def raw(client: Client, numbers: range) -> pl.DataFrame:
    """Every raw event."""
    texts = ", ".join(f"toString({name}) AS {name}" for name in RAW_TEXTS)
    counts = ", ".join(f"toInt64({name}) AS {name}" for name in (*RAW_NUMBERS, *RAW_VERSIONS))
    nullable = ", ".join(f"toNullable(toInt64({name})) AS {name}" for name in RAW_NULLABLE)
    return frame(
        client,
        "SELECT toString(organization) AS organization, toString(event_id) AS event_id, "
        "toUnixTimestamp64Milli(time) AS time_ms, toInt64(src_partition) AS src_partition, src_offset, "
        "toInt64(src_index) AS src_index, toUnixTimestamp64Milli(append_time) AS append_ms, "
        "toInt64(toUnixTimestamp(hour)) AS hour, toString(day) AS day, toString(week) AS week, "
        f"{texts}, {counts}, {nullable} FROM usage_raw FINAL WHERE {within(numbers)}",
    )


def family_rows(client: Client, numbers: range, family: Family, grain: str) -> pl.DataFrame:
    """Every row of a family and grain."""
    dimensions = ", ".join(f"toString({name}) AS {name}" for name in family.dimensions)
    return frame(
        client,
        "SELECT toInt64(src_partition) AS src_partition, toString(organization) AS organization, "
        f"{PLACES}, toString(week) AS week, {dimensions}, {', '.join(family.measures)}, offset "
        f"FROM {family.table} FINAL WHERE grain = '{grain}' AND {within(numbers)}",
    )


def latency_rows(client: Client, numbers: range, grain: str) -> pl.DataFrame:
    """Every histogram of a grain; its bins as one text."""
    return frame(
        client,
        "SELECT toInt64(src_partition) AS src_partition, toString(organization) AS organization, "
        f"{PLACES}, toString(week) AS week, toString(provider) AS provider, toString(model) AS model, "
        "toString(metric) AS metric, toString(arrayZip(bins, counts)) AS bins, offset "
        f"FROM rollup_latency FINAL WHERE grain = '{grain}' AND {within(numbers)}",
    )


def corrections(client: Client, numbers: range) -> pl.DataFrame:
    """What events were before control records changed them."""
    texts = ", ".join(f"toString({name}) AS {name}" for name in FORMER)
    return frame(
        client,
        "SELECT toString(organization) AS organization, toString(event_id) AS event_id, "
        "toUnixTimestamp64Milli(time) AS time_ms, toInt64(src_partition) AS src_partition, "
        "toInt64(control_offset) AS control_offset, toString(control_id) AS control_id, toString(kind) AS kind, "
        f"toString(day) AS day, toInt64(former_control_offset) AS former_control_offset, {texts}, cost_nano_usd, "
        "billed_nano_usd, credits_micro, toInt64(price_revision) AS price_revision, "
        "toInt64(input_tokens) AS input_tokens, toInt64(output_tokens) AS output_tokens "
        f"FROM corrections FINAL WHERE {within(numbers)}",
    )


def outcomes(client: Client, numbers: range) -> pl.DataFrame:
    """What the partitions made of control records."""
    return frame(
        client,
        "SELECT toInt64(src_partition) AS src_partition, src_offset, toString(outcome) AS outcome "
        f"FROM control_log FINAL WHERE {within(numbers)}",
    )


def done_marks(client: Client) -> dict[tuple[int, str, str, str], int]:
    """Offset of the newest derivation of each (partition, organisation, day or week, date)."""
    rows = client.query(
        "SELECT src_partition, toString(organization), toString(grain), toString(date), max(offset) "
        "FROM touched_periods WHERE kind = 'done' GROUP BY src_partition, organization, grain, date"
    ).result_rows
    return {(row[0], row[1], row[2], row[3]): row[4] for row in rows}


def repair_cuts(client: Client, calendars: Calendars) -> dict[tuple[int, str, str, str], int]:
    """The newest cut at which each (partition, organisation, day or week, its first date) was computed again."""
    rows = client.query(
        "SELECT src_partition, organization, day, toInt64(max(cut)) FROM repairs FINAL WHERE state = 'done' "
        "GROUP BY src_partition, organization, day"
    ).result_rows
    cuts: dict[tuple[int, str, str, str], int] = {}
    for partition, organization, day, cut in rows:
        for period, first in (("day", day), ("week", calendars.week_of(organization, day))):
            where = (partition, organization, period, str(first))
            cuts[where] = max(cut, cuts.get(where, -1))
    return cuts


def cancelled_jobs(client: Client, numbers: range) -> dict[tuple[int, str], Ended]:
    """Jobs that were cancelled, by log partition and control record, with the end of each slice."""
    jobs = client.query(
        "SELECT src_partition, toString(control_id), toString(kind) FROM jobs FINAL "
        f"WHERE state = 'cancelled' AND {within(numbers)}"
    ).result_rows
    slices: dict[tuple[int, str], dict[tuple[str, str], str]] = defaultdict(dict)
    for home, control_id, organization, day, state in client.query(
        "SELECT toInt64(home), repair_id, organization, toString(day), toString(state) FROM repairs FINAL "
        f"WHERE home != -1 AND {within(numbers)}"
    ).result_rows:
        slices[home, control_id][organization, day] = state
    return {(home, control_id): Ended(kind, slices[home, control_id]) for home, control_id, kind in jobs}


def progress(client: Client, topic: str) -> dict[int, dict[str, int]]:
    """The progress row of each partition."""
    names = ("applied_offset", "seen", "accepted", "duplicates", "rejected", "misrouted")
    rows = client.query(
        f"SELECT src_partition, {', '.join(names)} FROM partition_progress FINAL WHERE topic = {{topic:String}}",
        {"topic": topic},
    ).result_rows
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}
