"""An open-loop load generator: requests fall due by a schedule, whether or not the earlier ones are answered.

The latency of a request counts from the instant at which it was due, not from the one at which a connection
was free to carry it. A closed loop waits together with a service that has stalled, and so counts a stall once
that would have hit every arrival in it (coordinated omission); this one counts it for each of them.
"""

import random
import selectors
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from benchmarks.load import PATIENCE_SECONDS, Connection, Load

MAX_CONNECTIONS = 256
_READY_CONNECTIONS = 32


def arrivals(rate: float, seconds: float, seed: str) -> Iterator[float]:
    """The instants of a Poisson process of so many a second, from 0 to ``seconds``."""
    chance, due = random.Random(seed), 0.0
    while (due := due + chance.expovariate(rate)) < seconds:
        yield due


@dataclass(slots=True)
class Clock:
    """Which request is on which connection, and since when each was due. Pure: it is told the time."""

    latencies: list[float] = field(default_factory=list)
    waiting: deque[float] = field(default_factory=deque)
    """When the requests fell due that no connection is free for, the oldest first."""
    due_at: dict[int, float] = field(default_factory=dict)

    def arrive(self, due: float) -> None:
        """A request falls due."""
        self.waiting.append(due)

    def send(self, connection: int) -> None:
        """The oldest request that waits goes out on a connection."""
        assert connection not in self.due_at
        self.due_at[connection] = self.waiting.popleft()

    def answer(self, connection: int, now: float) -> None:
        """The request of a connection is answered."""
        self.latencies.append(now - self.due_at.pop(connection))


class _Pool:
    """Connections: those that are free, and a new one where none is, up to a bound."""

    def __init__(self, host: str, port: int, most: int) -> None:
        self.host, self.port, self.most = host, port, most
        # Its time-outs are exact to the microsecond; those of epoll to the millisecond, a whole latency here.
        self.selector = selectors.SelectSelector()
        self.opened: list[Connection] = []
        # The one that has rested longest goes first, so that the service closes none for its silence.
        self.free = deque(self._open() for _ in range(min(most, _READY_CONNECTIONS)))

    def take(self) -> Connection | None:
        """A free connection, or None where all are busy and there may be no more."""
        if self.free:
            return self.free.popleft()
        return self._open() if len(self.opened) < self.most else None

    def close(self) -> None:
        self.selector.close()
        for connection in self.opened:
            connection.socket.close()

    def _open(self) -> Connection:
        connection = Connection(self.host, self.port)
        self.selector.register(connection.socket, selectors.EVENT_READ, connection)
        self.opened.append(connection)
        return connection


@dataclass(frozen=True, slots=True)
class Kept:
    """What an open loop has measured, and how many connections it took at most."""

    load: Load
    connections: int


def keep_to(
    host: str,
    port: int,
    schedule: Iterator[float],
    request: Callable[[], bytes],
    connections: int = MAX_CONNECTIONS,
) -> Kept:
    """Send a request at each instant of the schedule, in seconds from now, and wait for all the answers."""
    pool, clock, load = _Pool(host, port, connections), Clock(), Load()
    cpu, began = time.process_time(), time.perf_counter()
    upcoming = next(schedule, None)
    while upcoming is not None or clock.waiting or clock.due_at:
        now = time.perf_counter() - began
        while upcoming is not None and upcoming <= now:
            clock.arrive(upcoming)
            upcoming = next(schedule, None)
        while clock.waiting and (connection := pool.take()) is not None:
            clock.send(id(connection))
            connection.send(request())
        if upcoming is None and not clock.due_at:
            continue
        pause = PATIENCE_SECONDS if upcoming is None else max(0.0, upcoming - (time.perf_counter() - began))
        for key, _ in pool.selector.select(pause):
            status = key.data.receive()
            if status is not None:
                load.statuses[status] += 1
                clock.answer(id(key.data), time.perf_counter() - began)
                pool.free.append(key.data)
    load.latencies = clock.latencies
    load.seconds, load.cpu = time.perf_counter() - began, time.process_time() - cpu
    pool.close()
    return Kept(load, len(pool.opened))
