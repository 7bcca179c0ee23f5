"""Frames of synthetic events for benchmarks: a seed and a number of events in, envelopes' frames by partition out.

Made of whole columns, so that the generator is far faster than what it measures. Cardinalities as in a large
installation: 200 organisations and 20,000 users (both by Zipf), 40 models of the catalogue, 30 features, 150 prompts;
1 % of the events are repeated within their organisation, 2 % come up to 24 hours late.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl

from producers.envelopes.columns import COLUMNS, empty_frame
from tokentally.partition import partition_of
from tokentally.tokens import TOKEN_BUCKETS

ENVELOPE_EVENTS: Final = 1_000
ORGANIZATIONS: Final = tuple(f"org-{number:04d}" for number in range(200))
USERS_PER_ORGANIZATION: Final = 100
FEATURES: Final = tuple(f"feature-{number:02d}" for number in range(30))
PROMPTS: Final = tuple(f"prompt-{number:03d}" for number in range(150))
CATEGORIES: Final = ("", "", "", "", "", "", "", "coding", "writing", "research")
MODELS: Final = tuple(
    (provider, model)
    for provider, models in {
        "openai": "gpt-4o gpt-4o-mini gpt-4.1 gpt-4.1-mini gpt-4.1-nano gpt-5 gpt-5-mini gpt-5-nano o3 o4-mini o1",
        "anthropic": "claude-opus-4-5 claude-sonnet-4-5 claude-haiku-4-5 claude-opus-4-1 claude-3-haiku claude-2",
        "google": "gemini-2.5-pro gemini-2.5-flash gemini-2.5-flash-lite gemini-2.0-flash gemini-2.0-flash-lite",
        "mistral": "mistral-large-2512 mistral-small-latest codestral-2508 ministral-8b-latest pixtral-large-2411",
        "deepseek": "deepseek-chat deepseek-reasoner",
        "groq": "llama-3.3-70b-versatile llama-3.1-8b-instant openai/gpt-oss-120b qwen/qwen3-32b",
        "x-ai": "grok-3 grok-3-mini grok-4-0709 grok-code-fast-1",
        "cohere": "command-a command-r-plus command-r7b",
    }.items()
    for model in models.split()
)
SPAN_SECONDS: Final = 30 * 60
_DAY_MS: Final = 86_400_000
_START: Final = datetime(2026, 9, 1, 12, tzinfo=UTC)
_BLOCK_EVENTS: Final = 50_000
_REPEATED: Final = 0.01
_LATE: Final = 0.02

Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]
Truths = np.ndarray[tuple[int], np.dtype[np.bool_]]


def frames(
    seed: int,
    events: int,
    partitions: int,
    *,
    start: datetime = _START,
    span_seconds: int = SPAN_SECONDS,
    envelope_events: int = ENVELOPE_EVENTS,
) -> Iterator[tuple[int, pl.DataFrame]]:
    """`events` events over the time from `start`, as (partition, frame of at most `envelope_events` rows).

    Frames of a partition come in the order of their events' times, late ones aside; all but its last few are full.
    """
    rng = np.random.default_rng(seed)
    homes = np.array([partition_of(organization, partitions) for organization in ORGANIZATIONS])
    waiting = {partition: empty_frame() for partition in range(partitions)}
    for first in range(0, events, _BLOCK_EVENTS):
        count = min(_BLOCK_EVENTS, events - first)
        organization = _zipf(rng, len(ORGANIZATIONS), count)
        times = _times(rng, start, first, count, span_seconds * 1000 / events)
        block = _with_repeats(rng, _block(rng, organization, times))
        for partition in range(partitions):
            ready = pl.concat([waiting[partition], block.filter(pl.Series(homes[organization] == partition))])
            whole = len(ready) // envelope_events * envelope_events
            for offset in range(0, whole, envelope_events):
                yield partition, ready.slice(offset, envelope_events)
            waiting[partition] = ready.slice(whole)
    yield from ((partition, frame) for partition, frame in waiting.items() if len(frame))


def _block(rng: np.random.Generator, organization: Numbers, times: Numbers) -> pl.DataFrame:
    count = len(organization)
    user = organization * USERS_PER_ORGANIZATION + _zipf(rng, USERS_PER_ORGANIZATION, count)
    # A user works with three features; an organisation has a main and a second model per feature.
    used = rng.choice(3, count, p=(0.7, 0.2, 0.1))
    feature = (user * 7 + used * 11 + organization) % len(FEATURES)
    main = (organization * 13 + feature * 3) % len(MODELS)
    second = (organization * 5 + feature * 7 + 1) % len(MODELS)
    model = np.where(rng.random(count) < 0.85, main, second)
    prompt = feature * 5 + rng.integers(0, 5, count)
    thread = user * 1000 + times // 300_000 % 1000
    status = rng.choice(3, count, p=(0.975, 0.02, 0.005))
    own_key = organization % 7 == 6
    columns = {
        "event_id": pl.Series(_ids(rng, times), dtype=pl.Binary),
        "time": pl.Series(times).cast(pl.Datetime("ms", "UTC")),
        "organization": _pick(ORGANIZATIONS, organization),
        "customer_id": _numbered("customer-", np.where(organization % 4 == 0, user // 10, -1)),
        "user_id": _numbered("user-", user),
        "department": _numbered("department-", user % 8),
        "project": _numbered("project-", user % 5),
        "feature": _pick(FEATURES, feature),
        "prompt_id": _pick(PROMPTS, prompt),
        "prompt_name": _pick(PROMPTS, prompt),
        "thread_id": _numbered("thread-", thread),
        "message_id": _numbered("message-", rng.integers(0, 1 << 40, count)),
        "api_key_id": _numbered("key-", user * 2 + used % 2),
        "provider": _pick([provider for provider, _ in MODELS], model),
        "model": _pick([name for _, name in MODELS], model),
        "event_type": _pick(("token_usage", "embedding"), (feature == 0).astype(np.int64)),
        "billing_type": _pick(("SYSTEM", "BYOK"), own_key.astype(np.int64)),
        "plan": _pick(("PRO", "FREE", "TEAM"), organization % 3),
        "status": _pick(("success", "error", "cancelled"), status),
        "error_code": _pick(("", "rate_limit", ""), status),
        **_tokens(rng, count, failed=status == 1),
        "duration_ms": pl.Series(rng.integers(80, 30_000, count)),
        "time_to_first_token_ms": _sometimes(rng, rng.integers(40, 3_000, count), 0.8),
        "category": _pick(CATEGORIES, rng.integers(0, len(CATEGORIES), count)),
        "rating": _sometimes(rng, rng.integers(1, 6, count), 0.03),
        "reported_cost_nano_usd": pl.Series([None], dtype=pl.Int64).new_from_index(0, count),
        "metadata": _pick(('{"region":"eu-west-1"}', '{"region":"us-east-1"}', ""), organization % 3),
    }
    names = ("source_id", "service_tier", "prompt_preview", "quantities")
    empty = {name: pl.Series([""]).new_from_index(0, count) for name in names}
    return pl.DataFrame({name: {**columns, **empty}[name] for name in COLUMNS}, schema=COLUMNS)


def _tokens(rng: np.random.Generator, count: int, failed: Truths) -> dict[str, pl.Series]:
    """All fourteen buckets; a bucket's share is the part of the calls that use it."""
    use = {
        "input_tokens": (1.0, 8_000),
        "cache_read_tokens": (0.45, 6_000),
        "cache_write_5m_tokens": (0.08, 4_000),
        "cache_write_1h_tokens": (0.02, 4_000),
        "output_tokens": (1.0, 2_000),
        "reasoning_tokens": (0.25, 3_000),
        "input_audio_tokens": (0.02, 1_500),
        "cache_audio_read_tokens": (0.005, 800),
        "output_audio_tokens": (0.01, 1_200),
        "input_image_tokens": (0.04, 1_800),
        "cache_image_read_tokens": (0.005, 900),
        "output_image_tokens": (0.01, 4_200),
        "input_video_tokens": (0.004, 9_000),
        "output_video_tokens": (0.002, 9_000),
    }
    counts = {}
    for bucket in TOKEN_BUCKETS:
        share, most = use[bucket]
        used = ~failed & (rng.random(count) < share)
        counts[bucket] = pl.Series(np.where(used, rng.integers(1, most, count), 0))
    return counts


