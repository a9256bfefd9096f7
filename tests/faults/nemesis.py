"""What strikes a service under load: which process dies, and after how many more answers, by seed."""

import random
import signal
from dataclasses import dataclass
from enum import Enum

import psycopg

from ledger.devdb.process import children

from .clients import Progress
from .service import SECONDS, Service, kill, turns


class Victim(Enum):
    """Who gets SIGKILL."""

    WORKER = "one process that answers requests"
    SERVER = "every process of PostgreSQL at one moment, as by a power cut"
    POSTMASTER = "PostgreSQL's first process, whose children are left behind"
    SESSION = "one session's process, upon which PostgreSQL restarts all of them"


WORKERS = (Victim.WORKER,)
SERVERS = (Victim.SERVER, Victim.POSTMASTER, Victim.SESSION)


@dataclass(frozen=True)
class Blow:
    """Who is struck, which of several by ``choice``, once ``answers`` more definite answers have come."""

    victim: Victim
    answers: int
    choice: int


def make_blows(seed: int, victims: tuple[Victim, ...]) -> list[Blow]:
    """The blows of a seed."""
    chance = random.Random(f"blows {seed}")
    return [
        Blow(chance.choice(victims), chance.randint(5, 30), chance.randrange(64))
        for _ in range(chance.randint(1, 3))
    ]


def deal(service: Service, blows: list[Blow], progress: Progress) -> int:
    """Deal one blow after the other; how many fell before the clients had finished."""
    for number, blow in enumerate(blows):
        if not progress.await_more(blow.answers):
            return number
        _strike(service, blow)
    return len(blows)


def _strike(service: Service, blow: Blow) -> None:
    for _ in turns(SECONDS):
        if victims := _find(service, blow.victim):
            break
    assert victims, f"there is nobody to strike: {blow}\n{service.last_of_log()}"
    chosen = victims[blow.choice % len(victims)]
    if blow.victim is Victim.SERVER:
        kill(chosen, signal.SIGSTOP)  # so that it forks nothing while its children are counted
        for child in children(chosen):
            kill(child)
    kill(chosen)


def _find(service: Service, victim: Victim) -> list[int]:
    if victim is Victim.WORKER:
        return service.workers()
    if victim is Victim.SESSION:
        return _sessions(service)
    postmaster = service.postmaster()
    return [postmaster] if postmaster else []


def _sessions(service: Service) -> list[int]:
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'ledger' ORDER BY pid"
    try:
        with psycopg.connect(service.owner_url) as connection:
            return [pid for (pid,) in connection.execute(query)]
    except psycopg.OperationalError:
        return []
