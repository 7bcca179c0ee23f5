"""Many values at once count as if each had been observed by itself."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from stream_jobs.worker.weighted_histogram import WeightedHistogram

BUCKETS = (0.5, 1.0, 4.0)
OBSERVED = st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]), st.integers(0, 5)), max_size=20)


def shown(registry: CollectorRegistry) -> list[bytes]:
    lines = generate_latest(registry).splitlines()
    return [line for line in lines if b"_created" not in line]


@given(OBSERVED)
def test_it_shows_what_the_usual_histogram_shows(observed: list[tuple[float, int]]) -> None:
    ours, usual = CollectorRegistry(), CollectorRegistry()
    many = WeightedHistogram("delay_seconds", "Delay", BUCKETS, ours)
    one = Histogram("delay_seconds", "Delay", buckets=BUCKETS, registry=usual)
    values, weights = zip(*observed, strict=True) if observed else ((), ())
    many.add(np.array(values, np.float64), np.array(weights, np.int64))
    for value, weight in observed:
        for _ in range(weight):
            one.observe(value)
    assert shown(ours) == shown(usual)
