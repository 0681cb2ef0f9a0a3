"""What luxid counts about its queue: starts, ends by status, deaths, waits, run times by opcode."""

from collections import Counter
from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client import Counter as TotalCounter

from impl.queue.status import job_status
from spec.jobs.events import Died, Effect, Event, Fail, Submit
from spec.jobs.model import Job, Timestamp

_SECONDS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0, 600.0, 3600.0)


def _between(start: Timestamp | None, end: Timestamp | None) -> float | None:
    if start is None or end is None:
        return None
    return max(0.0, end[0] - start[0] + (end[1] - start[1]) / 1e6)


class Metrics:
    """Counters of one daemon; `registry` renders them for Prometheus."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.events: Counter[str] = Counter()
        self._gauges: dict[str, Gauge] = {}
        self._submitted = TotalCounter("gantry_jobs_submitted", "Jobs accepted.", registry=self.registry)
        self._ended = TotalCounter("gantry_jobs_ended", "Jobs ended.", ["status"], registry=self.registry)
        self._deaths = TotalCounter("gantry_job_deaths", "Jobs whose process died.", registry=self.registry)
        self._refused = TotalCounter("gantry_requests_refused", "Requests the queue refused.", registry=self.registry)
        self._starts = Histogram(
            "gantry_job_start_seconds", "From choice to hand-over.", registry=self.registry, buckets=_SECONDS
        )
        self._waits = Histogram(
            "gantry_job_wait_seconds", "From submission to start.", registry=self.registry, buckets=_SECONDS
        )
        self._runs = Histogram(
            "gantry_opcode_run_seconds", "Execution by opcode.", ["opcode"], registry=self.registry, buckets=_SECONDS
        )

    def render(self, gauges: Mapping[str, float]) -> str:
        """Write all metrics in Prometheus' text format; `gauges` are the values of the moment by name."""
        for name, value in gauges.items():
            if name not in self._gauges:
                self._gauges[name] = Gauge(f"gantry_{name}", name.replace("_", " ") + ".", registry=self.registry)
            self._gauges[name].set(value)
        return generate_latest(self.registry).decode()

    def count(self, event: Event, effects: Sequence[Effect]) -> None:
        """Count an event that took place."""
        self.events[type(event).__name__] += 1
        if isinstance(event, Submit) and not any(isinstance(effect, Fail) for effect in effects):
            self._submitted.inc(len(event.jobs))
        elif isinstance(event, Died):
            self._deaths.inc()
        if any(isinstance(effect, Fail) for effect in effects):
            self._refused.inc()

    def count_start(self, seconds: float) -> None:
        """Count a job that was handed over."""
        self._starts.observe(seconds)

    def count_end(self, job: Job) -> None:
        """Count a job that ended."""
        self._ended.labels(str(job_status(job))).inc()
        wait = _between(job.received_timestamp, job.start_timestamp)
        if wait is not None:
            self._waits.observe(wait)
        for op in job.ops:
            run = _between(op.exec_timestamp, op.end_timestamp)
            if run is not None:
                self._runs.labels(str(op.input.get("OP_ID"))).observe(run)
