"""Our price against genai-prices' own, exactly, over all models, times, tiers and units.

TALLY_DIFFERENTIAL_CASES sets the number of cases (3,000 when absent).
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
from stream_jobs.pricing.units import BUCKET_UNITS, REQUESTS, UNITS, UNITS_BY_PRICE_KEY
from tokentally.tokens import TOKEN_BUCKETS

from .conftest import UsageFrame

CASES = int(os.environ.get("TALLY_DIFFERENTIAL_CASES", "3000"))
BATCH = 20_000
RARE_UNITS = sorted(UNITS.keys() - {unit.usage_key for unit in BUCKET_UNITS} - {REQUESTS})
SNAPSHOT = DataSnapshot(providers=providers, from_auto_update=False)
MILLISECOND = timedelta(milliseconds=1)


def test_our_cost_is_genai_prices_own(catalogue_book: PriceBook, usage_frame: UsageFrame) -> None:
    chance = random.Random(20_260_101)
    models = [(p, m, text) for p in providers for m in p.models if (text := _reference(p, m))]
    chance.shuffle(models)
    events = [_event(chance, *models[index % len(models)]) for index in range(CASES)]
    priced_as: set[str] = set()
    for first in range(0, CASES, BATCH):
        batch = events[first : first + BATCH]
        priced = catalogue_book.price(usage_frame(batch))
        priced_as.update(priced["priced_as"])
        for event, cost_nano_usd in zip(batch, priced["cost_nano_usd"], strict=True):
            assert cost_nano_usd == _their_cost_nano_usd(event), event
    assert len(models) > 2250
    assert len(priced_as) >= min(CASES, len(models)) - 1


def _their_cost_nano_usd(event: dict[str, Any]) -> int:
    with localcontext(prec=200):  # their sums take the caller's precision; ours are exact
        price = SNAPSHOT.calc(
            Usage(**_inclusive(event)),
            event["model"],
            event["provider"],
            None,
            event["time"],
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
        for key, unit in UNITS.items()
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
            for value in vars(price.prices).values()
            if isinstance(value, TieredPrices)
            for tier in value.tiers
        }
    )
    if starts and chance.random() < 0.7:
        total = chance.choice(starts) + chance.choice((-1, 0, 1))
        buckets |= dict.fromkeys(INPUT_BUCKETS, 0) | _split(chance, total)
    names = {"provider": provider.id, "model": text, "time": chance.choice(list(_times(chance, dated)))}
    return names | buckets | {"quantities": _quantities(chance, dated)}


def _count(chance: random.Random) -> int:
    return chance.choice((1, chance.randint(0, 2000), chance.randint(0, 2_000_000), 10**12))


def _split(chance: random.Random, total: int) -> dict[str, int]:
    """This many input tokens, over a few buckets."""
    names = chance.sample(INPUT_BUCKETS, 3)
    first = chance.randint(0, total)
    second = chance.randint(0, total - first)
    return dict(zip(names, (first, second, total - first - second), strict=True))


def _times(chance: random.Random, dated: list[ConditionalPrice]) -> Iterator[datetime]:
    """Any time, and both sides of every instant at which the model's price changes."""
    moment = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(milliseconds=chance.randrange(5 * 365 * 86_400_000))
    yield moment
    for price in dated:
        if isinstance(price.constraint, StartDateConstraint):
            start = datetime.combine(price.constraint.start_date, datetime.min.time(), UTC)
            yield from (start - MILLISECOND, start, start + MILLISECOND)
        elif isinstance(price.constraint, TimeOfDateConstraint):
            for edge in (price.constraint.start_time, price.constraint.end_time):
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
