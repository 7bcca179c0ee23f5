"""Our price against genai-prices' own, exactly, over all models, times, tiers and units.

TALLY_DIFFERENTIAL_CASES sets the number of cases (100,000 when absent).
"""

import json
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

from genai_prices.data import providers
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.data_units import unit_data
from genai_prices.types import (
    ConditionalPrice,
    MatchLogic,
    ModelInfo,
    ModelPrice,
    Provider,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
    Usage,
)

from stream_jobs.pricing import PriceBook
from stream_jobs.pricing.price_book import INPUT_BUCKETS
from stream_jobs.pricing.price_row import SERVICE_TIERS
from stream_jobs.pricing.units import BUCKET_UNITS, REQUESTS, UNITS, UNITS_BY_PRICE_KEY
from tokentally.tokens import TOKEN_BUCKETS

from .conftest import UsageFrame

CASES = int(os.environ.get("TALLY_DIFFERENTIAL_CASES", "100000"))
BATCH = 20_000
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
Constraint = StartDateConstraint | TimeOfDateConstraint | None
RARE_UNITS = sorted(unit_data.keys() - {unit.usage_key for unit in BUCKET_UNITS} - {REQUESTS})
SNAPSHOT = DataSnapshot(providers=providers, from_auto_update=False)
MILLISECOND = timedelta(milliseconds=1)
CONTEXT = {
    "": None,
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "fast": {"service_tier": "fast", "speed": "fast"},
}
"""How genai-prices is told of each service tier."""


