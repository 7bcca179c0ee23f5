"""E31: at the start of a quarter hour ten thousand organisations arrive in one take; the warehouse is hardly asked."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest

from tests.stream_jobs.worker.fake_sink import FakeSink
from tests.stream_jobs.worker.sent import BEGIN, PARTITIONS, Log, Posted, Sent, rules
from tests.stream_jobs.worker.simulation import Simulation, Step
from warehouse.families import FAMILIES

ORGANIZATIONS = [f"org-{number:05}" for number in range(10_000)]
EVENTS_PER_ENVELOPE = 500
QUARTER = timedelta(minutes=15)
ROUTING = rules().routing


@pytest.fixture
def asked() -> Iterator[Counter[str]]:
    """How often the warehouse was asked which question."""
    counts, answer = Counter[str](), FakeSink._answer

    def counted(self: FakeSink, sql: str, tables: dict[str, Any]) -> Any:
        counts[sql.method] += 1  # type: ignore[attr-defined]
        return answer(self, sql, tables)

    with patch.object(FakeSink, "_answer", counted):
        yield counts


def herd(quarter: int, number: int = 0) -> list[Posted]:
    """One event of every organisation at the start of a quarter hour, in full envelopes."""
    homes = ROUTING.homes(pl.Series(ORGANIZATIONS)).to_list()
    posted = []
    for partition in sorted(set(PARTITIONS.values())):
        mine = [name for name, home in zip(ORGANIZATIONS, homes, strict=True) if home == partition]
        for first in range(0, len(mine), EVENTS_PER_ENVELOPE):
            events = tuple(
                Sent(number, BEGIN + quarter * QUARTER, name, thread="t", prompt="p", category="c")
                for name in mine[first : first + EVENTS_PER_ENVELOPE]
            )
            posted.append(Posted(events, partition, form="arrow", after=timedelta(0)))
    return posted


def test_e31_ten_thousand_organisations_start_a_quarter_hour(asked: Counter[str]) -> None:
    first, second = herd(0), herd(1, number=1)
    simulation = Simulation(Log([*first, *second]), window_events=1_000_000)
    simulation.live(Step(len(first), "drain"))
    assert (asked["organizations"], asked["family_rows"], asked["row_counts"]) == (2, 0, 0), "created, and read again"
    asked.clear()
    simulation.live(Step(len(second), "drain"))
    assert (asked["organizations"], asked["family_rows"], asked["row_counts"]) == (1, 0, 0)
    assert simulation.requests() == 2 * len(ORGANIZATIONS)


def test_e31_rows_of_ten_thousand_pairs_are_loaded_with_one_question_per_family(asked: Counter[str]) -> None:
    first = herd(0)
    simulation = Simulation(Log([*first, *herd(0, number=9)]), window_events=1_000_000)
    simulation.live(Step(len(first), "drain"))
    asked.clear()
    simulation.live(Step(len(first), "drain"))
    assert (asked["organizations"], asked["row_counts"], asked["family_rows"]) == (1, 1, len(FAMILIES))
    assert simulation.requests() == 2 * len(ORGANIZATIONS)
    assert len(simulation.sums("rollup", "quarter")) == len(ORGANIZATIONS)
