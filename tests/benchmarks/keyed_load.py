"""Events over a chosen number of rollup keys, all in one quarter hour: each key once, then any of them by chance."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np
import polars as pl

from producers.synthetic.load import ENVELOPE_EVENTS, FEATURES, MODELS, ORGANIZATIONS, PROMPTS, frames
from tokentally.partition import partition_of

QUARTER_MS = 900_000
Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]


def keyed_frames(
    keys: int, events: int, partitions: int, start: datetime, seed: int
) -> Iterator[tuple[int, pl.DataFrame]]:
    """At first every key once (`keys` events), then `events` more with keys by chance.

    A key is one row of `rollup` and one of `rollup_thread`; prompts and categories are few beside them.
    """
    rng = np.random.default_rng(seed)
    homes = np.array([partition_of(name, partitions) for name in ORGANIZATIONS])
    home_of_key = homes[np.arange(keys) % len(ORGANIZATIONS)]
    of_partition = {number: (home_of_key == number).nonzero()[0] for number in range(partitions)}
    chances = {number: len(own) / keys for number, own in of_partition.items() if len(own)}
    yield from _filled(rng, of_partition, {number: len(own) for number, own in of_partition.items()}, start, once=True)
    counts = {number: round(chance * events) for number, chance in chances.items()}
    yield from _filled(rng, of_partition, counts, start, once=False)


def _filled(
    rng: np.random.Generator,
    of_partition: dict[int, Numbers],
    counts: dict[int, int],
    start: datetime,
    *,
    once: bool,
) -> Iterator[tuple[int, pl.DataFrame]]:
    total = sum(counts.values())
    source = pl.concat(frame for _, frame in frames(int(rng.integers(1 << 30)), total, 1, start=start))
    first = 0
    for number, count in counts.items():
        own = of_partition[number]
        chosen = own if once else own[rng.integers(0, len(own), count)]
        part = _of_keys(rng, source.slice(first, count), chosen, start)
        first += count
        for slice_ in part.iter_slices(ENVELOPE_EVENTS):
            yield number, slice_


def _of_keys(rng: np.random.Generator, events: pl.DataFrame, keys: Numbers, start: datetime) -> pl.DataFrame:
    key = pl.Series("key", keys)
    model = key % len(MODELS)
    fixed = dict.fromkeys(("customer_id", "department", "project", "api_key_id"), "")
    return events.with_columns(
        _ids(rng, len(events)),
        pl.Series("time", int(start.timestamp() * 1000) + rng.integers(0, QUARTER_MS, len(events))).cast(
            pl.Datetime("ms", "UTC")
        ),
        pl.Series("organization", ORGANIZATIONS).gather(key % len(ORGANIZATIONS)),
        (pl.lit("user-") + key.cast(pl.String)).alias("user_id"),
        pl.Series("feature", FEATURES).gather(key % len(FEATURES)),
        pl.Series("prompt_id", PROMPTS).gather(key % len(PROMPTS)),
        (pl.lit("thread-") + key.cast(pl.String)).alias("thread_id"),
        pl.Series("provider", [provider for provider, _ in MODELS]).gather(model),
        pl.Series("model", [name for _, name in MODELS]).gather(model),
        pl.lit("SYSTEM").alias("billing_type"),
        pl.lit("success").alias("status"),
        *(pl.lit(value).alias(name) for name, value in fixed.items()),
    )


def _ids(rng: np.random.Generator, count: int) -> pl.Series:
    raw = rng.bytes(16 * count)
    return pl.Series("event_id", [raw[at : at + 16] for at in range(0, len(raw), 16)], dtype=pl.Binary)
