"""What an event costs, worked out by hand: the tables `prices` and `multipliers` in, exact Decimals in between.

The rules are those that the README states: the sheet that holds at the event's own time, the tier that all input tokens
exceed, each kind of token at its own price or else at that of the kind that contains it, rounded once, half to even.
What an organisation has of its own holds for it before what everyone has, each from its date on; a number stands for
the highest revision up to it, everyone's and the organisation's.
"""

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


@dataclass(frozen=True, slots=True)
class Revisions:
    """The revisions of prices and multipliers that one event is charged by."""

    prices: int
    multipliers: int


LOWEST = Revisions(1, 1)
"""In force before any control record says otherwise."""


@dataclass(slots=True)
class PriceList:
    """Prices by revision, model, the instant they hold from (Unix ms) and tier (USD for one unit); multipliers by
    revision and model in thousandths; markups by revision of the multipliers, (from Unix ms, millionths).

    owners: whose each revision is, by subject and number; those of `sheets` and `milli` are everyone's otherwise.
    """

    sheets: dict[tuple[int, str, str], dict[int, Tiers]] = field(default_factory=dict)
    milli: dict[tuple[int, str, str], int] = field(default_factory=dict)
    markups: dict[int, dict[int, int]] = field(default_factory=dict)
    owners: dict[tuple[str, int], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        held = [("prices", key[0]) for key in self.sheets] + [("multipliers", key[0]) for key in self.milli]
        for each in held:
            self.owners.setdefault(each, "")

    @classmethod
    def read(cls, client: Client) -> "PriceList":
        """All revisions of both tables, for the models of a run."""
        read = cls()
        read.learn(client)
        return read

    def learn(self, client: Client) -> None:
        """Reads all revisions that are stored now, beside those it knows."""
        # First: a revision is entered there when all of its rows are stored.
        owners = client.query(
            "SELECT kind, revision, organization FROM config_revisions WHERE kind IN ('prices', 'multipliers')"
        ).result_rows
        known, sheets = (
            {(model.provider, model.name) for model in MODELS},
            dict[tuple[int, str, str], dict[int, Tiers]](),
        )
        rows = client.query(
            "SELECT revision, provider, model, toUnixTimestamp(effective_from), unit, tier_start, price_usd "
            "FROM prices FINAL WHERE service_tier = '' ORDER BY revision, position"
        ).result_rows
        for revision, provider, model, start, unit, tier_start, price_usd in rows:
            if (provider, model) in known:
                tiers = sheets.setdefault((revision, provider, model), {}).setdefault(start * 1000, {})
                tiers.setdefault(tier_start, {})[unit] = price_usd / PER[unit.rpartition("_")[2]]
        multipliers = client.query(
            "SELECT revision, provider, model, multiplier_milli FROM multipliers FINAL"
        ).result_rows
        markups = "SELECT revision, toUnixTimestamp(effective_from), markup_ppm FROM terms FINAL"
        terms = client.query(markups).result_rows
        self.sheets |= sheets
        self.milli |= {(revision, provider, model): milli for revision, provider, model, milli in multipliers}
        for revision, start, ppm in terms:
            self.markups.setdefault(revision, {})[start * 1000] = ppm
        self.owners |= {(subject, revision): owner for subject, revision, owner in owners}

    def knows(self, subject: str, revision: int) -> bool:
        """Whether there is such a revision of `prices` or `multipliers`."""
        return (subject, revision) in self.owners

    def charge(self, event: Event, by: Revisions) -> Charged | None:
        """The event's cost and credits by these revisions; None when it would cost more than any call may."""
        used = {name: Decimal(event.number(name)) for name in (*INPUT_BUCKETS, *OUTPUT_BUCKETS) if event.number(name)}
        used |= {name: Decimal(amount) for name, amount in event.fields.get("quantities", {}).items()}
        model = (event.text("provider"), event.text("model"))
        own, everyones = self._held("prices", by.prices, event.organization)
        tiers = self._tiers(own, model, event.time_ms) or self._tiers(everyones, model, event.time_ms)
        cost, status = self._cost(tiers, used, sum(event.number(name) for name in INPUT_BUCKETS))
        reported = event.fields.get("reported_cost_usd")
        if status == "unpriced" and reported is not None:
            cost, status = int(Decimal(reported) * NANO_PER_USD), "reported"
        if cost > MOST_NANO_USD:
            return None
        pays = event.text("billing_type") == "SYSTEM" and event.text("plan") != "FREE"
        held = self._held("multipliers", by.multipliers, event.organization)
        places = [(revision, *name) for name in (model, ("", "")) for revision in held]
        milli = next(self.milli[place] for place in places if place in self.milli)
        billed = self._billed(cost, held, event.time_ms) if pays else 0
        return Charged(cost, status, billed, milli * 1000 if used else 0)

    def _held(self, subject: str, state: int, organization: str) -> tuple[int, int]:
        """The revisions of an organisation and of everyone in a state; 0 for none."""
        own = everyones = 0
        for (kind, number), owner in self.owners.items():
            if kind == subject and number <= state:
                own = max(own, number if owner == organization else 0)
                everyones = max(everyones, 0 if owner else number)
        return own, everyones

    def _billed(self, cost: int, held: tuple[int, int], time_ms: int) -> int:
        """With the markup that has begun, its own before everyone's."""
        begun = [
            [ppm for start, ppm in sorted(self.markups.get(revision, {}).items()) if start <= time_ms]
            for revision in held
        ]
        ppm = next((found[-1] for found in begun if found), 0)
        return int((Decimal(cost) * (10**6 + ppm) / 10**6).quantize(Decimal(1), ROUND_HALF_EVEN))

    def _tiers(self, revision: int, model: tuple[str, str], time_ms: int) -> Tiers | None:
        """The sheet that holds at this time: of those that have begun, the last that was written."""
        begun = [tiers for start, tiers in self.sheets.get((revision, *model), {}).items() if start <= time_ms]
        return begun[-1] if begun else None

    @staticmethod
    def _cost(tiers: Tiers | None, used: dict[str, Decimal], input_tokens: int) -> tuple[int, str]:
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
