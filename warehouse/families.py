"""The rollup families: the names of their tables, dimensions and measures, once for everyone."""

from dataclasses import dataclass

INPUT_BUCKETS = (
    "input_tokens",
    "cache_read_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "cache_audio_read_tokens",
    "input_image_tokens",
    "cache_image_read_tokens",
    "input_video_tokens",
)
OUTPUT_BUCKETS = (
    "output_tokens",
    "reasoning_tokens",
    "output_audio_tokens",
    "output_image_tokens",
    "output_video_tokens",
)
MONEY = ("cost_nano_usd", "billed_nano_usd", "credits_micro")


@dataclass(frozen=True, slots=True)
class Family:
    """One rollup table: rows are keyed by organisation, bucket, its dimensions and the log partition.

    only: the column that must not be empty for an event to be in the family; None = every event.
    """

    table: str
    dimensions: tuple[str, ...]
    measures: tuple[str, ...]
    only: str | None = None


COMPACT_MEASURES = (
    "requests",
    "errors",
    "total_input_tokens",
    "total_output_tokens",
    *MONEY,
    "duration_ms",
    "timed_requests",
    "rating_sum",
    "rated_requests",
)
ROLLUP = Family(
    table="rollup",
    dimensions=(
        "customer_id",
        "user_id",
        "department",
        "project",
        "feature",
        "api_key_id",
        "provider",
        "model",
        "billing_type",
        "status",
    ),
    measures=(
        "requests",
        *INPUT_BUCKETS,
        *OUTPUT_BUCKETS,
        *MONEY,
        "duration_ms",
        "timed_requests",
        "time_to_first_token_ms",
        "first_token_requests",
        "unpriced_requests",
        "late_requests",
        "rating_sum",
        "rated_requests",
    ),
)
ROLLUP_PROMPT = Family("rollup_prompt", ("prompt_id", "provider", "model"), COMPACT_MEASURES, only="prompt_id")
ROLLUP_CATEGORY = Family("rollup_category", ("category", "provider", "model"), COMPACT_MEASURES, only="category")
ROLLUP_THREAD = Family("rollup_thread", ("thread_id",), COMPACT_MEASURES, only="thread_id")
FAMILIES = (ROLLUP, ROLLUP_PROMPT, ROLLUP_CATEGORY, ROLLUP_THREAD)
ROLLUP_TABLES = (*(family.table for family in FAMILIES), "rollup_latency")
"""Every table of rollup rows: those of the families, and the histograms beside them."""
