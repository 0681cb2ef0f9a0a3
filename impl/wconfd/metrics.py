"""Figures for Prometheus, served over HTTP. Imported only with `--metrics`: without it nothing is counted."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from impl.store.port import Batch
from spec.errors import GantryError

Gauges = Callable[[], dict[str, dict[tuple[str, ...], float]]]


class MetricsAddressError(GantryError):
    """The figures cannot be served at `address`, a host and a port."""

    def __init__(self, address: tuple[str, int], reason: str) -> None:
        self.address = address
        self.reason = reason
        host, port = address
        super().__init__(f"cannot serve metrics at {host}:{port} ({reason}): give [HOST:]PORT of a free port")


_GAUGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "wconfd_waiting_requests": ("Lock requests that wait, by the level of their first lock.", ("level",)),
    "wconfd_oldest_wait_seconds": ("How long the oldest waiting lock request has waited.", ()),
    "wconfd_held_locks": ("Locks that are held directly.", ()),
    "wconfd_connections": ("Open connections.", ()),
    "wconfd_watched_processes": ("Owners' processes that are being watched.", ()),
    "wconfd_replication_lag_serials": ("Serial numbers by which a copy is behind.", ("target",)),
    "wconfd_replication_lag_seconds": ("Seconds for which a copy has been behind.", ("target",)),
}


class Metrics(Collector):
    """The figures of one daemon.

    Args:
        address: host and port.
        gauges: asked for the current values at each scrape, by metric and labels.

    Raises:
        MetricsAddressError: the address is taken, or not of this machine.
    """

    def __init__(self, address: tuple[str, int], gauges: Gauges) -> None:
        self._gauges = gauges
        registry = CollectorRegistry()
        self.requests = Counter("wconfd_requests", "Requests served.", ["method"], registry=registry)
        self.refused = Counter("wconfd_refused_requests", "Requests refused.", registry=registry)
        self.batch_calls = Histogram(
            "wconfd_batch_calls", "Calls in one batch.", buckets=[1, 2, 4, 8, 16, 32, 64, 128, 256], registry=registry
        )
        self.commit = Histogram(
            "wconfd_commit_seconds",
            "Time to make one batch durable.",
            buckets=[0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2],
            registry=registry,
        )
        self.failures = Counter("wconfd_commit_failures", "Batches that could not be written.", registry=registry)
        self.deaths = Counter("wconfd_owner_deaths", "Owners found dead.", registry=registry)
        registry.register(self)
        host, port = address
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except (OSError, UnicodeError) as error:
            raise MetricsAddressError(address, str(error)) from error

    def count_batch(self, _batch: Batch, calls: int, took: float) -> None:
        """Count a durable batch."""
        self.batch_calls.observe(calls)
        self.commit.observe(took)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the current values, for a scrape."""
        values = self._gauges()
        for name, (text, labels) in _GAUGES.items():
            family = GaugeMetricFamily(name, text, labels=labels)
            for label_values, value in values.get(name, {}).items():
                family.add_metric(label_values, value)
            yield family

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
