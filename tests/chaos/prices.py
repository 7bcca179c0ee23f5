"""What an event costs, worked out by hand: the tables `prices` and `multipliers` in, exact Decimals in between.

The rules are those that the README states: the tier that all input tokens exceed, each kind of token at its own price
or else at that of the kind that contains it, rounded once, half to even.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

from clickhouse_connect.driver.client import Client

from tests.chaos.cast import MODELS
from tests.chaos.event import Event
from warehouse.families import INPUT_BUCKETS, OUTPUT_BUCKETS

KINDS = {
    "input_tokens": ("input_mtok",),
    "cache_read_tokens": ("cache_read_mtok", "input_mtok"),
    "cache_write_5m_tokens": ("cache_write_mtok", "input_mtok"),
    "cache_write_1h_tokens": ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    "output_tokens": ("output_mtok",),
    "reasoning_tokens": ("output_mtok",),
    "web_searches": ("web_searches_kcount",),
    "widgets": (),
}
"""What events of a run use, and the units whose price it takes, the nearest first."""
PER = {"mtok": Decimal(1_000_000), "kcount": Decimal(1000)}
NANO_PER_USD, MOST_NANO_USD = 10**9, 10**15
Tiers = dict[int, dict[str, Decimal]]


@dataclass(frozen=True, slots=True)
class Charged:
    """Cost and credits of one event."""

    cost_nano_usd: int
    status: str
    billed_nano_usd: int
    credits_micro: int


@dataclass(slots=True)
class PriceList:
    """Prices by model and tier (USD for one unit), multipliers in thousandths."""

    tiers: dict[tuple[str, str], Tiers] = field(default_factory=dict)
    milli: dict[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def read(cls, client: Client) -> "PriceList":
        """The newest revision of both tables, for the models of a run."""
        known, read = {(model.provider, model.name) for model in MODELS}, cls()
        rows = client.query(
            "SELECT provider, model, unit, tier_start, price_usd FROM prices FINAL WHERE organization = '' "
            "AND revision = (SELECT max(revision) FROM config_revisions WHERE kind = 'prices') ORDER BY position"
        ).result_rows
        for provider, model, unit, tier_start, price_usd in rows:
            if (provider, model) in known:
                tiers = read.tiers.setdefault((provider, model), defaultdict(dict))
                tiers[tier_start][unit] = price_usd / PER[unit.rpartition("_")[2]]
        multipliers = client.query(
            "SELECT provider, model, multiplier_milli FROM multipliers FINAL WHERE organization = '' "
            "AND revision = (SELECT max(revision) FROM config_revisions WHERE kind = 'multipliers')"
        ).result_rows
        read.milli = {(provider, model): milli for provider, model, milli in multipliers}
        return read

    def charge(self, event: Event) -> Charged | None:
        """The event's cost and credits; None when it would cost more than any call may."""
        used = {name: Decimal(event.number(name)) for name in (*INPUT_BUCKETS, *OUTPUT_BUCKETS) if event.number(name)}
        used |= {name: Decimal(amount) for name, amount in event.fields.get("quantities", {}).items()}
        model = (event.text("provider"), event.text("model"))
        cost, status = self._cost(model, used, sum(event.number(name) for name in INPUT_BUCKETS))
        reported = event.fields.get("reported_cost_usd")
        if status == "unpriced" and reported is not None:
            cost, status = int(Decimal(reported) * NANO_PER_USD), "reported"
        if cost > MOST_NANO_USD:
            return None
        pays = event.text("billing_type") == "SYSTEM" and event.text("plan") != "FREE"
        credits_micro = self.milli.get(model, self.milli[("", "")]) * 1000 if used else 0
        return Charged(cost, status, cost if pays else 0, credits_micro)

    def _cost(self, model: tuple[str, str], used: dict[str, Decimal], input_tokens: int) -> tuple[int, str]:
        tiers = self.tiers.get(model)
        if tiers is None:
            return 0, "unpriced"
        rates: dict[str, Decimal] = {}
        for start in sorted(tiers):
            if start == 0 or input_tokens > start:
                rates |= tiers[start]
        total, status = Decimal(0), "priced"
        for name, amount in used.items():
            rate = next((rates[unit] for unit in KINDS[name] if unit in rates), None)
            if rate is None:
                status = "partial"
            else:
                total += amount * rate
        return int((total * NANO_PER_USD).quantize(Decimal(1), ROUND_HALF_EVEN)), status
