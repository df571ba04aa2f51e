"""A histogram that is counted in often and looked at rarely.

prometheus-client's own takes a lock for each bucket and costs a check, which is counted in ten times, as much as
writing its log line. This one belongs to one thread, the event loop's, on which it is shown as well.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector


class Tally(Collector):
    """Counts amounts by size; one with labels does so for each of their values apart."""

    def __init__(
        self,
        name: str,
        documentation: str,
        labels: Sequence[str] = (),
        *,
        buckets: Sequence[float],
        registry: CollectorRegistry | None = None,
    ) -> None:
        """Args: `buckets`: the upper bounds, rising; above the last one everything is counted together."""
        self._name = name
        self._documentation = documentation
        self._label_names = tuple(labels)
        self._bounds = tuple(buckets)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0
        self._parts: dict[tuple[str, ...], Tally] = {} if labels else {(): self}
        if registry is not None:
            registry.register(self)

    def labels(self, *values: str) -> "Tally":
        """The part with these labels. Raises ValueError where they are not as many as its names."""
        part = self._parts.get(values)
        if part is None:
            if len(values) != len(self._label_names):
                raise ValueError(f"{self._name} has {len(self._label_names)} labels, not {len(values)}")
            part = self._parts[values] = Tally(self._name, self._documentation, buckets=self._bounds)
        return part

    def observe(self, amount: float) -> None:
        """Count one; of a tally with labels, on one of its parts."""
        self._counts[bisect_left(self._bounds, amount)] += 1
        self._sum += amount

    def describe(self) -> Iterator[HistogramMetricFamily]:
        yield HistogramMetricFamily(self._name, self._documentation, labels=self._label_names)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        for family in self.describe():
            for values, part in self._parts.items():
                family.add_metric([str(value) for value in values], part._cumulated(), part._sum)
            yield family

    def _cumulated(self) -> list[tuple[str, float]]:
        names = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        so_far = 0
        found: list[tuple[str, float]] = []
        for name, count in zip(names, self._counts, strict=True):
            so_far += count
            found.append((name, so_far))
        return found
