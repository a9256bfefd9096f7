"""A worker of the service: one thread that serves all its callers, each in a greenlet of its own.

Whatever waits (for a caller, for PostgreSQL, for a lock) lets the others go on; so nothing may wait in any other
way. Gunicorn's worker makes the standard library do so once it has been forked; here the driver is told as well.
"""

import gc
import selectors
from collections.abc import Generator
from types import TracebackType
from typing import Any, ClassVar, Final, TypeVar

import gevent
import gevent.pool
import gevent.server
from gevent.socket import wait_read, wait_readwrite, wait_write
from gunicorn.http import wsgi
from gunicorn.workers.ggevent import GeventWorker
from psycopg import waiting

Result = TypeVar("Result")

_LOOK_SECONDS: Final = 1 / 20
"""How soon a signal to stop is noticed."""
_GRACE_MS: Final = 500
_WAITS: Final = {
    waiting.Wait.R: (wait_read, waiting.Ready.R),
    waiting.Wait.W: (wait_write, waiting.Ready.W),
    waiting.Wait.RW: (wait_readwrite, waiting.Ready.RW),
}
_wait_anew: Final = waiting.wait_selector


class Worker(GeventWorker):  # type: ignore[misc]
    """Gunicorn's gevent worker, which gives silent callers up and does not wait for those who ask nothing."""

    caller_ms: ClassVar[int] = 30_000
    """How long a caller may fall silent."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.idle: dict[_Between, gevent.Greenlet] = {}

    def patch(self) -> None:
        super().patch()
        let_driver_cooperate()
        wsgi.Response = Answer

    def load_wsgi(self) -> None:
        super().load_wsgi()
        # What is there now stays, and need not be looked through again and again.
        gc.collect()
        gc.freeze()

    def timeout_ctx(self) -> "_Between":
        """What bounds the wait for a request, its head included."""
        return _Between(min(self.cfg.keepalive * 1_000, self.caller_ms), self.idle)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        # Later than the bound of the wait for a request, which ends quietly.
        client.settimeout((self.caller_ms + _GRACE_MS) / 1_000)
        super(GeventWorker, self).handle(listener, client, addr)

    def run(self) -> None:
        """Serve until told to stop; then answer what was asked, and no more."""
        servers = [self._server(each) for each in self.sockets]
        for server in servers:
            server.start()
        while self.alive:
            self.notify()
            gevent.sleep(_LOOK_SECONDS)
        for server in servers:
            server.close()
        with gevent.Timeout(self.cfg.graceful_timeout, exception=False):
            while any(server.pool for server in servers):
                self._dismiss_idle()
                self.notify()
                gevent.sleep(_LOOK_SECONDS)

    def _server(self, listener: Any) -> gevent.server.StreamServer:
        def handle(client: Any, address: Any) -> None:
            self.handle(listener, client, address)

        listener.setblocking(1)
        server = gevent.server.StreamServer(
            listener, handle=handle, spawn=gevent.pool.Pool(self.worker_connections)
        )
        # Another worker may be less busy.
        server.max_accept = 1
        return server

    def _dismiss_idle(self) -> None:
        """Close the connections on which nobody is asking anything."""
        for between in list(self.idle):
            gevent.get_hub().loop.run_callback(self._dismiss, between)

    def _dismiss(self, between: "_Between") -> None:
        # He may have begun to ask since.
        if (greenlet := self.idle.get(between)) is not None:
            greenlet.throw(between)


class Answer(wsgi.Response):  # type: ignore[misc]
    """Gunicorn's answer, whose head leaves together with the first of its body: one write, one packet."""

    head = b""
    headers_sent: bool

    def send_headers(self) -> None:
        if not self.headers_sent:
            lines = [
                *self.default_headers(),
                *(f"{name}: {value}\r\n" for name, value in self.headers),
                "\r\n",
            ]
            self.head = "".join(lines).encode("latin-1")
            self.headers_sent = True

    def close(self) -> None:
        self.send_headers()
        if self.head:
            self._emit_body(b"")
        super().close()

    def _emit_body(self, data: bytes) -> None:
        head, self.head = self.head, b""
        if self.chunked and data:
            data = b"%X\r\n%b\r\n" % (len(data), data)
        self.sock.sendall(head + data)


class _Between(gevent.Timeout):  # type: ignore[misc]
    """The time in which a caller has not asked yet; it ends quietly, and by whoever throws it."""

    def __init__(self, milliseconds: int, idle: "dict[_Between, gevent.Greenlet]") -> None:
        super().__init__(milliseconds / 1_000, exception=False)
        self.idle = idle

    def __enter__(self) -> "_Between":
        self.idle[self] = gevent.getcurrent()
        # Without a turn of the others, a caller who asks quickly would be served alone.
        gevent.sleep(0)
        super().__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> Any:
        del self.idle[self]
        return super().__exit__(kind, value, trace)


def let_driver_cooperate() -> None:
    """Let PostgreSQL's driver wait by the event loop. It was imported before the loop was there."""
    waiting.DefaultSelector = selectors.DefaultSelector  # type: ignore[attr-defined]
    waiting.wait = wait  # type: ignore[assignment]


def wait(
    exchange: Generator[Any, Any, Result], fileno: int, interval: Any = 1 / 10, timeout: Any = None
) -> Result:
    """Run an exchange of the driver with the server; others go on whenever it waits.

    Every ``interval`` seconds of silence it has a turn without news. As the driver's own, which makes a selector
    each time.
    """
    if timeout is not None:
        return _wait_anew(exchange, fileno, interval, timeout)
    try:
        wanted = next(exchange)
        while True:
            wait_for, ready = _WAITS[wanted]
            try:
                wait_for(fileno, interval)
            except TimeoutError:
                ready = waiting.Ready.NONE
            wanted = exchange.send(ready)
    except StopIteration as stop:
        result: Result = stop.value
        return result
