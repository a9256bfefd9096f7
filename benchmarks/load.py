"""A closed-loop load generator: each connection sends its next request when the last one is answered.

One process, one thread and raw sockets, because it shares the processor with what it measures. Its own
time is part of the result.
"""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.percentiles import percentile

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
PATIENCE_SECONDS = 10


@dataclass(slots=True)
class Load:
    """What came back: how often which status, and how long each took, in seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0

    def percentile(self, share: float) -> float:
        """The latency that this share of the answers did not exceed, in milliseconds."""
        return percentile(self.latencies, share) * 1e3

    def in_ms(self, shares: Sequence[float] = (0.50, 0.99)) -> dict[str, float | int | str]:
        """Statuses, and the latencies of these shares in milliseconds, as notes of a measurement."""
        statuses = " ".join(f"{status}:{times}" for status, times in sorted(self.statuses.items()))
        return {"statuses": statuses} | {
            f"p{share * 100:g}_ms": round(self.percentile(share), 2) for share in shares
        }


class Connection:
    """One connection and the one request on it."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = bytearray()
        self.expected = 0
        self.began = 0.0

    def send(self, request: bytes) -> None:
        """Send a request; the one before has been answered."""
        self.received.clear()
        self.expected = 0
        self.began = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """The status, once the whole answer has come."""
        block = self.socket.recv(65_536)
        assert block, "the service has closed the connection"
        self.received += block
        if not self.expected:
            head = self.received.find(_END)
            if head < 0:
                return None
            self.expected = head + len(_END) + _body_length(bytes(self.received[:head]))
        return int(self.received[9:12]) if len(self.received) >= self.expected else None


def generate(host: str, port: int, connections: int, seconds: float, request: Callable[[], bytes]) -> Load:
    """Keep so many connections busy for ``seconds``, each with one request after the other."""
    load, waiting = Load(), selectors.DefaultSelector()
    opened = [Connection(host, port) for _ in range(connections)]
    cpu, began = time.process_time(), time.perf_counter()
    for connection in opened:
        waiting.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send(request())
    open_requests, end = connections, began + seconds
    while open_requests:
        for key, _ in waiting.select(PATIENCE_SECONDS):
            connection = key.data
            status = connection.receive()
            if status is None:
                continue
            now = time.perf_counter()
            load.statuses[status] += 1
            load.latencies.append(now - connection.began)
            if now < end:
                connection.send(request())
            else:
                open_requests -= 1
    load.seconds, load.cpu = time.perf_counter() - began, time.process_time() - cpu
    waiting.close()
    for connection in opened:
        connection.socket.close()
    return load


def _body_length(head: bytes) -> int:
    lines = (line for line in head.split(b"\r\n") if line.lower().startswith(_LENGTH))
    return int(next(lines, _LENGTH + b"0").partition(b":")[2])
