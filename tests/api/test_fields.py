"""Exact decimals are strings with all their digits; instants are RFC 3339."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter

from api.fields import Credits, Exact, Instant, Usd, start_text


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (Usd, Decimal(0), "0.000000000"),
        (Usd, Decimal("0E-9"), "0.000000000"),
        (Usd, Decimal("12345678901234567890123456789.123456789"), "12345678901234567890123456789.123456789"),
        (Usd, Decimal("-0.5"), "-0.500000000"),
        (Credits, Decimal("3"), "3.000000"),
        (Exact, Decimal("0.041666666666666664"), "0.041666666666666664"),
        (Exact, Decimal("2.500000000000000000"), "2.5"),
        (Exact, Decimal("10"), "10"),
        (Exact, Decimal("1E+2"), "100"),
        (Exact, Decimal("0E-18"), "0"),
    ],
)
def test_decimals(kind: Any, value: Decimal, text: str) -> None:
    adapter: TypeAdapter[Decimal] = TypeAdapter(kind)
    assert adapter.dump_json(value).decode() == f'"{text}"'


def test_instants() -> None:
    moment = datetime(2026, 3, 14, 9, 26, 53, 589_999, tzinfo=UTC)
    adapter: TypeAdapter[datetime] = TypeAdapter(Instant)
    assert adapter.dump_json(moment).decode() == '"2026-03-14T09:26:53.589Z"'
    assert start_text(moment.astimezone(ZoneInfo("Europe/Paris"))) == "2026-03-14T10:26:53.589+01:00"
    assert start_text(date(2026, 3, 14)) == "2026-03-14"
