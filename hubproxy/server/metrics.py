"""Counters and gauges for Prometheus."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Gauges = Callable[[], Iterable[tuple[str, str, float]]]
"""Gives (name, help, value) of what is measured when somebody looks."""


class _Gauges(Collector):
    def __init__(self, read: Gauges) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        for name, text, value in self._read():
            yield GaugeMetricFamily(name, text, value=value)


class Metrics:
    """The metrics of one daemon, in a registry of their own.

    Args:
        hubs: the configured hubs; any other counts as `other`, so that nobody outside can
            make up labels.
        gauges: read at each scrape.

    """

    def __init__(self, hubs: Iterable[str], gauges: Gauges) -> None:
        self._hubs = frozenset(hubs)
        self._registry = CollectorRegistry()
        self._registry.register(_Gauges(gauges))
        self._requests = Counter(
            "hubproxy_requests", "Answers", ["hub", "outcome", "code"], registry=self._registry
        )
        self._cache = Counter(
            "hubproxy_cache", "Modules served, by hit or miss", ["hub", "result"],
            registry=self._registry,
        )  # fmt: skip
        self._aborted = Counter(
            "hubproxy_aborted", "Answers that ended early", ["hub", "code"],
            registry=self._registry,
        )  # fmt: skip
        self._bytes = Counter(
            "hubproxy_sent_bytes", "Bytes of modules sent", ["hub"], registry=self._registry
        )
        self._latency = Histogram(
            "hubproxy_upstream_first_byte_seconds",
            "Time until upstream's answer began",
            ["hub"],
            buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
            registry=self._registry,
        )

    def answered(self, hub: str, *, outcome: str, code: str = "") -> None:
        self._requests.labels(self._hub(hub), outcome, code).inc()

    def sent(self, hub: str, *, cache: str, count: int) -> None:
        """Count a body, whole or not, and its bytes that were sent."""
        self._cache.labels(self._hub(hub), cache).inc()
        self._bytes.labels(self._hub(hub)).inc(count)

    def aborted(self, hub: str, *, code: str) -> None:
        """Count an answer that ended early; as an answer it was counted before."""
        self._aborted.labels(self._hub(hub), code).inc()

    def upstream_answered(self, hub: str, seconds: float) -> None:
        self._latency.labels(self._hub(hub)).observe(seconds)

    def text(self) -> bytes:
        """The exposition format of Prometheus, version 0.0.4."""
        return generate_latest(self._registry)

    def _hub(self, hub: str) -> str:
        return hub if hub in self._hubs else "other"
