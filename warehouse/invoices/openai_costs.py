"""OpenAI's cost report (`GET /v1/organization/costs`): pages of daily buckets in, cost lines out.

A bucket has Unix seconds and results of {amount: {value, currency}, line_item, project_id, quantity}. A line item
names model and kind of usage in one text, `gpt-4o-2024-08-06, cached input`, with `batch | ` or `priority | ` before
it; a tool has only words (`web search tool calls`). Without `group_by=line_item` nothing is named. Source:
platform.openai.com, API reference, Costs; the texts of line items are as reports have them.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from warehouse.invoices.cost_report import CostLine, CostReport, Reading, results_of, text_of

PROVIDER: Final = "openai"
DAY_SECONDS: Final = 86_400
LAST_SECOND: Final = 1 << 33
"""Beyond any day that a report could tell about: in the year 2242."""
_MODEL = re.compile(r"(?=\S*[-\d])([A-Za-z0-9][\w.:/-]*)(?: (text|audio|image|video))?")


def read_openai(pages: Sequence[tuple[str, Any]]) -> CostReport:
    """The report. pages: each with its place in the file. Raises CostReportRefused."""
    reading = Reading()
    for where, page in pages:
        for index, bucket in enumerate(page.get("data") or []):
            _bucket(reading, bucket, f"{where}data[{index}]")
    if pages and pages[-1][1].get("has_more"):
        reading.notes.append("the report has further pages that are not in the file: ask for them by next_page")
    if reading.lines and not any(line.model or line.item for line in reading.lines):
        reading.notes.append("no line names a model: ask with group_by=line_item to compare by model")
    return reading.report(PROVIDER, PROVIDER)


def _bucket(reading: Reading, bucket: Any, place: str) -> None:
    if not isinstance(bucket, dict) or type(bucket.get("start_time")) is not int:
        reading.problems.append(f"{place}.start_time: missing; a bucket of the costs API has Unix seconds there")
        return
    start, end = bucket["start_time"], bucket.get("end_time", bucket["start_time"] + DAY_SECONDS)
    if start % DAY_SECONDS or end != start + DAY_SECONDS or not 0 <= start < LAST_SECOND:
        reading.problems.append(
            f"{place}: {start} to {end} is no whole day of UTC; ask with bucket_width=1d and start_time at midnight"
        )
        return
    day = datetime.fromtimestamp(start, UTC).date()
    reading.day(day, place)
    for index, result in enumerate(results_of(reading, bucket, place)):
        where = f"{place}.results[{index}]"
        if not isinstance(result, dict) or not isinstance(result.get("amount"), dict):
            reading.problems.append(f"{where}.amount: missing; a result of the costs API has value and currency there")
            continue
        if not reading.in_dollars(result["amount"].get("currency"), f"{where}.amount.currency"):
            continue
        amount = reading.rounded(result["amount"].get("value"), f"{where}.amount.value", "amounts (USD)")
        quantity = None
        if result.get("quantity") is not None:
            quantity = reading.rounded(result["quantity"], f"{where}.quantity", "quantities")
        if amount is None:
            continue
        model, item = named(text_of(result, "line_item"))
        reading.lines.append(CostLine(day, model, item, amount, quantity, text_of(result, "project_id"), where))


def named(line_item: str) -> tuple[str, str]:
    """Model and kind of usage of a line item; no model for what is not about one."""
    tier, bar, rest = line_item.rpartition(" | ")
    head, _, kind = rest.partition(", ")
    found = _MODEL.fullmatch(head)
    if found is None:
        return "", line_item
    item = " ".join(part for part in (found[2] or "", kind) if part)
    return found[1], f"{tier}{bar}{item}" if item else tier