def test_our_cost_is_genai_prices_own(catalogue_book: PriceBook, usage_frame: UsageFrame) -> None:
    chance = random.Random(20_260_101)
    models = [(p, m, text) for p in providers for m in p.models if (text := _reference(p, m))]
    chance.shuffle(models)
    special = [(p, m, text) for p, m, text in models if m.price_variants]
    # Every fifth case is of a model with rates of its own for some service tier; they are few.
    events = [
        _event(chance, *chosen)
        for number in range(-(-CASES // 5))
        for chosen in (special[number % len(special)], *(models[(4 * number + n) % len(models)] for n in range(4)))
    ]
    priced_as: set[str] = set()
    differ: set[str] = set()
    for first in range(0, len(events), BATCH):
        batch = events[first : first + BATCH]
        priced = catalogue_book.price(usage_frame(batch))
        priced_as.update(priced["priced_as"])
        standard = catalogue_book.price(usage_frame([event | {"service_tier": ""} for event in batch]))
        for event, cost, standard_cost in zip(batch, priced["cost_nano_usd"], standard["cost_nano_usd"], strict=True):
            assert cost == _their_cost_nano_usd(event), event
            if cost != standard_cost:
                differ.add(event["service_tier"])
    assert len(models) > 2250
    assert len(priced_as) >= min(CASES * 4 // 5, len(models)) - 1
    assert differ == set(SERVICE_TIERS)


def test_tiers_of_a_model_that_another_provider_sells_are_not_its_makers(
    catalogue_book: PriceBook, usage_frame: UsageFrame
) -> None:
    """Azure sells gpt-4.1: OpenAI's priority rates say nothing of Azure's."""
    call = {"model": "gpt-4.1", "input_tokens": 1000, "service_tier": "priority", "quantities": "", "time": NOON}
    sold, made = call | {"provider": "azure"}, call | {"provider": "openai"}
    costs = catalogue_book.price(usage_frame([sold, made]))["cost_nano_usd"].to_list()
    assert costs == [_their_cost_nano_usd(sold), _their_cost_nano_usd(made)]
    assert costs[0] < costs[1]


def _their_cost_nano_usd(event: dict[str, Any]) -> int:
    with localcontext(prec=200):  # their sums take the caller's precision; ours are exact
        price = SNAPSHOT.calc(
            Usage(**_inclusive(event)),
            event["model"],
            event["provider"],
            None,
            event["time"],
            CONTEXT[event["service_tier"]],
        )
    return min(round(Fraction(price.total_price) * 10**9), 2**63 - 1)


def _inclusive(event: dict[str, Any]) -> dict[str, int | Decimal]:
    """Disjoint buckets and quantities as the counts genai-prices takes: each unit with all of its parts."""
    disjoint: dict[str, int | Decimal] = {
        unit.usage_key: event.get(name, 0) for name, unit in zip(TOKEN_BUCKETS, BUCKET_UNITS, strict=True)
    }
    disjoint |= json.loads(event["quantities"] or "{}", parse_float=Decimal)
    return {
        key: sum(count for part, count in disjoint.items() if unit.contains(UNITS[part]))
        for key, unit in ((key, UNITS[key]) for key in unit_data)
        if key != REQUESTS
    }


def test_inclusive_counts_hold_each_unit_with_all_of_its_parts() -> None:
    buckets = {
        "input_tokens": 100,
        "cache_read_tokens": 20,
        "cache_write_5m_tokens": 3,
        "cache_write_1h_tokens": 4,
        "input_audio_tokens": 50,
        "cache_audio_read_tokens": 6,
        "output_tokens": 200,
        "reasoning_tokens": 70,
    }
    inclusive = _inclusive(buckets | {"quantities": '{"input_audio_seconds":1.5}'})
    assert inclusive["input_tokens"] == 183
    assert inclusive["cache_read_tokens"] == 26
    assert inclusive["cache_write_tokens"] == 7
    assert inclusive["input_audio_tokens"] == 56
    assert inclusive["output_tokens"] == 270
    assert inclusive["output_reasoning_tokens"] == 70
    assert inclusive["audio_seconds"] == inclusive["input_audio_seconds"] == Decimal("1.5")


def _reference(provider: Provider, model: ModelInfo) -> str | None:
    """A name that genai-prices takes for this very model; a few models stand behind others and have none."""
    for text in (model.id, *_texts(model.match)):
        if text and provider.find_model(text) is model:
            return text
    return None


def _texts(clause: MatchLogic) -> Iterator[str]:
    for value in vars(clause).values():
        if isinstance(value, str):
            yield value
        else:
            for part in value:
                yield from _texts(part)


def _event(chance: random.Random, provider: Provider, model: ModelInfo, text: str) -> dict[str, Any]:
    dated = [ConditionalPrice(prices=model.prices)] if isinstance(model.prices, ModelPrice) else model.prices
    buckets = {name: _count(chance) for name in chance.sample(TOKEN_BUCKETS, chance.randint(0, 6))}
    starts = sorted(
        {
            tier.start
            for price in dated
            for prices in (price.prices, *(variant.prices for variant in model.price_variants or ()))
            for value in vars(prices).values()
            if isinstance(value, TieredPrices)
            for tier in value.tiers
        }
    )
    if starts and chance.random() < 0.7:
        total = chance.choice(starts) + chance.choice((-1, 0, 1))
        buckets |= dict.fromkeys(INPUT_BUCKETS, 0) | _split(chance, total)
    constraints = [price.constraint for price in (*dated, *(model.price_variants or ()))]
    names = {"provider": provider.id, "model": text, "time": chance.choice(list(_times(chance, constraints)))}
    tiers = SERVICE_TIERS if model.price_variants else ("", "", "", *SERVICE_TIERS)
    served = {"service_tier": chance.choice(tiers)}
    return names | served | buckets | {"quantities": _quantities(chance, dated)}


def _count(chance: random.Random) -> int:
    return chance.choice((1, chance.randint(0, 2000), chance.randint(0, 2_000_000), 10**12))


def _split(chance: random.Random, total: int) -> dict[str, int]:
    """This many input tokens, over a few buckets."""
    names = chance.sample(INPUT_BUCKETS, 3)
    first = chance.randint(0, total)
    second = chance.randint(0, total - first)
    return dict(zip(names, (first, second, total - first - second), strict=True))


def _times(chance: random.Random, constraints: list[Constraint]) -> Iterator[datetime]:
    """Any time, and both sides of every instant at which the model's price changes."""
    moment = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(milliseconds=chance.randrange(5 * 365 * 86_400_000))
    yield moment
    for constraint in constraints:
        if isinstance(constraint, StartDateConstraint):
            start = datetime.combine(constraint.start_date, datetime.min.time(), UTC)
            yield from (start - MILLISECOND, start, start + MILLISECOND)
        elif isinstance(constraint, TimeOfDateConstraint):
            for edge in (constraint.start_time, constraint.end_time):
                at_edge = datetime.combine(moment, edge).astimezone(UTC)
                yield from (at_edge - MILLISECOND, at_edge, at_edge + MILLISECOND)


def _quantities(chance: random.Random, dated: list[ConditionalPrice]) -> str:
    """Mostly none; otherwise some of the rare units the model has prices for, and some it has none for."""
    if chance.random() < 0.6:
        return ""
    priced = {UNITS_BY_PRICE_KEY[key].usage_key for price in dated for key in vars(price.prices)} & set(RARE_UNITS)
    chosen = chance.sample(sorted(priced), chance.randint(0, len(priced))) + chance.sample(RARE_UNITS, 1)
    numbers = (1, 3, 10, chance.randint(0, 100_000), round(chance.random() * 1000, 6))
    return json.dumps({key: chance.choice(numbers) for key in chosen})
