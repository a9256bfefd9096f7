"""What two real workers count is one page, whichever of them is asked, and outlives them."""

import os
import signal
import stat
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ledger.devdb.process import children
from tests.faults.service import SECONDS, Service, await_fact, kill

ASKED: Final = 60
TOKEN: Final = "the-token-of-the-scraper"
MEMORY: Final = Path("/dev/shm")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    running = Service(tmp_path, "--workers", "2", LEDGER_METRICS_TOKEN=TOKEN)
    try:
        yield running
    finally:
        running.close()


def get(service: Service, path: str, token: str | None = None) -> tuple[int, str]:
    """Status and body of a request on a connection of its own."""
    connection = HTTPConnection("127.0.0.1", service.port, timeout=SECONDS)
    try:
        headers = {"Connection": "close"} | ({"Authorization": f"Bearer {token}"} if token else {})
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def counted(service: Service, name: str, **labels: str) -> float:
    status, page = get(service, "/metrics", TOKEN)
    assert status == 200, page
    return sum(
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def lives(service: Service) -> float:
    return counted(service, "ledger_http_request_duration_seconds_count", route="/livez")


def folder_of(service: Service) -> Path:
    """Where the workers of this service keep what they count."""
    (worker, *_) = service.workers()
    maps = Path(f"/proc/{worker}/maps").read_text().splitlines()
    (folder,) = {Path(line.split()[-1]).parent for line in maps if line.endswith(".db")}
    return folder


def workers_that_counted(folder: Path, service: Service) -> set[int]:
    """The workers that have answered something."""
    files = folder.glob("histogram_*.db")
    return {int(path.stem.partition("_")[2]) for path in files} & set(service.workers())


def is_replaced(service: Service, victim: int) -> bool:
    workers = service.workers()
    return victim not in workers and len(workers) == 2


def ask_both(service: Service) -> int:
    """Ask for life until each worker has answered; how often it was asked."""
    asked, folder = 0, folder_of(service)
    with ThreadPoolExecutor(16) as pool:
        while len(workers_that_counted(folder, service)) < 2 or not asked:
            statuses = list(pool.map(lambda _: get(service, "/livez")[0], range(ASKED)))
            assert statuses == [200] * ASKED
            asked += ASKED
    return asked


def test_all_that_both_workers_have_answered_is_counted_whichever_is_asked(service: Service) -> None:
    asked = ask_both(service)
    assert [lives(service) for _ in range(12)] == [asked] * 12


def test_what_a_killed_worker_has_counted_stays_and_what_it_was_doing_does_not(service: Service) -> None:
    asked = ask_both(service)
    for victim in service.workers():
        kill(victim)
        await_fact(partial(is_replaced, service, victim))
        service.await_status(200)
    assert lives(service) == asked
    # The scrape itself, and nothing of the dead.
    await_fact(lambda: counted(service, "ledger_http_requests_in_flight") == 1)
    again = ask_both(service)
    assert lives(service) == asked + again


def test_refusals_of_both_workers_are_counted_by_code(service: Service) -> None:
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda n: get(service, f"/lost/{n}")[0], range(ASKED)))
    assert statuses == [404] * ASKED
    assert counted(service, "ledger_refusals_total", code="not_found") == ASKED
    assert counted(service, "ledger_http_request_duration_seconds_count", route="unmatched") == ASKED


def test_the_token_is_demanded_by_the_service(service: Service) -> None:
    assert [get(service, "/metrics", token)[0] for token in (None, "another-token-of-them")] == [401, 401]
    assert get(service, "/metrics", TOKEN)[0] == 200
    assert get(service, "/livez")[0] == 200


def test_counts_are_kept_in_a_private_folder_in_memory_that_goes_with_the_service(service: Service) -> None:
    folder = folder_of(service)
    assert folder.parent == (MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir()))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    kill(service.workers()[0], signal.SIGTERM)
    await_fact(lambda: len(service.workers()) == 2)
    service.await_status(200)
    # A worker that ends leaves the folder to the others.
    assert folder.is_dir()
    assert children(service.process.pid)
    service.stop()
    assert not folder.exists()
