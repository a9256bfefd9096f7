"""The data folder of an embedded server: what lies where, and the two locks.

postgres/   the cluster, owned by the account that the server runs as
run/        the unix socket, 0700; a path too long for a socket moves to a private temporary folder instead
sockets     names that temporary folder, for the processes that attach
starting    held while somebody decides whether to start or to attach
life        held by every process of the server, by inheritance, and by nothing else
log         what the server says
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from ledger.devdb.account import Account
from ledger.devdb.trouble import DevServerError

# A unix socket's path has room for 108 bytes on Linux and 104 on macOS, with the zero at the end.
SOCKET_PATH_BYTES_MAX: Final = 103
PORT: Final = 5432  # no TCP port: PostgreSQL names the socket after it
SOCKET_FILE: Final = f".s.PGSQL.{PORT}"
_LOG_BYTES_MAX: Final = 8 * 1024 * 1024
_LOG_TAIL_BYTES: Final = 2000
_PAUSE_SECONDS: Final = 0.01


@dataclass(frozen=True, slots=True)
class Folder:
    """The data folder `path`, absolute and without symbolic links."""

    path: Path

    @classmethod
    def open(cls, path: Path) -> Self:
        """The folder, made if absent. A folder that is there already keeps its owner and its permissions."""
        try:
            # Root makes it passable, for the server's account; nothing in it is readable by others.
            path.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DevServerError(f"The data folder {path} cannot be made: {error.strerror}.") from error
        return cls(path.resolve())

    @property
    def cluster(self) -> Path:
        return self.path / "postgres"

    @property
    def _pid_file(self) -> Path:
        return self.cluster / "postmaster.pid"

    @property
    def _sockets_record(self) -> Path:
        return self.path / "sockets"

    def major(self) -> int | None:
        """The PostgreSQL version that wrote the cluster; None where there is no cluster yet."""
        try:
            return int((self.cluster / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def starting(self, seconds: int) -> Iterator[None]:
        """Be the only process that starts or attaches. The kernel frees the lock of a process that dies."""
        with self._opened("starting") as descriptor:
            if not _lock(descriptor, seconds):
                raise DevServerError(
                    f"Another process has been starting the server on {self.path} for {seconds} s."
                )
            yield

    @contextlib.contextmanager
    def life(self) -> Iterator[int]:
        """A locked descriptor for the server to inherit; freed when the last process that has it is gone."""
        with self._opened("life") as descriptor:
            if not _lock(descriptor, 0):
                raise DevServerError(f"A server lives on {self.path} already.")
            yield descriptor

    def is_silent(self) -> bool:
        """Whether no process of a server is left on this folder, orphans included."""
        return self.await_silence(0)

    def await_silence(self, seconds: int) -> bool:
        with self._opened("life") as descriptor:
            return _lock(descriptor, seconds)

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        try:
            descriptor = os.open(
                self.path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
        except OSError as error:
            raise DevServerError(f"{self.path / name} cannot be opened: {error.strerror}.") from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def log(self) -> Iterator[int]:
        """The log, opened at its end; one that has grown large makes room and is kept as log.1."""
        path = self.path / "log"
        if path.exists() and path.stat().st_size > _LOG_BYTES_MAX:
            path.rename(self.path / "log.1")
        with self._opened("log") as descriptor:
            os.lseek(descriptor, 0, os.SEEK_END)
            fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_APPEND)
            yield descriptor

    def last_of_log(self) -> str:
        try:
            return (self.path / "log").read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")
        except OSError:
            return ""

    @contextlib.contextmanager
    def new_cluster(self, account: Account) -> Iterator[Path]:
        """An empty folder for initdb, which becomes the cluster if all goes well and vanishes if not."""
        cluster = Path(tempfile.mkdtemp(prefix="postgres.new.", dir=self.path))
        try:
            account.give(cluster)
            yield cluster
            cluster.rename(self.cluster)
        except BaseException:
            shutil.rmtree(cluster, ignore_errors=True)
            raise
        _sync(self.path)

    def make_sockets(self, account: Account) -> Path:
        """A private folder for the socket, with a path that is short enough for one."""
        sockets = self.path / "run"
        if fits_a_socket(sockets):
            sockets.mkdir(mode=0o700, exist_ok=True)
        else:
            sockets = self._recorded_elsewhere() or self._make_elsewhere()
        account.give(sockets)
        return sockets

    def _make_elsewhere(self) -> Path:
        parents = [
            parent
            for parent in (tempfile.gettempdir(), "/tmp")
            if fits_a_socket(Path(parent, "ledger-12345678"))
        ]
        sockets = Path(tempfile.mkdtemp(prefix="ledger-", dir=parents[0]))
        # Written whole or not at all, because others read it without a lock.
        record = self.path / "sockets.new"
        record.write_text(f"{sockets}\n")
        record.rename(self._sockets_record)
        return sockets

    def _recorded_elsewhere(self) -> Path | None:
        try:
            sockets = Path(self._sockets_record.read_text().rstrip("\n"))
            return sockets if sockets.is_dir() and not sockets.is_symlink() else None
        except FileNotFoundError:
            return None

    def recorded_sockets(self) -> Path | None:
        """Where the socket of a server on this folder is, if there has ever been one."""
        sockets = self.path / "run"
        return sockets if fits_a_socket(sockets) else self._recorded_elsewhere()

    def remove_sockets(self, sockets: Path) -> None:
        """Remove a folder made elsewhere; the one inside the data folder stays."""
        if sockets.parent != self.path:
            shutil.rmtree(sockets, ignore_errors=True)
            self._sockets_record.unlink(missing_ok=True)

    def recorded_pid(self) -> int | None:
        """The process that says it serves this folder; nothing proves that it still lives."""
        try:
            return int(self._pid_file.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return None

    def forget_the_dead(self) -> None:
        """Remove what a killed server or initdb left behind. Call only when the folder is silent.

        PostgreSQL checks the recorded process id alone, and would refuse to start for as long as a zombie, or
        a stranger with the same id, exists.
        """
        for abandoned in self.path.glob("postgres.new.*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        self._pid_file.unlink(missing_ok=True)
        if (sockets := self.recorded_sockets()) is not None:
            (sockets / SOCKET_FILE).unlink(missing_ok=True)
            (sockets / f"{SOCKET_FILE}.lock").unlink(missing_ok=True)


def fits_a_socket(folder: Path) -> bool:
    return len(os.fsencode(folder / SOCKET_FILE)) <= SOCKET_PATH_BYTES_MAX


def _lock(descriptor: int, seconds: int) -> bool:
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(_PAUSE_SECONDS)
        else:
            return True


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
