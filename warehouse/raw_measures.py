"""What one raw event adds to the measures of the rollup families, as SQL."""

from warehouse.families import INPUT_BUCKETS, OUTPUT_BUCKETS, Family

FROM_RAW = {
    "requests": "1",
    "errors": "status != 'success'",
    "total_input_tokens": " + ".join(INPUT_BUCKETS),
    "total_output_tokens": " + ".join(OUTPUT_BUCKETS),
    "duration_ms": "ifNull(duration_ms, 0)",
    "timed_requests": "isNotNull(duration_ms)",
    "time_to_first_token_ms": "ifNull(time_to_first_token_ms, 0)",
    "first_token_requests": "isNotNull(time_to_first_token_ms)",
    "unpriced_requests": "cost_status IN ('unpriced', 'partial')",
    "late_requests": "late",
    "rating_sum": "ifNull(rating, 0)",
    "rated_requests": "isNotNull(rating)",
}
"""Measures that are no column of usage_raw."""


def raw_values(family: Family) -> list[str]:
    """One expression per measure of the family, as Int64."""
    return [f"toInt64({FROM_RAW.get(measure, measure)})" for measure in family.measures]
