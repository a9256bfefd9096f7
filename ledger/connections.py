"""Connections that give a silent server up, and notice a commit that was confirmed with a warning.

PostgreSQL keeps ``statement_timeout`` itself, so a server that hangs, or that nothing reaches any more,
would be waited for until the network gives up, which on a unix socket it never does.
"""

from collections.abc import Generator
from select import POLLIN, poll
from time import monotonic_ns
from typing import Any, ClassVar, Final, TypeVar

import psycopg
from psycopg.rows import TupleRow

Result = TypeVar("Result")

_NS_IN_MS: Final = 1_000_000


class NoAnswer(psycopg.OperationalError):
    """The server has said nothing for too long. What it was asked may have happened, or may happen yet."""


class PatientConnection(psycopg.Connection[TupleRow]):
    """A connection that closes itself and raises ``NoAnswer`` after ``patience_ms`` of silence."""

    patience_ms: ClassVar[int] = 12_000
    is_warned = False
    """Whether the server has warned of something since this was last set to False."""

    def wait(self, gen: Generator[Any, Any, Result], *args: Any, **kwargs: Any) -> Result:
        """Run an exchange with the server; the driver does so for every statement."""
        return super().wait(self._patiently(gen), *args, **kwargs)

    def _patiently(self, gen: Generator[Any, Any, Result]) -> Generator[Any, Any, Result]:
        """Pass the driver's turns through. Those in which nothing came are idle, several in a second."""
        heard_at = monotonic_ns()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if ready:
                    heard_at = monotonic_ns()
                elif monotonic_ns() - heard_at > self.patience_ms * _NS_IN_MS:
                    self.pgconn.finish()
                    raise NoAnswer("the server does not answer")
                wanted = gen.send(ready)
        except StopIteration as stop:
            result: Result = stop.value
            return result

    def listen_for_warnings(self) -> None:
        """Keep ``is_warned`` from now on."""
        self.add_notice_handler(self._hear)

    def _hear(self, diagnostic: psycopg.errors.Diagnostic) -> None:
        if diagnostic.severity_nonlocalized == "WARNING":
            self.is_warned = True

    @property
    def is_stale(self) -> bool:
        """Whether an idle connection is of no more use. Costs no round trip.

        On an idle connection a server says nothing unasked but that it goes: whatever there is to read
        is its farewell or its end.
        """
        if self.closed:
            return True
        readable = poll()
        readable.register(self.fileno(), POLLIN)
        return bool(readable.poll(0))


def patient(patience_ms: int) -> type[PatientConnection]:
    """The class of connections with this much patience."""
    return type("PatientConnection", (PatientConnection,), {"patience_ms": patience_ms})
