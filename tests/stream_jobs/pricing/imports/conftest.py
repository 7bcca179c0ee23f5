"""Reads price lists for tests: a small file of each format, or a text, in; what was read out."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path

import pytest

from stream_jobs.pricing.errors import PriceListRefused
from stream_jobs.pricing.imports import PriceList, read_price_list
from stream_jobs.pricing.price_row import PriceRow

_FILES = Path(__file__).parents[3] / "data" / "price_lists"

ReadFile = Callable[..., PriceList]
Refusals = Callable[..., tuple[str, ...]]
Prices = Callable[[Iterable[PriceRow]], dict[str, str]]


@pytest.fixture
def read_file() -> ReadFile:
    """The list of a file among the test data."""

    def read(name: str, fmt: str | None = None) -> PriceList:
        return read_price_list((_FILES / name).read_bytes(), name, fmt)

    return read


@pytest.fixture
def refusals() -> Refusals:
    """The problems of a text that must be refused."""

    def read(text: str, fmt: str | None = None) -> tuple[str, ...]:
        with pytest.raises(PriceListRefused) as refused:
            read_price_list(text.encode(), "prices", fmt)
        return refused.value.problems

    return read


@pytest.fixture
def prices() -> Prices:
    """Rows of one model in short: what it is for, and the price as it is stored."""

    def short(rows: Iterable[PriceRow]) -> dict[str, str]:
        return {_label(row): _text(row.price_usd) for row in rows}

    return short


def _label(row: PriceRow) -> str:
    tier = f" > {row.tier_start}" if row.tier_start else ""
    service = f" {row.service_tier}" if row.service_tier else ""
    return f"{row.unit}{tier}{service}"


def _text(price: Decimal) -> str:
    return format(price, "f")
