"""Upkeep: what the service does beside answering, every so often, so that a small shop needs no timer for it.

Each worker has one thread for it, with a connection of its own. Whatever a task does, it does once however many
workers try: the totals have one refresher at a time, an alert is raised once. A task that fails is logged and tried
again the next time; nobody waits for one.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from ledger import clock
from ledger.access.rate_limits import forget_counts
from ledger.accounts.program import Program
from ledger.accounts.programs import list_programs
from ledger.command_line import Place, open_database
from ledger.config import Settings
from ledger.db import Database
from ledger.errors import LedgerError
from ledger.finance.metrics.watching import watch
from ledger.finance.totals.refresh import refresh

Task = Callable[[Database, Program, datetime], object]
"""``task(database, program, system_now)``."""

STATEMENT_TIMEOUT_MS: Final = 120_000


def look_out(database: Database, program: Program, system_now: datetime) -> None:
    """Raise what the thresholds of a program call for."""
    database.run(lambda connection: watch(connection, program, program.now(system_now)))


TASKS: Final[tuple[Task, ...]] = (refresh, look_out)

_log = logging.getLogger(__name__)


def keep_up(database: Database, system_now: datetime, tasks: Sequence[Task] = TASKS) -> None:
    """Do every task for every program once."""
    try:
        database.run(lambda connection: forget_counts(connection, system_now))
    except LedgerError as error:
        _log.warning("the counts of past minutes are kept: %s", error)
    with database.read() as connection:
        found = list_programs(connection)
    for program in found:
        for task in tasks:
            try:
                task(database, program, system_now)
            except Exception as error:  # noqa: BLE001  the next one must have its turn
                _log.warning("upkeep of %s failed: %s", program.name, error)


def start(place: Place) -> threading.Event:
    """Keep the books up from now on, in a thread that ends with the process or when the event is set."""
    ended = threading.Event()
    if place.settings.upkeep_seconds:
        threading.Thread(target=_run, args=(place, ended), name="upkeep", daemon=True).start()
    return ended


def _run(place: Place, ended: threading.Event) -> None:
    database = open_database(place.app_url, _patient(place.settings))
    try:
        while not ended.wait(place.settings.upkeep_seconds):
            try:
                keep_up(database, clock.system_now())
            except Exception as error:  # noqa: BLE001  the server may be away for a while
                _log.warning("upkeep failed: %s", error)
    finally:
        database.close()


def _patient(settings: Settings) -> Settings:
    return replace(settings, pool_size=1, statement_timeout_ms=STATEMENT_TIMEOUT_MS)
