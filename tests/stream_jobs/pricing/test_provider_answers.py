"""What the answers of real providers cost: every line by hand, from the providers' price lists of November 2026."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest

from producers.envelopes import ndjson
from producers.importers.provider_answer import read_answer
from stream_jobs.pricing import PriceBook
from tests.producers.importers.answers import ANSWERS
from tests.producers.importers.dialect_answers import DIALECT_ANSWERS
from tests.producers.importers.media_answers import MEDIA_ANSWERS
from tokentally import UsageEvent

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MILLION = 1_000_000
THOUSAND = 1000
HOUR = 3600
EVERY_ANSWER = {**ANSWERS, **MEDIA_ANSWERS, **DIALECT_ANSWERS}

Line = tuple[int, str, int]
"""A quantity, its price in USD, and how many units that price is for."""

COSTS: dict[str, Sequence[Line]] = {
    "openai chat": [(86, "2.50", MILLION), (1920, "1.25", MILLION), (300, "10", MILLION)],
    "openai chat, priority": [(600, "4.25", MILLION), (400, "2.125", MILLION), (100, "17", MILLION)],
    "openai responses": [
        (200, "0.625", MILLION),
        (128, "0.0625", MILLION),
        (136 + 384, "5", MILLION),
        (2, "10", THOUSAND),
        (1, "2.50", THOUSAND),
    ],
    "anthropic, cache and thinking": [
        (21, "3", MILLION),
        (400, "3.75", MILLION),
        (600, "6", MILLION),
        (18086, "0.30", MILLION),
        (193 + 200, "15", MILLION),
        (2, "10", THOUSAND),
    ],
    "anthropic, batch": [(1000, "2.50", MILLION), (200, "12.50", MILLION)],
    "anthropic, fast": [(1000, "10", MILLION), (200, "50", MILLION)],
    "google, cached and audio": [
        (340, "0.30", MILLION),
        (560, "0.03", MILLION),
        (60, "1", MILLION),
        (40, "0.10", MILLION),
        (50 + 200, "2.50", MILLION),
    ],
    "mistral": [(160, "2", MILLION), (34, "6", MILLION)],
    "mistral, pages": [(29, "1", THOUSAND)],
    "deepseek": [(112, "0.27", MILLION), (1088, "0.07", MILLION), (80, "1.10", MILLION)],
    "xai": [(29, "3", MILLION), (8, "0.75", MILLION), (9 + 94, "15", MILLION)],
    "groq": [(144, "0.15", MILLION), (256, "0.075", MILLION), (380 + 120, "0.60", MILLION)],
    "cohere": [(5, "2.50", MILLION), (418, "10", MILLION)],
    "bedrock": [
        (30, "3", MILLION),
        (2600, "0.30", MILLION),
        (300, "3.75", MILLION),
        (700, "6", MILLION),
        (628, "15", MILLION),
    ],
    "openrouter": [(194, "3", MILLION), (1000, "0.30", MILLION), (44 + 16, "15", MILLION)],
}
REALTIME: Sequence[Line] = [
    (50, "4", MILLION),
    (30, "0.40", MILLION),
    (100, "32", MILLION),
    (20, "0.40", MILLION),
    (30, "16", MILLION),
    (70, "64", MILLION),
]
MEDIA_COSTS: dict[str, Sequence[Line]] = {
    "openai realtime": REALTIME,
    "openai realtime, parts without totals": REALTIME,
    "openai transcription by tokens": [(4, "2.50", MILLION), (10, "6", MILLION), (45, "10", MILLION)],
    "openai transcription by time": [(30, "0.36", HOUR)],
    "openai chat, audio in the cache": [
        (30, "2.50", MILLION),
        (50 + 70, "32", MILLION),
        (20, "10", MILLION),
        (40, "64", MILLION),
    ],
    "openai images": [(10, "5", MILLION), (40, "10", MILLION), (4160, "40", MILLION)],
    "google images in the chat shape": [(42 + 258, "0.30", MILLION), (20, "2.50", MILLION), (1290, "30", MILLION)],
    "google video in the chat shape": [(40 + 260, "1.50", MILLION), (8, "9", MILLION), (5792, "17.50", MILLION)],
    "google live": [(40, "0.50", MILLION), (60, "3", MILLION), (10, "2", MILLION), (50, "12", MILLION)],
    "xai voice": [(2, "4", THOUSAND), (125, "4.80", 10 * HOUR)],
}
DIALECT_COSTS: dict[str, Sequence[Line]] = {
    "xai, python sdk": [(60, "3", MILLION), (40, "0.75", MILLION), (10 + 30, "15", MILLION)],
    "anthropic, writes for an hour only": [(21, "3", MILLION), (600, "6", MILLION), (10, "15", MILLION)],
    "bedrock, nova's own": [(20 + 100, "0.06", MILLION), (400, "0.015", MILLION), (30, "0.24", MILLION)],
    "google, cached audio that is not told apart": [
        (100, "0.03", MILLION),
        (500, "0.10", MILLION),
        (400, "1", MILLION),
        (5, "2.50", MILLION),
    ],
    "google, python sdk": [
        (340, "0.30", MILLION),
        (560, "0.03", MILLION),
        (60, "1", MILLION),
        (40, "0.10", MILLION),
        (50 + 200, "2.50", MILLION),
    ],
    "mistral, cached": [(32, "0.50", MILLION), (128, "0.05", MILLION), (34, "1.50", MILLION)],
    "cohere, nothing billed apart": [(71, "2.50", MILLION), (420, "10", MILLION)],
    "perplexity, deep research": [
        (33, "2", MILLION),
        (19028, "2", MILLION),
        (11395, "8", MILLION),
        (193947, "3", MILLION),
        (21, "5", THOUSAND),
    ],
    "perplexity, searches within the request": [(9, "3", MILLION), (525, "15", MILLION), (1, "14", THOUSAND)],
    "cloudflare": [(20, "0.282", MILLION), (10, "0.827", MILLION)],
    "openrouter, key of one's own": [(194, "3", MILLION), (1000, "0.30", MILLION), (44 + 16, "15", MILLION)],
}
EVERY_COST = {**COSTS, **MEDIA_COSTS, **DIALECT_COSTS}


@pytest.mark.parametrize("name", EVERY_ANSWER)
def test_an_answer_costs_the_sum_of_its_lines(catalogue_book: PriceBook, name: str) -> None:
    priced = catalogue_book.price(_frame(name)).row(0, named=True)
    exact = sum((count * Decimal(price) / per for count, price, per in EVERY_COST[name]), Decimal(0))
    assert priced["cost_status"] == "priced"
    assert priced["cost_nano_usd"] == round(exact * 10**9)


def test_a_spoken_answer_costs_what_its_six_buckets_cost(catalogue_book: PriceBook) -> None:
    priced = catalogue_book.price(_frame("openai realtime")).row(0, named=True)
    assert priced["cost_nano_usd"] == 200_000 + 12_000 + 3_200_000 + 8_000 + 480_000 + 4_480_000 == 8_380_000


def test_what_the_provider_says_it_cost_stays_beside_our_price(catalogue_book: PriceBook) -> None:
    """OpenRouter charged 13,800 nano-dollars more than its list says."""
    priced = catalogue_book.price(_frame("openrouter")).row(0, named=True)
    assert priced["reported_cost_nano_usd"] - priced["cost_nano_usd"] == 13_800


def _frame(name: str) -> pl.DataFrame:
    """The event of an answer as the worker prices it."""
    answer = EVERY_ANSWER[name]
    read = read_answer({"model": answer.model, **answer.body}, answer.provider)
    assert read is not None
    event = UsageEvent(
        event_id=name,
        organization="acme",
        time=NOON,
        provider=answer.provider,
        model=read.model,
        quantities=dict(read.quantities),
        service_tier=read.service_tier,
        reported_cost_usd=read.reported_cost_usd,
        **read.tokens,
    )
    return ndjson.decode(event.to_json()).frame
