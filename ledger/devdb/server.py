"""The life of one embedded server: start, attach, stop, kill.

Whether a server lives on a data folder is asked of the kernel, not of a process id: the server and every
process that it forks hold an inherited lock on one file, so the lock is free exactly when the last of them is
gone. A zombie, a stale `postmaster.pid` or a reused process id cannot deceive it, nor can another container.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from ledger.devdb.account import able_to_reach, choose_account
from ledger.devdb.binaries import Binaries, Source, find_binaries
from ledger.devdb.folder import PORT, Folder
from ledger.devdb.process import SUPERUSER, children, initialise, launch
from ledger.devdb.trouble import DevServerError

DATABASE: Final = "ledger"
OWNER_ROLE: Final = "ledger_owner"
APP_ROLE: Final = "ledger_app"

_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 30
_PAUSE_SECONDS: Final = 0.01
_UNSAFE: Final = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class DevServer:
    """A running embedded server.

    Get one from `attach_or_start`, and use it as a context manager: leaving it stops what it started.
    """

    binaries: Binaries | None = None
    """The programs in use; None where another process has started the server."""

    def __init__(
        self, folder: Folder, fsync: bool, settings: Mapping[str, str], prefer: Source | None
    ) -> None:
        self._folder = folder
        self._settings = {**({} if fsync else _UNSAFE), **settings}
        self._initialise_with_fsync = fsync
        self._prefer = prefer
        self._process: subprocess.Popen[bytes] | None = None
        self._starter: int | None = None

    @classmethod
    def attach_or_start(
        cls,
        data_dir: Path | str,
        *,
        fsync: bool = True,
        settings: Mapping[str, str] | None = None,
        prefer: Source | None = None,
    ) -> Self:
        """The server of `data_dir`: the one that runs already, or else a new one that this process owns.

        Of several processes that ask at one moment exactly one starts it. A new data folder gets a cluster,
        the roles ledger_owner and ledger_app, and the database `ledger`. `fsync=False` is for tests whose
        data may be lost; it and `settings` do not change a server that runs already. Raises DevServerError.
        """
        server = cls(Folder.open(Path(data_dir)), fsync, settings or {}, prefer)
        server.restart()
        return server

    @classmethod
    def start(
        cls,
        data_dir: Path | str,
        *,
        fsync: bool = True,
        settings: Mapping[str, str] | None = None,
        prefer: Source | None = None,
    ) -> Self:
        """As attach_or_start, but refuses where a server runs already."""
        server = cls.attach_or_start(data_dir, fsync=fsync, settings=settings, prefer=prefer)
        if not server.started_here:
            raise DevServerError(f"A server runs on {data_dir} already.")
        return server

    def restart(self) -> None:
        """Where the server has died, start it again at its old address; where it runs, do nothing.

        A server whose starter has ended may be taken over in this way by one that was attached to it.
        """
        with self._folder.starting(_START_SECONDS):
            sockets = _running(self._folder)
            if sockets is None:
                self._start()
                return
            self._sockets = sockets
            if self._process is not None and self._process.poll() is not None:
                # Somebody else was quicker: the server that runs is theirs.
                self._process = self._starter = self.binaries = None

    def _start(self) -> None:
        folder = self._folder
        binaries = find_binaries(prefer=self._prefer, major=folder.major())
        account = choose_account(folder.cluster)
        self._sockets = folder.make_sockets(account)
        account = able_to_reach(account, binaries.initdb, (folder.path, self._sockets))
        if folder.major() is None:
            initialise(folder, binaries, account, fsync=self._initialise_with_fsync)
        self._process = launch(folder, self._sockets, binaries, account, self._settings)
        self._starter = os.getpid()
        self.binaries = binaries
        try:
            self._await_answer()
            self._prepare_roles()
        except psycopg.OperationalError as error:
            self.kill()
            raise DevServerError(f"PostgreSQL on {self.data_dir} died as soon as it ran: {error}") from error
        except BaseException:
            self.kill()
            raise

    @property
    def started_here(self) -> bool:
        """Whether this very process started the server: not one that attached, nor a fork of the starter."""
        return self._starter == os.getpid()

    @property
    def data_dir(self) -> Path:
        return self._folder.path

    @property
    def pid(self) -> int | None:
        """The process id of the postmaster; None once it has stopped."""
        if self._process is not None and self.started_here:
            return self._process.pid if self._process.poll() is None else None
        return None if self._folder.is_silent() else self._folder.recorded_pid()

    def url(self, database: str = DATABASE, role: str = APP_ROLE) -> str:
        """An address that SQLAlchemy, psycopg and libpq all read."""
        host = quote(str(self._sockets), safe="")
        return f"postgresql://{quote(role)}@/{quote(database)}?host={host}&port={PORT}"

    def create_database(self, name: str, *, template: str | None = None) -> None:
        """A database owned by ledger_owner, a copy of `template` where one is named.

        PostgreSQL refuses while anybody is connected to the template.
        """
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(OWNER_ROLE), sql.Identifier(template or "template1")
        )
        self._administer(statement)

    def drop_database(self, name: str) -> None:
        """Remove a database if it exists, with whatever is still connected to it."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def stop(self) -> None:
        """Shut down what this process started, and return when no process of it is left; else do nothing.

        Sessions that are still open are ended and their transactions rolled back.
        """
        if self._process is None or not self.started_here:
            return
        for request in (signal.SIGINT, signal.SIGQUIT):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.send_signal(request)
                self._process.wait(_STOP_SECONDS)
                break
        else:
            self.kill()
        self._folder.remove_sockets(self._sockets)

    def kill(self) -> None:
        """SIGKILL every process of the server at once, as a power cut would; for tests of what survives.

        Whether or not this process started it. Returns when the last one is gone.
        """
        pid = self.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)  # so that it forks nothing while its children are counted
                for member in (*children(pid), pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(member, signal.SIGKILL)
        if self._process is not None and self.started_here:
            self._process.wait(_STOP_SECONDS)
        if not self._folder.await_silence(_STOP_SECONDS):
            raise DevServerError(f"Processes of the server on {self.data_dir} outlived SIGKILL.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _await_answer(self) -> None:
        assert self._process is not None
        for _ in _turns(_START_SECONDS):
            if _answers(self._sockets):
                return
            if self._process.poll() is not None:
                raise DevServerError(
                    f"PostgreSQL did not start on {self.data_dir}:\n{self._folder.last_of_log()}"
                )
        raise DevServerError(f"PostgreSQL on {self.data_dir} does not answer:\n{self._folder.last_of_log()}")

    def _prepare_roles(self) -> None:
        # Asked at every start, so that a kill between initdb and here leaves nothing half done for ever.
        with _connect(self._sockets) as connection:
            present = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
            for role in (OWNER_ROLE, APP_ROLE):
                if role not in present:
                    connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
            # Lets the owner's login take on the application's role, and so lose its own rights.
            connection.execute(
                sql.SQL("GRANT {} TO {}").format(sql.Identifier(APP_ROLE), sql.Identifier(OWNER_ROLE))
            )
            databases = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        if DATABASE not in databases:
            self.create_database(DATABASE)

    def _administer(self, statement: sql.Composed) -> None:
        with _connect(self._sockets) as connection:
            connection.execute(statement)


def _running(folder: Folder) -> Path | None:
    """The socket folder of the server that runs here, or None once it is certain that none does.

    A server that starts up or shuts down holds the lock and does not answer; it is waited for.
    """
    for _ in _turns(_START_SECONDS):
        sockets = folder.recorded_sockets()
        if sockets is not None and _answers(sockets):
            return sockets
        if folder.is_silent():
            folder.forget_the_dead()
            return None
    raise DevServerError(
        f"Processes of a former server still hold {folder.path} (process {folder.recorded_pid()} and its "
        f"children), but none answers. End them, then start again.\n{folder.last_of_log()}"
    )


def _connect(sockets: Path) -> "psycopg.Connection[tuple[object, ...]]":
    return psycopg.connect(
        host=str(sockets), port=PORT, user=SUPERUSER, dbname="postgres", autocommit=True, connect_timeout=5
    )


def _answers(sockets: Path) -> bool:
    try:
        with _connect(sockets) as connection:
            connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _turns(seconds: int) -> Iterator[None]:
    """Turns of a loop that asks again after a short pause, until the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(_PAUSE_SECONDS)
