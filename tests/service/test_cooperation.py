"""A worker is one thread: whatever waits in it lets the others go on. Each fact is seen in a process of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from tests.conftest import TestDatabase
from tests.service import cooperating as programs

ROOT: Final = Path(__file__).resolve().parents[2]
SECONDS: Final = 60


def run(program: Callable[..., None], *arguments: str) -> None:
    """Run a program of ``cooperating`` to its end, which must be a good one."""
    name = program.__name__
    code = f"import sys; from tests.service import cooperating; cooperating.{name}(*sys.argv[1:])"
    done = subprocess.run(
        (sys.executable, "-c", code, *arguments),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "program",
    [
        programs.whatever_waits_is_the_event_loops,
        programs.those_who_come_together_share_a_go,
        programs.whoever_asks_nothing_is_dismissed,
        programs.whoever_has_begun_to_ask_is_not_dismissed,
        programs.what_is_there_before_the_first_request_is_not_looked_through_again,
    ],
)
def test_a_worker(program: Callable[..., None]) -> None:
    run(program)


@pytest.mark.parametrize(
    "program",
    [
        programs.a_wait_for_the_database_lets_others_go_on,
        programs.a_wait_for_a_connection_of_the_pool_lets_others_go_on,
    ],
)
def test_with_the_database(program: Callable[..., None], fresh_database: TestDatabase) -> None:
    run(program, fresh_database.app_url)


def test_a_new_connection_lets_others_go_on() -> None:
    # The path of a unix socket must be short.
    with TemporaryDirectory() as folder:
        run(programs.a_new_connection_lets_others_go_on, folder)
