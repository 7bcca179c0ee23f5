"""The price list people see: filters in, one row per model out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from warehouse.queries.query import Rows, utc

COLUMNS = """provider, model, display_name,
    input_usd_per_million, cache_read_usd_per_million, cache_write_usd_per_million, output_usd_per_million,
    free, price_revision, effective_from"""


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """Base prices of one model (USD per million tokens); None where the model has no such price."""

    provider: str
    model: str
    display_name: str
    input_usd_per_million: Decimal | None
    cache_read_usd_per_million: Decimal | None
    cache_write_usd_per_million: Decimal | None
    output_usd_per_million: Decimal | None
    free: bool
    price_revision: int
    effective_from: datetime


@dataclass(frozen=True, slots=True)
class ModelPrices:
    """Models by provider and name; search finds a part of the model's id or name."""

    provider: str = ""
    search: str = ""
    limit: int = 100
    skip: int = 0

    @property
    def sql(self) -> str:
        """The statement."""
        conditions = [
            "provider = {provider:String}" if self.provider else "",
            "positionCaseInsensitiveUTF8(concatWithSeparator('\\n', model, display_name), {search:String}) > 0"
            if self.search
            else "",
        ]
        text = " AND ".join(filter(None, conditions))
        where = f"WHERE {text} " if text else ""
        return f"""SELECT {COLUMNS}
FROM model_prices {where}ORDER BY provider, model LIMIT {{limit:UInt64}} OFFSET {{skip:UInt64}}"""

    @property
    def parameters(self) -> Mapping[str, object]:
        """Filters and page."""
        values: dict[str, object] = {"limit": self.limit, "skip": self.skip}
        if self.provider:
            values["provider"] = self.provider
        if self.search:
            values["search"] = self.search
        return values

    def read(self, rows: Rows) -> list[ModelPrice]:
        """One model per row."""
        return [ModelPrice(*(*row[:7], bool(row[7]), row[8], utc(row[9]))) for row in rows]
