"""The database at the edge: one pool per process, one unit of work per batch, and the only commit.

A unit of work runs in one READ COMMITTED transaction and is rolled back unless it finishes. A deadlock,
a serialization failure, a lost race for a unique name or a connection that died before the commit was
sent reruns the whole unit, a bounded number of times: on the rerun the rival's rows are visible, so the
second answer is the right one. A connection that dies *during* the commit is never rerun: the outcome
is unknown, and only the caller's idempotency key can tell.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any, Final, TypeVar

import psycopg
from psycopg import errors as pg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ledger.connections import NoAnswer, PatientConnection, patient
from ledger.errors import DatabaseUnavailable, InFlight, OutcomeUnknown, Overloaded

MAX_RUNS: Final = 5
"""A unit that lost this many races in a row gives up with ``in_flight``."""

_ERRORS: Final = (psycopg.Error, DBAPIError)
_LOST_RACE: Final = (pg.DeadlockDetected, pg.SerializationFailure, pg.UniqueViolation)
# Class 53 of the SQLSTATEs; the driver does not derive them from their class.
_NO_ROOM: Final = (
    pg.InsufficientResources,
    pg.DiskFull,
    pg.OutOfMemory,
    pg.TooManyConnections,
    pg.ConfigurationLimitExceeded,
)

Result = TypeVar("Result")


class Database:
    """A pool of connections to the ledger's database, and the units of work run on it.

    Nothing is waited for without a bound: for a connection of the pool, for a new one, for a lock, for a
    statement, and ``patience_ms`` more for the word of a server that should have ended the statement itself.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        role: str | None = "ledger_app",
        pool_size: int = 8,
        lock_timeout_ms: int = 3_000,
        statement_timeout_ms: int = 10_000,
        patience_ms: int = 2_000,
        pool_timeout_seconds: int = 2,
        connect_timeout_seconds: int = 5,
    ) -> None:
        self._url, self._role = url, role
        self._alike: list[Database] = []
        self._then: Callable[[Connection, Any], None] | None = None
        self._limits = {
            "pool_size": pool_size,
            "lock_timeout_ms": lock_timeout_ms,
            "statement_timeout_ms": statement_timeout_ms,
            "patience_ms": patience_ms,
            "pool_timeout_seconds": pool_timeout_seconds,
            "connect_timeout_seconds": connect_timeout_seconds,
        }
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
            pool_timeout=pool_timeout_seconds,
            pool_use_lifo=True,
            connect_args={
                "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
                "connect_timeout": connect_timeout_seconds,
                "keepalives_idle": 30,
                "keepalives_interval": 10,
                "keepalives_count": 3,
                "application_name": "ledger",
            },
        )
        _connect_patiently(self.engine, statement_timeout_ms + patience_ms)

    def alike(self, **limits: int) -> "Database":
        """The same database through a pool of its own, with other limits where they are named. Closed with this one."""
        database = Database(self._url, role=self._role, **(self._limits | limits))
        self._alike.append(database)
        return database

    def followed_by(self, then: Callable[[Connection, Any], None]) -> "Database":
        """The same database and pool, where ``then`` ends every unit of work; it is given what came of the unit."""
        database = copy(self)
        database._then = then
        return database

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """Run ``work`` as one unit of work and commit it. The one place of the ledger that commits."""
        for remaining in reversed(range(MAX_RUNS)):
            try:
                with self._connected() as connection:
                    # Begun by hand: work that speaks to the driver itself would go unnoticed otherwise.
                    connection.begin()
                    result = work(connection)
                    if self._then is not None:
                        self._then(connection, result)
                    _commit(connection)
                    return result
            except _ERRORS as error:
                self._rerun_or_raise(error, remaining)
        raise AssertionError("the last run either returns or raises")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reads, all of them on one snapshot; whatever is done on it is rolled back."""
        try:
            with self._connected() as connection:
                yield connection.execution_options(isolation_level="REPEATABLE READ")
        except _ERRORS as error:
            self._rerun_or_raise(error, 0)

    @contextmanager
    def glance(self) -> Iterator[Connection]:
        """A connection for a single read: no transaction, so one round trip."""
        try:
            with self._connected() as connection:
                yield connection.execution_options(isolation_level="AUTOCOMMIT")
        except _ERRORS as error:
            self._rerun_or_raise(error, 0)

    def close(self) -> None:
        """Close every pooled connection."""
        for database in self._alike:
            database.close()
        self.engine.dispose()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        """A connection of the pool, rolled back at the end; one that cannot even do that is thrown away."""
        try:
            connection = self.engine.connect()
        except PoolTimeout as error:
            raise Overloaded("no database connection became free in time") from error
        except _ERRORS as error:
            raise DatabaseUnavailable("the database cannot be reached") from error
        try:
            yield connection
        except BaseException as error:
            if _is_lost(connection):
                connection.invalidate(error)
                # Its neighbours in the pool are as dead as this one.
                self.engine.dispose()
                if isinstance(error, _ERRORS):
                    raise _ConnectionLost(_cause(error)) from error
            raise
        finally:
            with contextlib.suppress(*_ERRORS):
                connection.close()

    def _rerun_or_raise(self, error: Exception, remaining: int) -> None:
        """Return when the unit may run again; raise what the caller should know otherwise."""
        cause = _cause(error)
        if isinstance(cause, _ConnectionLost):
            if not remaining or isinstance(cause.cause, NoAnswer):
                raise DatabaseUnavailable("the database cannot be reached") from error
            return
        if isinstance(cause, _LOST_RACE):
            if not remaining:
                raise InFlight("too many requests race for the same members") from error
            return
        if isinstance(cause, pg.LockNotAvailable):
            raise InFlight("another request holds the same members") from error
        if isinstance(cause, pg.QueryCanceled):
            raise DatabaseUnavailable("the database took too long") from error
        if isinstance(cause, _NO_ROOM):
            raise DatabaseUnavailable("the database has no room for more work") from error
        raise error


class _ConnectionLost(psycopg.OperationalError):
    """The connection died before the commit was sent: nothing of the unit has happened."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _connect_patiently(engine: Engine, patience_ms: int) -> None:
    kind = patient(patience_ms)

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, args: Any, kwargs: Any) -> PatientConnection:
        connection = kind.connect(*args, **kwargs)
        connection.listen_for_warnings()
        return connection

    @event.listens_for(engine, "checkout")
    def check_out(connection: PatientConnection, _record: Any, _proxy: Any) -> None:
        if connection.is_stale:
            # The pool connects again, and no unit meets what died while it was idle.
            raise InvalidatePoolError("the server has closed an idle connection")


def _commit(connection: Connection) -> None:
    """Commit; raises ``OutcomeUnknown`` where nobody can say whether it has happened."""
    driver = _driver(connection)
    # The server would answer the COMMIT of a failed transaction with a rollback, and no error.
    assert driver.info.transaction_status != TransactionStatus.INERROR, "a unit has hidden an error"
    driver.is_warned = False
    try:
        connection.commit()
    except _ERRORS as error:
        if _is_lost(connection):
            raise OutcomeUnknown("the connection broke while the commit was under way") from error
        raise
    if driver.is_warned:
        # As when the wait for a synchronous standby is broken off: the server confirms, and the standby
        # may never hear of it. The next request with the key takes a lock, and so waits for it again.
        raise OutcomeUnknown("the server has confirmed the commit with a warning")


def _driver(connection: Connection) -> PatientConnection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, PatientConnection)
    return driver


def _is_lost(connection: Connection) -> bool:
    return connection.invalidated or _driver(connection).closed


def _cause(error: BaseException) -> Any:
    return getattr(error, "orig", error)
