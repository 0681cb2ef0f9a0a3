"""Figures of wconfd over HTTP: what was counted, the gauges of the moment, and addresses that are not free."""

import socket
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from impl.store.port import Batch
from impl.wconfd.metrics import Metrics, MetricsAddressError

GAUGES: dict[str, dict[tuple[str, ...], float]] = {
    "wconfd_held_locks": {(): 7.0},
    "wconfd_waiting_requests": {("node",): 2.0, ("instance",): 1.0},
}


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    made = Metrics(("127.0.0.1", 0), lambda: GAUGES)
    yield made
    made.close()


def scraped(metrics: Metrics) -> dict[str, float]:
    with urlopen(f"http://127.0.0.1:{metrics._server.server_port}/", timeout=10) as answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_gauges_are_asked_for_at_each_scrape(metrics: Metrics) -> None:
    found = scraped(metrics)
    assert found["wconfd_held_locks"] == 7
    assert found['wconfd_waiting_requests{level="node"}'] == 2
    assert found['wconfd_waiting_requests{level="instance"}'] == 1
    assert "wconfd_connections" not in found  # nobody gave it a value
    GAUGES["wconfd_held_locks"][()] = 8.0
    assert scraped(metrics)["wconfd_held_locks"] == 8


def test_batches_are_counted_with_their_calls_and_time(metrics: Metrics) -> None:
    metrics.count_batch(Batch(), 3, 0.25)
    metrics.count_batch(Batch(), 1, 0.5)
    metrics.requests.labels("tryUpdateLocks").inc()
    metrics.refused.inc()
    found = scraped(metrics)
    assert (found["wconfd_batch_calls_count"], found["wconfd_batch_calls_sum"]) == (2, 4)
    assert found["wconfd_commit_seconds_sum"] == 0.75
    assert found['wconfd_requests_total{method="tryUpdateLocks"}'] == 1
    assert (found["wconfd_refused_requests_total"], found["wconfd_commit_failures_total"]) == (1, 0)


def test_a_host_that_is_not_of_this_machine() -> None:
    address = ("192.0.2.1", 0)
    with pytest.raises(MetricsAddressError) as caught:
        Metrics(address, dict)
    assert caught.value.address == address
    assert str(caught.value).startswith("cannot serve metrics at 192.0.2.1:0 (")


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(MetricsAddressError, match=r"\[HOST:\]PORT"):
        Metrics(("127.0.0.1", taken.getsockname()[1]), dict)
