"""A Prometheus histogram that takes many values at once, each with a weight: arrays in, one metric family out."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

Values = npt.NDArray[np.float64]
Weights = npt.NDArray[np.int64]


class WeightedHistogram(Collector):
    """Counts weights by bucket. One thread adds; any thread may collect."""

    def __init__(self, name: str, documentation: str, buckets: Sequence[float], registry: CollectorRegistry) -> None:
        self._name = name
        self._documentation = documentation
        self._bounds = np.array(buckets, np.float64)
        self._counts = np.zeros(len(buckets) + 1, np.int64)
        self._sum = 0.0
        registry.register(self)

    def add(self, values: Values, weights: Weights) -> None:
        """Counts each value as often as its weight says."""
        places = np.searchsorted(self._bounds, values, side="left")
        self._sum += float(values @ weights)
        self._counts = self._counts + np.bincount(places, weights, len(self._counts)).astype(np.int64)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The family as Prometheus reads it: counts below each bound, added up."""
        totals = np.cumsum(self._counts).tolist()
        bounds = [*(str(bound) for bound in self._bounds.tolist()), "+Inf"]
        buckets = list(zip(bounds, totals, strict=True))
        yield HistogramMetricFamily(self._name, self._documentation, buckets=buckets, sum_value=self._sum)