def _with_repeats(rng: np.random.Generator, block: pl.DataFrame) -> pl.DataFrame:
    """The block with some rows replaced by an earlier row of the same organisation, as a retry sends it."""
    original = pl.Series(rng.random(len(block)) >= _REPEATED)
    rows = block.select("organization", original=original).with_row_index("row")
    earlier = pl.when("original").then("row").forward_fill().over("organization")
    return block[rows.select(pl.coalesce(earlier, "row")).to_series()]


def _times(rng: np.random.Generator, start: datetime, first: int, count: int, step_ms: float) -> Numbers:
    start_ms = int(start.timestamp() * 1000)
    regular = start_ms + (np.arange(first, first + count) * step_ms).astype(np.int64)
    return np.where(rng.random(count) < _LATE, regular - rng.integers(0, _DAY_MS, count), regular)


def _ids(rng: np.random.Generator, times: Numbers) -> list[bytes]:
    """UUIDs of version 7."""
    raw = rng.integers(0, 256, (len(times), 16), dtype=np.uint8)
    raw[:, :6] = times.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 2:]
    raw[:, 6] = raw[:, 6] & 0x0F | 0x70
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    data = raw.tobytes()
    return [data[at : at + 16] for at in range(0, len(data), 16)]


def _zipf(rng: np.random.Generator, size: int, count: int) -> Numbers:
    weights = 1.0 / (np.arange(size) + 2.0)
    return rng.choice(size, count, p=weights / weights.sum())


def _pick(names: tuple[str, ...] | list[str], places: Numbers) -> pl.Series:
    return pl.Series(names, dtype=pl.String).gather(pl.Series(places))


def _numbered(prefix: str, numbers: Numbers) -> pl.Series:
    """prefix + number; empty for negative ones."""
    number = pl.col("number")
    text = pl.when(number >= 0).then(pl.format(prefix + "{}", number)).otherwise(pl.lit(""))
    return pl.DataFrame({"number": numbers}).select(text).to_series()


def _sometimes(rng: np.random.Generator, numbers: Numbers, share: float) -> pl.Series:
    """The numbers, most of them replaced by null when the share is small."""
    return pl.Series(numbers).set(pl.Series(rng.random(len(numbers)) >= share), None)
