"""The server that everything is measured on: one of the bench's own, with default durability, gone afterwards."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks import pgbench
from ledger.devdb import DATABASE, OWNER_ROLE, SUPERUSER, DevServer
from ledger.migrate import upgrade

Administrator = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Stage:
    """A running server and where its data are."""

    server: DevServer
    data: Path
    program: Path
    """Where pgbench is."""
    postmaster: int

    def url(self, database: str = DATABASE, role: str = "ledger_app") -> str:
        """The address of a database for a role; of the ledger as the application sees it, unless said otherwise."""
        return self.server.url(database, role)

    @property
    def owner_url(self) -> str:
        """The address of the ledger for its owner."""
        return self.url(DATABASE, OWNER_ROLE)

    @property
    def pgbench_url(self) -> str:
        """The address of pgbench's tables."""
        return self.url(pgbench.DATABASE, SUPERUSER)

    def prepare_pgbench(self) -> None:
        """Make pgbench's tables."""
        self.server.create_database(pgbench.DATABASE)
        pgbench.initialise(self.program, self.pgbench_url)

    def prepare_ledger(self) -> None:
        """Make the ledger's tables."""
        upgrade(self.owner_url)


@contextmanager
def stage(folder: Path | None) -> Iterator[tuple[Stage, Administrator]]:
    """Start a server below ``folder``, with a connection of its superuser's to the ledger."""
    with tempfile.TemporaryDirectory(prefix="ledger-bench-", dir=folder) as made:
        data = Path(made) / "data"
        with (
            DevServer.start(data, prefer="wheel") as server,
            psycopg.connect(server.url(DATABASE, SUPERUSER), autocommit=True) as administrator,
        ):
            assert server.binaries is not None and server.pid is not None
            yield Stage(server, data, server.binaries.folder / "pgbench", server.pid), administrator
