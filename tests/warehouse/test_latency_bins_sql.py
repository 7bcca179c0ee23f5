"""The bins of the engine are those of numpy."""

import numpy as np
import pytest

from tests.warehouse.engine import Engine
from warehouse.families import OUTPUT_BUCKETS
from warehouse.latency_bins import BOUNDS, METRICS, bin_sql, bins_of

pytestmark = pytest.mark.integration


def test_sql_and_numpy_agree_at_every_boundary(engine: Engine) -> None:
    near = {value + step for value in BOUNDS for step in (-1, 0, 1) if value + step >= 0}
    values = sorted(near | {5 * 10**18})
    text = ",".join(map(str, values))
    assert answer(engine, f"SELECT {bin_sql('v')} FROM (SELECT arrayJoin([{text}]) AS v)") == [
        str(number) for number in bins_of(np.array(values)).tolist()
    ]


@pytest.mark.parametrize(
    ("tokens", "duration", "speed"),
    [
        (50, "1000", "50000"),
        (0, "1000", "\\N"),
        (50, "0", "\\N"),
        (50, "NULL", "\\N"),
        (10**12, "1", str(10**18)),
    ],
)
def test_speed_is_counted_only_for_calls_that_wrote_something(
    engine: Engine, tokens: int, duration: str, speed: str
) -> None:
    other_buckets = ", ".join(f"toUInt64(0) AS {name}" for name in OUTPUT_BUCKETS[1:])
    call = f"toUInt64({tokens}) AS output_tokens, CAST({duration} AS Nullable(Int64)) AS duration_ms"
    assert answer(engine, f"SELECT {METRICS['output_tokens_per_1000_s']} FROM (SELECT {call}, {other_buckets})") == [
        speed
    ]


def answer(engine: Engine, sql: str) -> list[str]:
    """The lines the engine answers."""
    return engine.process.ask(sql + " FORMAT TSV").split("\n")
