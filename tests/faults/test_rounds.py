"""Rounds of seeded faults against the real service: what was promised holds, whoever dies.

A round that fails names its seed; ``LEDGER_FAULTS_SEED`` runs it again with the same plan and the same
blows. ``make faults`` runs LEDGER_FAULTS_ROUNDS of them.
"""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from .nemesis import SERVERS, WORKERS
from .rounds import Arena
from .service import Service, ledger

VICTIMS: Final = {"workers": WORKERS, "servers": SERVERS, "all": WORKERS + SERVERS}
BASE: Final = int(os.environ.get("LEDGER_FAULTS_SEED") or random.SystemRandom().randrange(10**6))
ROUNDS: Final = int(os.environ.get("LEDGER_FAULTS_ROUNDS") or 100)
PER_SERVICE: Final = 10
"""So many rounds share a service in the long run, for their books to grow."""


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with opened(tmp_path_factory.mktemp("arena")) as made:
        yield made


@contextmanager
def opened(folder: Path) -> Iterator[Arena]:
    """An arena whose books prove sound in the end, by the auditors' command."""
    service = Service(folder)
    try:
        yield Arena(service)
        assert "The books are sound." in ledger("verify", "--data", str(service.data)).stdout
    finally:
        service.close()


@pytest.mark.parametrize("victims", ["workers", "servers"])
@pytest.mark.parametrize("seed", range(1, 4))
def test_the_books_keep_every_promise_through(arena: Arena, victims: str, seed: int) -> None:
    arena.fight(seed if victims == "workers" else seed + 10, VICTIMS[victims])


@pytest.mark.faults
@pytest.mark.parametrize("first", range(BASE, BASE + ROUNDS, PER_SERVICE))
def test_a_long_run_keeps_every_promise(tmp_path: Path, first: int) -> None:
    with opened(tmp_path) as arena:
        for seed in range(first, min(first + PER_SERVICE, BASE + ROUNDS)):
            arena.fight(seed, VICTIMS["all"])
