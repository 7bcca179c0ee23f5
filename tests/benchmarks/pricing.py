"""What pricing, credits and billing cost: microseconds per event, for frames like the worker's.

Run: python -m tests.benchmarks.pricing [--rows 64000] [--models 40]
"""

import argparse
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl

from stream_jobs.additions import multiplier_rows, shipped_additions
from stream_jobs.credits import MultiplierTable, Terms, TermsRow, TermsTable, billed
from stream_jobs.credits.terms import ALWAYS, Basis
from stream_jobs.pricing import PriceBook, PriceRow
from stream_jobs.pricing.catalogue import catalogue_rows
from tokentally.tokens import TOKEN_BUCKETS

ROUNDS = 15
COMMON_BUCKETS = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "output_tokens", "reasoning_tokens")
COMMON_PROVIDERS = ("openai", "anthropic", "google", "deepseek", "x-ai", "mistral")
ORGANIZATIONS = 200


def main() -> None:
    """Prints one line per case: the price of a step, wall and CPU."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=64_000)
    parser.add_argument("--models", type=int, default=40)
    arguments = parser.parse_args()
    rows = catalogue_rows()
    started = time.perf_counter()
    book = PriceBook.from_rows(rows, revision=1)
    print(f"compiled {len(rows):,} price rows in {time.perf_counter() - started:.3f} s")
    multipliers = MultiplierTable.from_rows(multiplier_rows(shipped_additions()), revision=1)

    frame = usage(rows, arguments.rows, arguments.models, rare=0.0)
    priced = book.price(frame)
    print(f"{arguments.rows:,} rows, {arguments.models} models, dated and tiered among them; statuses:")
    print("  ", dict(priced["cost_status"].value_counts().iter_rows()))
    measure("price", arguments.rows, lambda: book.price(frame))
    measure("credits", arguments.rows, lambda: multipliers.credit(priced))
    none = multipliers.terms.located(priced)
    measure("billing", arguments.rows, lambda: billed(priced, none))
    measure("all three", arguments.rows, lambda: billed(multipliers.credit(book.price(frame), none), none))

    terms = TermsTable(own_terms())
    agreed = MultiplierTable.from_rows(multiplier_rows(shipped_additions()), revision=2, terms=terms)
    located = terms.located(priced)
    measure("terms of 200 organizations: which", arguments.rows, lambda: terms.located(priced))
    measure("terms of 200 organizations: credits", arguments.rows, lambda: agreed.credit(priced, located))
    measure("terms of 200 organizations: billing", arguments.rows, lambda: billed(priced, located))

    many = usage(rows, arguments.rows, 2000, rare=0.0)
    own = PriceBook.from_rows([*rows, *own_prices(rows)], revision=2)
    measure("price, 2,000 models", arguments.rows, lambda: book.price(many))
    measure("price, 2,000 models, 200 organizations with own prices", arguments.rows, lambda: own.price(many))
    measure("price, 40 models, 200 organizations with own prices", arguments.rows, lambda: own.price(frame))
    served = usage(rows, arguments.rows, 2000, rare=0.0, tiers=20)
    measure("price, 2,000 models, 20 % batch and priority, 200 own", arguments.rows, lambda: own.price(served))
    searched = usage(rows, arguments.rows, arguments.models, rare=0.05)
    measure("price, 5 % with web searches", arguments.rows, lambda: book.price(searched))


def measure(name: str, events: int, step: Callable[[], object]) -> None:
    """The median of some rounds, after one that fills caches."""
    step()
    walls, cpus = [], []
    for _ in range(ROUNDS):
        wall, cpu = time.perf_counter(), time.process_time()
        step()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    wall_us, cpu_us = (sorted(times)[ROUNDS // 2] / events * 1e6 for times in (walls, cpus))
    print(f"{name:55} {wall_us:6.3f} us/event wall {cpu_us:6.3f} us/event CPU")


def usage(rows: list[PriceRow], events: int, models: int, rare: float, tiers: float = 0) -> pl.DataFrame:
    """A frame of plausible calls, the same for the same arguments; tiers: percent of batch and priority calls."""
    chance = random.Random(1)
    names = sorted({(row.provider, row.model) for row in rows if row.model and row.unit == "output_mtok"})
    common = [name for name in names if name[0] in COMMON_PROVIDERS]
    chosen = chance.sample(common if models <= len(common) else names, models)
    picked = chance.choices(chosen, k=events)
    start_ms = 1_760_000_000_000
    return pl.DataFrame(
        {
            "organization": [f"organization-{chance.randrange(ORGANIZATIONS)}" for _ in range(events)],
            "provider": [provider for provider, _ in picked],
            "model": [model for _, model in picked],
            "time": pl.Series(
                [start_ms + chance.randrange(40_000_000_000) for _ in range(events)], dtype=pl.Int64
            ).cast(pl.Datetime("ms", "UTC")),
            "billing_type": chance.choices(["SYSTEM", "BYOK"], [9, 1], k=events),
            "plan": chance.choices(["PRO", "FREE"], [9, 1], k=events),
            "status": chance.choices(["success", "error"], [49, 1], k=events),
            **{
                name: [int(chance.paretovariate(1.1) * 100) % 300_000 for _ in range(events)]
                if name in COMMON_BUCKETS
                else [0] * events
                for name in TOKEN_BUCKETS
            },
            "service_tier": chance.choices(["", "batch", "priority"], [100 - tiers, tiers / 2, tiers / 2], k=events),
            "quantities": ['{"web_searches":1}' if chance.random() < rare else "" for _ in range(events)],
            "reported_cost_nano_usd": pl.Series([None] * events, dtype=pl.Int64),
        }
    )


def own_prices(rows: list[PriceRow], each: int = 10) -> list[PriceRow]:
    """For each organization prices of its own for some models, gpt-4o among them."""
    models = sorted({(row.provider, row.model) for row in rows if row.provider in COMMON_PROVIDERS and row.model})
    chosen = {("openai", "gpt-4o"), *random.Random(2).sample(models, each - 1)}
    shared = [row for row in rows if (row.provider, row.model) in chosen]
    return [
        replace(row, organization=f"organization-{number}", position=len(rows) + number * len(shared) + place)
        for number in range(ORGANIZATIONS)
        for place, row in enumerate(shared)
    ]


def own_terms() -> list[TermsRow]:
    """For each organization terms of its own: another basis, rounding and markup, and a change within the frame."""
    bases: tuple[Basis, ...] = ("request", "cost", "tokens")
    return [
        TermsRow(
            f"organization-{number}",
            Terms(bases[number % 3], Decimal(1000) + number, "up" if number % 4 == 3 else "exact", number * 1000),
            start,
        )
        for number in range(ORGANIZATIONS)
        for start in (ALWAYS, datetime(2026, 1, 1, tzinfo=UTC))
    ]


if __name__ == "__main__":
    main()
