"""Cost reports in the shapes of their providers, written by hand."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

DAY = date(2026, 3, 14)


def openai_result(value: Any, line_item: str | None, **more: Any) -> dict[str, Any]:
    return {
        "object": "organization.costs.result",
        "amount": {"value": value, "currency": "usd"},
        "line_item": line_item,
        "project_id": None,
        **more,
    }


def openai_bucket(day: date, *results: dict[str, Any]) -> dict[str, Any]:
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    return {"object": "bucket", "start_time": start, "end_time": start + 86_400, "results": list(results)}


def openai_page(*buckets: dict[str, Any], has_more: bool = False) -> dict[str, Any]:
    next_page = "page_AAAA" if has_more else None
    return {"object": "page", "data": list(buckets), "has_more": has_more, "next_page": next_page}


def anthropic_result(cents: Any, **more: Any) -> dict[str, Any]:
    return {
        "currency": "USD",
        "amount": cents,
        "workspace_id": None,
        "description": None,
        "cost_type": None,
        "context_window": None,
        "model": None,
        "service_tier": None,
        "token_type": None,
        **more,
    }


def anthropic_bucket(day: date, *results: dict[str, Any]) -> dict[str, Any]:
    ends = day + timedelta(days=1)
    return {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{ends}T00:00:00Z", "results": list(results)}


def anthropic_page(*buckets: dict[str, Any], has_more: bool = False) -> dict[str, Any]:
    return {"data": list(buckets), "has_more": has_more, "next_page": None}


def file_of(*pages: dict[str, Any]) -> bytes:
    """One page as it is, several as an array."""
    return json.dumps(pages[0] if len(pages) == 1 else list(pages)).encode()
