"""Tables for the bare consumer: our raw columns and families as plain ClickHouse would keep them.

A Null table takes the events; a view prices them with flat prices from a dictionary into the raw table; one view per
family sums the raw table's blocks into a SummingMergeTree. One insert fills all of them.
"""

from collections.abc import Iterable

from producers.envelopes.columns import COLUMNS
from stream_jobs.pricing.catalogue import catalogue_rows
from tokentally.tokens import TOKEN_BUCKETS
from warehouse.families import FAMILIES, INPUT_BUCKETS, OUTPUT_BUCKETS, Family

TYPES = {
    **{name: "LowCardinality(String)" for name, kind in COLUMNS.items() if str(kind) == "String"},
    **dict.fromkeys(("source_id", "customer_id", "user_id", "prompt_id", "thread_id", "message_id"), "String"),
    **dict.fromkeys(("api_key_id", "prompt_preview", "quantities"), "String"),
    **dict.fromkeys(TOKEN_BUCKETS, "UInt64"),
    **dict.fromkeys(("duration_ms", "time_to_first_token_ms", "rating", "reported_cost_nano_usd"), "Nullable(Int64)"),
    "event_id": "UUID",
    "time": "DateTime64(3, 'UTC')",
    "metadata": "Map(String, String)",
}
UNITS = {"input_mtok": "input", "output_mtok": "output", "cache_read_mtok": "cache_read", "cache_write_mtok": "write"}
COST = (
    "toInt64(round(input_tokens * p.1 + cache_read_tokens * p.3 "
    "+ (cache_write_5m_tokens + cache_write_1h_tokens) * p.4 + (output_tokens + reasoning_tokens) * p.2))"
)
MEASURES = {
    "requests": "count()",
    "errors": "countIf(status != 'success')",
    "total_input_tokens": f"sum({' + '.join(INPUT_BUCKETS)})",
    "total_output_tokens": f"sum({' + '.join(OUTPUT_BUCKETS)})",
    "billed_nano_usd": "sum(raw.cost_nano_usd)",
    "credits_micro": "toInt64(0)",
    "duration_ms": "sum(ifNull(raw.duration_ms, 0))",
    "timed_requests": "count(raw.duration_ms)",
    "time_to_first_token_ms": "sum(ifNull(raw.time_to_first_token_ms, 0))",
    "first_token_requests": "count(raw.time_to_first_token_ms)",
    "unpriced_requests": "countIf(raw.cost_nano_usd = 0)",
    "late_requests": "toInt64(0)",
    "rating_sum": "sum(ifNull(raw.rating, 0))",
    "rated_requests": "count(raw.rating)",
}
"""What is not just a sum of the column of the same name."""


def statements() -> Iterable[str]:
    """Everything to be created, in order."""
    columns = ", ".join(f"{name} {TYPES[name]}" for name in COLUMNS)
    yield f"CREATE TABLE events ({columns}) ENGINE = Null"
    yield (
        f"CREATE TABLE raw ({columns}, cost_nano_usd Int64) ENGINE = MergeTree PARTITION BY toYYYYMM(time) "
        "ORDER BY (organization, time, event_id)"
    )
    yield from _prices()
    yield (
        f"CREATE MATERIALIZED VIEW raw_from_events TO raw AS WITH dictGet('price', {tuple(UNITS.values())}, "
        f"(toString(provider), toString(model))) AS p SELECT *, {COST} AS cost_nano_usd FROM events"
    )
    for family in FAMILIES:
        yield from _family(family)


def _prices() -> Iterable[str]:
    prices = "provider String, model String, " + ", ".join(f"{name} Float64" for name in UNITS.values())
    yield f"CREATE TABLE prices ({prices}) ENGINE = MergeTree ORDER BY (provider, model)"
    yield f"INSERT INTO prices VALUES {', '.join(_price_rows())}"
    yield (
        f"CREATE DICTIONARY price ({prices.replace('Float64', 'Float64 DEFAULT 0')}) PRIMARY KEY provider, model "
        "SOURCE(CLICKHOUSE(TABLE 'prices')) LAYOUT(COMPLEX_KEY_HASHED()) LIFETIME(0)"
    )


def _price_rows() -> Iterable[str]:
    """Nano-USD per token, the lowest tier: one price for ever."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for row in catalogue_rows():
        if row.unit in UNITS and row.tier_start == 0:
            found.setdefault((row.provider, row.model), {})[UNITS[row.unit]] = float(row.price_usd) * 1e9 / row.per
    for (provider, model), prices in found.items():
        yield f"('{provider}', '{model}', {', '.join(str(prices.get(name, 0.0)) for name in UNITS.values())})"


def _family(family: Family) -> Iterable[str]:
    keys = ["organization", *family.dimensions]
    dimensions = ", ".join(f"{name} {TYPES[name]}" for name in keys)
    measures = ", ".join(f"{name} Int64" for name in family.measures)
    yield (
        f"CREATE TABLE {family.table} (bucket DateTime('UTC'), {dimensions}, {measures}) ENGINE = SummingMergeTree "
        f"PARTITION BY toYYYYMM(bucket) ORDER BY (organization, bucket, {', '.join(family.dimensions)})"
    )
    sums = ", ".join(f"{MEASURES.get(name, f'sum(raw.{name})')} AS {name}" for name in family.measures)
    only = f" WHERE {family.only} != ''" if family.only else ""
    yield (
        f"CREATE MATERIALIZED VIEW {family.table}_from_raw TO {family.table} AS SELECT toStartOfFifteenMinutes(time) "
        f"AS bucket, {', '.join(keys)}, {sums} FROM raw{only} GROUP BY bucket, {', '.join(keys)}"
    )
