"""A link between the ledger and PostgreSQL that a test cuts, or silences, at a moment that it names.

It reads the wire protocol just far enough to know where a message ends, whether the transaction under way
has written anything, and when its COMMIT and the answer to that go by.
"""

import contextlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from sqlalchemy.engine import make_url

_SOCKET_FILE: Final = ".s.PGSQL.5432"
_BLOCK: Final = 64 * 1024
SECONDS: Final = 30


class Moment(Enum):
    """When a fault strikes; each in a transaction that has written."""

    WRITTEN = "it has written, and its commit is not sent yet"
    COMMIT_SENT = "its commit was sent, and will not arrive"
    COMMITTED = "its commit arrived, and the answer will not"


class Link:
    """Forwards connections to the database of an address; ``url`` leads through it.

    ``cut_at`` and ``silence_at`` arm one fault for the next session that comes to the moment; ``struck``
    is set when it has. A silenced link delivers nothing in either direction and closes nothing.
    """

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        self._folder = Path(tempfile.mkdtemp(prefix="link-"))
        self._sessions: list[_Session] = []
        self._armed: tuple[Moment, bool] | None = None
        self._lock = threading.Lock()
        self.struck = threading.Event()
        self._is_open = threading.Event()
        self._is_open.set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._folder / _SOCKET_FILE))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The address of the same database, through this link."""
        query = {**self._target.query, "host": str(self._folder), "port": "5432"}
        through = self._target.set(host=None, port=None, query=query)
        return through.render_as_string(hide_password=False)

    def cut_at(self, moment: Moment) -> None:
        """Close the next session that comes to ``moment``, on both sides."""
        self._arm(moment, silently=False)

    def silence_at(self, moment: Moment) -> None:
        """Silence the whole link as soon as a session comes to ``moment``."""
        self._arm(moment, silently=True)

    def silence(self) -> None:
        """Deliver nothing from now on, and let new connections wait."""
        self._is_open.clear()

    def restore(self) -> None:
        """Deliver again, what was held back included."""
        self._is_open.set()

    def cut(self) -> None:
        """Close every session, on both sides."""
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            session.close()

    def strikes(self, moment: Moment) -> bool:
        """Whether the armed fault is for this moment, and cuts; asked by a session that comes to it."""
        with self._lock:
            if self._armed is None or self._armed[0] is not moment:
                return False
            silently, self._armed = self._armed[1], None
        if silently:
            self.silence()
        self.struck.set()
        return not silently

    def await_open(self) -> None:
        """Wait until the link delivers."""
        self._is_open.wait(SECONDS)

    def _arm(self, moment: Moment, *, silently: bool) -> None:
        with self._lock:
            self.struck.clear()
            self._armed = (moment, silently)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self.await_open()
        try:
            server = self._dial()
        except OSError:
            client.close()
            return
        session = _Session(self, client, server)
        with self._lock:
            self._sessions.append(session)
        session.run()
        with self._lock:
            self._sessions.remove(session)

    def _dial(self) -> socket.socket:
        host = self._target.query.get("host", self._target.host or "localhost")
        port = int(str(self._target.query.get("port", self._target.port or 5432)))
        if str(host).startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{host}/.s.PGSQL.{port}")
            return server
        return socket.create_connection((str(host), port), SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        self.restore()
        self.cut()
        shutil.rmtree(self._folder)


class _Session:
    """One connection through the link."""

    def __init__(self, link: Link, client: socket.socket, server: socket.socket) -> None:
        self.link = link
        self.client = client
        self.server = server
        self.has_written = False

    def run(self) -> None:
        """Forward both ways until either side ends."""
        upward = threading.Thread(target=self._forward_up, daemon=True)
        upward.start()
        self._forward_down()
        upward.join(SECONDS)
        self.client.close()
        self.server.close()

    def close(self) -> None:
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _forward_up(self) -> None:
        with contextlib.suppress(OSError):
            for message in _messages(self.client, greets=True):
                if self.has_written and _is_commit(message) and self.link.strikes(Moment.COMMIT_SENT):
                    break
                self.link.await_open()
                self.server.sendall(message)
        self.close()

    def _forward_down(self) -> None:
        with contextlib.suppress(OSError):
            for message in _messages(self.server):
                if self._is_struck(message):
                    break
                self.link.await_open()
                self.client.sendall(message)
        self.close()

    def _is_struck(self, message: bytes) -> bool:
        kind, body = message[:1], message[5:]
        if kind == b"C" and body.startswith((b"INSERT", b"UPDATE")):
            self.has_written = True
            return self.link.strikes(Moment.WRITTEN)
        if kind == b"C" and body.startswith(b"COMMIT") and self.has_written:
            return self.link.strikes(Moment.COMMITTED)
        if kind == b"Z" and body == b"I":
            self.has_written = False
        return False


def _messages(end: socket.socket, *, greets: bool = False) -> Iterator[bytes]:
    """The whole messages that come from one end; the client's first one carries no letter for its kind."""
    pending = b""
    kind_bytes = 0 if greets else 1
    while block := end.recv(_BLOCK):
        pending += block
        while len(pending) >= kind_bytes + 4:
            size = kind_bytes + int.from_bytes(pending[kind_bytes : kind_bytes + 4])
            if len(pending) < size:
                break
            yield pending[:size]
            pending, kind_bytes = pending[size:], 1


def _is_commit(message: bytes) -> bool:
    return message[:1] == b"Q" and message[5:].upper().startswith(b"COMMIT")
