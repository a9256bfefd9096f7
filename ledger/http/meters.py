"""What one process counts of its own work, for Prometheus: requests, postings, refusals.

A meter is a few additions under a lock. What may vary in a label is bounded by what is declared: routes, operations
and codes. Where several workers share a folder, each writes files of its own there and whoever is asked reads all of
them, so that the page is the same whichever worker answers, and what a worker counted outlives it.
"""

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from ledger.journal import Outcome

_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"

UNMATCHED: Final = "unmatched"
"""The one route of all addresses that are no route's."""

BUCKETS_MS: Final = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000)
"""Upper bounds of the latencies that are told apart."""

_NANOSECONDS: Final = 1_000_000_000


def shared_folder() -> Path | None:
    """Where the environment lets the values of this process be kept beside those of others."""
    named = os.environ.get(_FOLDER)
    return Path(named) if named else None


def share(folder: Path) -> None:
    """Let whatever this process counts from now on be kept in ``folder``. Called once, before any meter is made.

    The library reads the environment when it is imported, which is too early for whoever makes the folder.
    """
    os.environ[_FOLDER] = str(folder)
    # Called in the process that counts, so that nothing has to ask each time which one that is.
    process = os.getpid()
    values.ValueClass = values.MultiProcessValue(lambda: process)  # type: ignore[no-untyped-call]


class Meters:
    """The meters of one application. With a ``folder``, those of all processes that were given the same one."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._registry = registry = CollectorRegistry()
        self._latency = Histogram(
            "ledger_http_request_duration_seconds",
            "From the arrival of a request to the beginning of its answer.",
            ("method", "route", "status"),
            buckets=[bound / 1_000 for bound in BUCKETS_MS],
            registry=registry,
        )
        self._in_flight = Gauge(
            "ledger_http_requests_in_flight",
            "Requests that are being answered.",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._postings = Counter(
            "ledger_postings",
            "Requests to post, rehearsals aside: posted, replayed or refused.",
            ("operation", "outcome"),
            registry=registry,
        )
        self._entries = Counter(
            "ledger_entries_posted", "Entries that these requests have added.", registry=registry
        )
        self._refusals = Counter(
            "ledger_refusals",
            "Refusals by code, those within batches included.",
            ("code",),
            registry=registry,
        )
        # Looking a child up by its labels takes longer than counting, so each is looked up once.
        self._latencies: dict[tuple[str, str, int], Histogram] = {}
        self._outcomes: dict[tuple[str, str], Counter] = {}
        self._codes: dict[str, Counter] = {}

    def begun(self) -> None:
        """A request has arrived."""
        self._in_flight.inc()

    def ended(self) -> None:
        """A request that had arrived is over."""
        self._in_flight.dec()

    def answered(self, method: str, route: str | None, status: int, nanoseconds: int) -> None:
        """A request was answered after so long; ``route`` is the pattern of its address, None where no route has it."""
        if route is None:
            method, route = "any", UNMATCHED
        key = (method, route, status // 100)
        child = self._latencies.get(key)
        if child is None:
            child = self._latencies[key] = self._latency.labels(method, route, f"{status // 100}xx")
        child.observe(nanoseconds / _NANOSECONDS)

    def posted(self, operation: str, outcome: Outcome) -> None:
        """A request to post came to this outcome, which lasts."""
        how = "refused" if outcome.error else "replayed" if outcome.replayed else "posted"
        key = (operation, how)
        child = self._outcomes.get(key)
        if child is None:
            child = self._outcomes[key] = self._postings.labels(operation, how)
        child.inc()
        if how == "posted" and outcome.entries:
            self._entries.inc(outcome.entries)

    def refused(self, code: str) -> None:
        """Something was refused with this code."""
        child = self._codes.get(code)
        if child is None:
            child = self._codes[code] = self._refusals.labels(code)
        child.inc()

    def collect(self) -> Iterator[Metric]:
        """All that was counted: by this process, or by all that share the folder."""
        for metric in self._source.collect():
            # When a child came to be is of no use to anybody, and is not known of all workers.
            metric.samples = [each for each in metric.samples if not each.name.endswith("_created")]
            yield metric

    @cached_property
    def _source(self) -> CollectorRegistry | MultiProcessCollector:
        if self.folder is None:
            return self._registry
        return MultiProcessCollector(None, str(self.folder))  # type: ignore[no-untyped-call]
