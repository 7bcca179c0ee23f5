"""Anthropic's cost report (`GET /v1/organizations/cost_report`): pages of daily buckets in, cost lines out.

A bucket has starting_at and ending_at (RFC 3339) and results whose `amount` is a decimal text in cents: "123.45" is
1.2345 USD. With `group_by[]=description` a result names model, cost_type, token_type, service_tier and context_window.
Costs of the Priority Tier are not in the report. Source: platform.claude.com, Admin API, Cost Report.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from warehouse.invoices.cost_report import PLACES_MAX, CostLine, CostReport, Reading, results_of, text_of
from warehouse.queries.query import utc
from warehouse.queries.usage import EXACT

PROVIDER: Final = "anthropic"
CENTS: Final = Decimal(100)
USUAL: Final = ("", "standard", "0-200k")
"""Service tier and context window of most lines: not worth a word."""


def read_anthropic(pages: Sequence[tuple[str, Any]]) -> CostReport:
    """The report. pages: each with its place in the file. Raises CostReportRefused."""
    reading = Reading(notes=["Anthropic leaves costs of its Priority Tier out of this report"])
    for where, page in pages:
        for index, bucket in enumerate(page.get("data") or []):
            _bucket(reading, bucket, f"{where}data[{index}]")
    if pages and pages[-1][1].get("has_more"):
        reading.notes.append("the report has further pages that are not in the file: ask for them by next_page")
    if reading.lines and not any(line.model or line.item for line in reading.lines):
        reading.notes.append("no line names a model: ask with group_by[]=description to compare by model")
    return reading.report(PROVIDER, PROVIDER)


def _bucket(reading: Reading, bucket: Any, place: str) -> None:
    if not isinstance(bucket, dict):
        reading.problems.append(f"{place}: {bucket!r} is no bucket of a cost report")
        return
    day = _day(bucket)
    if day is None:
        reading.problems.append(
            f"{place}: {bucket.get('starting_at')} to {bucket.get('ending_at')} is no whole day of UTC; "
            "ask with bucket_width=1d"
        )
        return
    reading.day(day, place)
    for index, result in enumerate(results_of(reading, bucket, place)):
        where = f"{place}.results[{index}]"
        if not isinstance(result, dict):
            reading.problems.append(f"{where}: {result!r} is no result of a cost report")
            continue
        if not reading.in_dollars(result.get("currency", "USD"), f"{where}.currency"):
            continue
        cents = reading.rounded(result.get("amount"), f"{where}.amount", "amounts (USD)", PLACES_MAX - 2)
        if cents is not None:
            project = text_of(result, "workspace_id")
            line = CostLine(
                day, text_of(result, "model"), _item(result), EXACT.divide(cents, CENTS), None, project, where
            )
            reading.lines.append(line)


def _day(bucket: dict[str, Any]) -> date | None:
    try:
        start, end = (utc(datetime.fromisoformat(bucket[name])) for name in ("starting_at", "ending_at"))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    whole = start.time() == datetime.min.time() and end - start == timedelta(days=1)
    return start.date() if whole else None


def _item(result: dict[str, Any]) -> str:
    kind = text_of(result, "token_type") or text_of(result, "cost_type") or text_of(result, "description")
    tier, window = text_of(result, "service_tier"), text_of(result, "context_window")
    before = "" if tier in USUAL else f"{tier} | "
    return f"{before}{kind}" + ("" if window in USUAL else f", {window}")
