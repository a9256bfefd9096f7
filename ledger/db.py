"""The database at the edge: one pool per process, one unit of work per batch, and the only commit.

A unit of work runs in one READ COMMITTED transaction and is rolled back unless it finishes. A deadlock,
a serialization failure, a lost race for a unique name or a connection that died before the commit was
sent reruns the whole unit, a bounded number of times: on the rerun the rival's rows are visible, so the
second answer is the right one. A connection that dies *during* the commit is never rerun: the outcome
is unknown, and only the caller's idempotency key can tell.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from psycopg import errors as pg
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ledger.errors import DatabaseUnavailable, InFlight, OutcomeUnknown, Overloaded

MAX_RUNS = 5
"""A unit that lost this many races in a row gives up with ``in_flight``."""

_LOST_RACE = (pg.DeadlockDetected, pg.SerializationFailure, pg.UniqueViolation)
_TOO_SLOW = (pg.LockNotAvailable, pg.QueryCanceled)
_NO_ROOM = (pg.InsufficientResources,)

Result = TypeVar("Result")


class Database:
    """A pool of connections to the ledger's database, and the units of work run on it."""

    def __init__(
        self,
        url: str | URL,
        *,
        role: str | None = "ledger_app",
        pool_size: int = 8,
        lock_timeout_ms: int = 3_000,
        statement_timeout_ms: int = 10_000,
    ) -> None:
        options = {
            "lock_timeout": lock_timeout_ms,
            "statement_timeout": statement_timeout_ms,
            "idle_in_transaction_session_timeout": 60_000,
            "timezone": "UTC",
        }
        if role:
            # Taken on when the session starts, so that even an owner's login has the application's
            # grants only.
            options["role"] = role
        self.engine: Engine = create_engine(
            make_url(url).set(drivername="postgresql+psycopg"),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            pool_use_lifo=True,
            connect_args={
                "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
                "connect_timeout": 5,
                "keepalives_idle": 30,
                "keepalives_interval": 10,
                "keepalives_count": 3,
                "application_name": "ledger",
            },
        )

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """Run ``work`` as one unit of work and commit it. The one place of the ledger that commits."""
        for remaining in reversed(range(MAX_RUNS)):
            with self._connected() as connection:
                # Begun by hand: work that speaks to the driver itself would go unnoticed otherwise.
                connection.begin()
                try:
                    result = work(connection)
                except (psycopg.Error, DBAPIError) as error:
                    connection.rollback()
                    self._rerun_or_raise(error, remaining)
                    continue
                try:
                    connection.commit()
                except (psycopg.Error, DBAPIError) as error:
                    self._rerun_or_raise(error, remaining, committing=True)
                    continue
                return result
        raise AssertionError("the last run either returns or raises")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reads, all of them on one snapshot; whatever is done on it is rolled back."""
        with self._connected() as connection:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
            try:
                yield connection
            except (psycopg.Error, DBAPIError) as error:
                self._rerun_or_raise(error, 0)

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            connection = self.engine.connect()
        except PoolTimeout as error:
            raise Overloaded("no database connection became free in time") from error
        except (psycopg.Error, DBAPIError) as error:
            raise DatabaseUnavailable("the database cannot be reached") from error
        with connection:
            yield connection

    def _rerun_or_raise(self, error: Exception, remaining: int, *, committing: bool = False) -> None:
        """Return when the unit may run again; raise what the caller should know otherwise."""
        cause = getattr(error, "orig", error)
        if _is_lost_connection(cause):
            # Its neighbours in the pool are as dead as this one.
            self.engine.dispose()
            if committing:
                raise OutcomeUnknown("the connection broke while the commit was under way") from error
            if not remaining:
                raise DatabaseUnavailable("the database cannot be reached") from error
            return
        if isinstance(cause, _LOST_RACE):
            if not remaining:
                raise InFlight("too many requests race for the same members") from error
            return
        if isinstance(cause, _TOO_SLOW):
            raise InFlight("another request holds the same members") from error
        if isinstance(cause, _NO_ROOM):
            raise DatabaseUnavailable("the database has no room for more work") from error
        raise error


def _is_lost_connection(cause: object) -> bool:
    if isinstance(cause, pg.OperationalError) and not isinstance(cause, psycopg.errors.lookup("55000")):
        # Without an SQLSTATE the server never answered; class 57P is the server going down.
        return cause.sqlstate is None or cause.sqlstate.startswith(("57P", "08"))
    return isinstance(cause, psycopg.InterfaceError)
