"""A PostgreSQL for the tests, and databases on it.

Each pytest-xdist worker has a server of its own in a temporary folder: nothing is shared, so nothing needs a
lock, and no test can take another worker's database away. The schema is migrated once per worker into a
template; what commits gets a clone of it, what rolls back shares one. LEDGER_TEST_DATABASE_URL (an owner's
login with CREATEDB and CREATEROLE) runs the same tests on another server; nothing else does.

What tests write goes into memory where there is room for it: hundreds of databases are copied, and a disk that is busy
takes ten times as long for each. PYTEST_DEBUG_TEMPROOT names another folder.
"""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from ledger.devdb import APP_ROLE, OWNER_ROLE, DevServer
from ledger.migrate import upgrade

TEST_DATABASE_URL: Final = "LEDGER_TEST_DATABASE_URL"
TEMPORARY: Final = "PYTEST_DEBUG_TEMPROOT"
MEMORY: Final = Path("/dev/shm")
ROOM: Final = 4 << 30
"""Bytes that two workers have never come near."""

# Small, because workers run side by side. Tests of durability start servers of their own, with fsync on.
SERVER_SETTINGS: Final = {"shared_buffers": "64MB", "max_wal_size": "256MB", "jit": "off"}


def pytest_configure() -> None:
    """Let temporary folders lie in memory, where nobody has said otherwise."""
    if TEMPORARY not in os.environ and _is_roomy(MEMORY):
        os.environ[TEMPORARY] = str(MEMORY)


def _is_roomy(folder: Path) -> bool:
    """Whether tests may write and run there all that they have to."""
    if not os.access(folder, os.W_OK):
        return False
    return shutil.disk_usage(folder).free > ROOM and not os.statvfs(folder).f_flag & os.ST_NOEXEC


class Cluster(Protocol):
    """A server on which the tests make databases."""

    def owner_url(self, database: str) -> str: ...

    def app_url(self, database: str) -> str: ...

    def create_database(self, name: str, *, template: str | None = None) -> None: ...

    def drop_database(self, name: str) -> None: ...


@dataclass(frozen=True)
class EmbeddedCluster:
    server: DevServer

    def owner_url(self, database: str) -> str:
        return self.server.url(database, role=OWNER_ROLE)

    def app_url(self, database: str) -> str:
        return self.server.url(database, role=APP_ROLE)

    def create_database(self, name: str, *, template: str | None = None) -> None:
        self.server.create_database(name, template=template)

    def drop_database(self, name: str) -> None:
        self.server.drop_database(name)


@dataclass(frozen=True)
class GivenCluster:
    """The server of LEDGER_TEST_DATABASE_URL; the application logs in as the owner and takes on its role."""

    url: URL

    def owner_url(self, database: str) -> str:
        return self.url.set(database=database).render_as_string(hide_password=False)

    def app_url(self, database: str) -> str:
        return self.owner_url(database)

    def create_database(self, name: str, *, template: str | None = None) -> None:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self.administer(statement.format(sql.Identifier(name), sql.Identifier(template or "template1")))

    def drop_database(self, name: str) -> None:
        self.administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def prepare_role(self) -> None:
        role = sql.Identifier(APP_ROLE)
        try:
            self.administer(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            return  # another worker, or an earlier run
        self.administer(sql.SQL("GRANT {} TO CURRENT_USER").format(role))

    def administer(self, statement: sql.Composed) -> None:
        address = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement)


@dataclass(frozen=True)
class TestDatabase:
    """One database, by its two addresses: the owner migrates, the application posts."""

    __test__ = False

    name: str
    owner_url: str
    app_url: str


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    """This worker's own embedded server. Not to be killed: a test that kills starts its own."""
    folder = tmp_path_factory.mktemp("postgres")
    with DevServer.start(folder, fsync=False, settings=SERVER_SETTINGS, prefer="wheel") as running:
        yield running


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """Where this worker's databases are made."""
    if given := os.environ.get(TEST_DATABASE_URL):
        elsewhere = GivenCluster(make_url(given))
        elsewhere.prepare_role()
        return elsewhere
    return EmbeddedCluster(request.getfixturevalue("server"))


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> Iterator[str]:
    """The name of a migrated, empty database that nobody is connected to."""
    with _database(cluster, "template") as database:
        upgrade(database.owner_url)
        yield database.name


@pytest.fixture(scope="session")
def shared_database(cluster: Cluster, template: str) -> Iterator[TestDatabase]:
    """The database of all tests that roll back what they do."""
    with _database(cluster, "shared", template) as database:
        yield database


@pytest.fixture(scope="session")
def owner_url(shared_database: TestDatabase) -> str:
    return shared_database.owner_url


@pytest.fixture(scope="session")
def app_url(shared_database: TestDatabase) -> str:
    return shared_database.app_url


@pytest.fixture
def fresh_database(cluster: Cluster, template: str) -> Iterator[TestDatabase]:
    """A migrated database of this test alone, for tests that commit."""
    with _database(cluster, "fresh", template) as database:
        yield database


@pytest.fixture(scope="module")
def file_database(cluster: Cluster, template: str) -> Iterator[TestDatabase]:
    """A migrated database that the tests of one file share, each of which leaves it as it was."""
    with _database(cluster, "file", template) as database:
        yield database


@pytest.fixture
def empty_database(cluster: Cluster) -> Iterator[TestDatabase]:
    """A database of this test alone, without a schema, for tests of the migrations."""
    with _database(cluster, "empty") as database:
        yield database


@contextmanager
def _database(cluster: Cluster, purpose: str, template: str | None = None) -> Iterator[TestDatabase]:
    name = f"ledger_test_{purpose}_{uuid.uuid4().hex[:12]}"
    cluster.create_database(name, template=template)
    try:
        yield TestDatabase(name, cluster.owner_url(name), cluster.app_url(name))
    finally:
        cluster.drop_database(name)
