"""Cost reports in any of the known formats: the bytes of a file in, a checked report out."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from warehouse.errors import CostReportRefused
from warehouse.invoices.anthropic_costs import read_anthropic
from warehouse.invoices.cost_report import CostReport
from warehouse.invoices.csv_costs import read_csv
from warehouse.invoices.openai_costs import read_openai

FORMATS: Final[Mapping[str, str]] = {
    "openai": "answers of GET /v1/organization/costs",
    "anthropic": "answers of GET /v1/organizations/cost_report",
    "csv": "columns day, amount_usd and any of model, item, quantity, project, currency",
}


def read_costs(data: bytes, form: str | None = None, provider: str = "") -> CostReport:
    """The report of a file: one page of JSON, an array of pages, a page per line, or CSV.

    form: one of FORMATS, found out when None. provider: of a CSV, which does not say it.
    Raises CostReportRefused with every problem, each with its place and its cure; then nothing may be used.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CostReportRefused(["the file is not UTF-8; save it as UTF-8"]) from None
    if form == "csv" or (form is None and text.lstrip()[:1] not in ("{", "[")):
        if not provider:
            raise CostReportRefused(["a CSV does not say whose invoice it is; give the provider"])
        return read_csv(text, provider.strip().lower())
    pages = _pages(text)
    known = form or _format_of([page for _, page in pages])
    if known not in ("openai", "anthropic"):
        raise CostReportRefused([f"the file is in none of the formats {', '.join(FORMATS)}; say which with the format"])
    report = read_openai(pages) if known == "openai" else read_anthropic(pages)
    if provider and provider.strip().lower() != report.provider:
        raise CostReportRefused([f"the file is a report of {report.provider}, not of {provider}"])
    return report


def _pages(text: str) -> Sequence[tuple[str, Any]]:
    """Each page with how places in it begin. Numbers keep every digit."""
    try:
        whole = _parsed(text)
    except ValueError as failure:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) < 2:
            raise CostReportRefused([f"the file is no JSON: {failure}"]) from None
        return [(f"line {number}: ", _page(line, f"line {number}")) for number, line in lines]
    pages = whole if isinstance(whole, list) else [whole]
    for index, page in enumerate(pages):
        if not _is_page(page):
            raise CostReportRefused([f"[{index}]: has no data; a page of a cost report has its buckets there"])
    return [("" if len(pages) == 1 else f"[{index}].", page) for index, page in enumerate(pages)]


def _page(line: str, place: str) -> Any:
    try:
        page = _parsed(line)
    except ValueError as failure:
        raise CostReportRefused([f"{place}: {failure}"]) from None
    if not _is_page(page):
        raise CostReportRefused([f"{place}: has no data; a page of a cost report has its buckets there"])
    return page


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=Decimal, object_pairs_hook=_without_repeats)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except InvalidOperation:
        raise ValueError("it has a number of no size") from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    """The object. Raises CostReportRefused for a key that occurs twice: the one that is dropped may be an amount."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise CostReportRefused([f"the key {repeated!r} occurs twice in one object; keep one of them"])
    return found


def _is_page(page: Any) -> bool:
    return isinstance(page, dict) and isinstance(page.get("data"), list)


def _format_of(pages: Sequence[Any]) -> str:
    buckets = [bucket for page in pages for bucket in page["data"] if isinstance(bucket, dict)]
    if any("starting_at" in bucket for bucket in buckets):
        return "anthropic"
    if any("start_time" in bucket for bucket in buckets) or any(page.get("object") == "page" for page in pages):
        return "openai"
    return ""
