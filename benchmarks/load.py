"""A closed-loop load generator: each connection sends its next request when the last one is answered.

One process, one thread and raw sockets, because it shares the processor with what it measures. Its own
time is part of the result.
"""

import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_PATIENCE_SECONDS = 10


@dataclass(slots=True)
class Load:
    """What came back: how often which status, and how long each took, in seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0

    def percentile(self, share: float) -> float:
        """The latency that this share of the answers did not exceed, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e3


class _Connection:
    """One connection and the one request on it."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), _PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.began = 0.0

    def send(self, request: bytes) -> None:
        self.received = b""
        self.began = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> int | None:
        """The status, once the whole answer has come."""
        block = self.socket.recv(65_536)
        assert block, "the service has closed the connection"
        self.received += block
        head, end, body = self.received.partition(_END)
        if not end or len(body) < _body_length(head):
            return None
        return int(head[9:12])


def generate(host: str, port: int, connections: int, seconds: float, request: Callable[[], bytes]) -> Load:
    """Keep so many connections busy for ``seconds``, each with one request after the other."""
    load, waiting = Load(), selectors.DefaultSelector()
    opened = [_Connection(host, port) for _ in range(connections)]
    cpu, began = time.process_time(), time.perf_counter()
    for connection in opened:
        waiting.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send(request())
    open_requests, end = connections, began + seconds
    while open_requests:
        for key, _ in waiting.select(_PATIENCE_SECONDS):
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
    for connection in opened:
        connection.socket.close()
    return load


def _body_length(head: bytes) -> int:
    lines = (line for line in head.split(b"\r\n") if line.lower().startswith(_LENGTH))
    return int(next(lines, _LENGTH + b"0").partition(b":")[2])
