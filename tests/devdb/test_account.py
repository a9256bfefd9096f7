"""Which account the server runs as, and how little that account is given."""

import multiprocessing
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ledger.devdb import DevServer, DevServerError, find_binaries
from ledger.devdb.account import Account, able_to_reach, choose_account

from .conftest import SECONDS

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root switches accounts")
on_linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="capabilities are Linux's")

READ_AND_SEARCH = 1 << 2
OVERRIDE = 1 << 1


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any account may enter; pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def status(server: DevServer, field: str) -> str:
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith(f"{field}:")).split()[1]


def capabilities(server: DevServer) -> int:
    return int(status(server, "CapEff"), 16)


def answers(server: DevServer) -> bool:
    with psycopg.connect(server.url()) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)


@as_root
@on_linux
def test_root_runs_the_server_as_somebody_else_without_capabilities(open_folder: Path) -> None:
    with DevServer.start(open_folder / "data", prefer="wheel") as server:
        assert status(server, "Uid") != "0"
        if stat.S_IMODE(_closest_closed(find_binaries(prefer="wheel").folder)) & 0o001:
            assert capabilities(server) == 0


def _closest_closed(folder: Path) -> int:
    modes = [parent.stat().st_mode for parent in (folder, *folder.parents)]
    return min(modes, key=lambda mode: mode & 0o001)


@as_root
@on_linux
def test_folder_below_a_closed_one_works_and_its_parents_keep_their_permissions(open_folder: Path) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    before = [(path.stat().st_mode, path.stat().st_uid) for path in (closed, open_folder)]
    with DevServer.start(closed / "data", prefer="wheel") as server:
        assert status(server, "Uid") != "0"
        assert capabilities(server) in (READ_AND_SEARCH, OVERRIDE)
        assert answers(server)
    assert [(path.stat().st_mode, path.stat().st_uid) for path in (closed, open_folder)] == before


@as_root
@on_linux
def test_existing_folder_of_root_keeps_its_owner_and_permissions(open_folder: Path) -> None:
    data = open_folder / "data"
    data.mkdir(mode=0o700)
    with DevServer.start(data, prefer="wheel") as server:
        assert answers(server)
    assert (stat.S_IMODE(data.stat().st_mode), data.stat().st_uid) == (0o700, 0)


@as_root
@on_linux
@pytest.mark.parametrize("closed_by", ["its parent", "umask 077"])
def test_programs_closed_to_the_account_run_with_one_capability(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch, closed_by: str
) -> None:
    site = open_folder / "site"
    programs = _copy_of_the_wheel(site)
    for path in [site] if closed_by == "its parent" else site.rglob("*"):
        path.chmod(0o700 if path.is_dir() or os.access(path, os.X_OK) else 0o600)
    monkeypatch.setenv("LEDGER_POSTGRES_BIN", str(programs))
    with DevServer.start(open_folder / "data") as server:
        assert server.binaries is not None
        assert server.binaries.source == "setting"
        assert capabilities(server) in (
            (READ_AND_SEARCH, OVERRIDE) if closed_by == "its parent" else (OVERRIDE,)
        )
        assert answers(server)


def _copy_of_the_wheel(site: Path) -> Path:
    found = find_binaries(prefer="wheel")
    if found.source != "wheel":
        pytest.skip("needs the wheel, whose programs run from wherever they lie")
    package = found.folder.parent.parent
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, site / part.name)
    return site / package.name / "pginstall" / "bin"


@as_root
def test_second_start_runs_as_the_owner_of_the_files_whatever_the_setting(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_POSTGRES_OS_USER", "nobody")
    with DevServer.start(open_folder / "data", prefer="wheel") as server:
        assert answers(server)
    monkeypatch.setenv("LEDGER_POSTGRES_OS_USER", "daemon")
    owner = (open_folder / "data" / "postgres").stat().st_uid
    assert choose_account(open_folder / "data" / "postgres").uid == owner
    with DevServer.start(open_folder / "data", prefer="wheel") as server:
        assert answers(server)


@as_root
def test_account_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DevServerError, match="LEDGER_POSTGRES_OS_USER"):
        choose_account(tmp_path / "postgres", {"LEDGER_POSTGRES_OS_USER": "no-such-account"})


@as_root
def test_program_that_nobody_can_run_is_refused_with_its_name(open_folder: Path) -> None:
    program = open_folder / "initdb"
    program.write_text("not executable")
    account = choose_account(open_folder / "cluster", {"LEDGER_POSTGRES_OS_USER": "nobody"})
    with pytest.raises(DevServerError, match=str(program)):
        able_to_reach(account, program, (open_folder,))


def test_ordinary_user_runs_the_server_as_themself(open_folder: Path) -> None:
    if os.geteuid() != 0:
        with DevServer.start(open_folder / "data", prefer="wheel") as server:
            assert answers(server)
        return
    _require_open(find_binaries(prefer="wheel").folder)
    os.chown(open_folder, 65_534, 65_534)
    process = multiprocessing.get_context("fork").Process(target=_as_nobody, args=(open_folder,))
    process.start()
    process.join(SECONDS)
    assert process.exitcode == 0


def _require_open(folder: Path) -> None:
    if not all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents)):
        pytest.skip(f"{folder} is closed to ordinary users")


def _as_nobody(folder: Path) -> None:
    os.setgroups([])
    os.setgid(65_534)
    os.setuid(65_534)
    assert choose_account(folder / "data" / "postgres") == Account()
    with DevServer.start(folder / "data", prefer="wheel") as server:
        assert answers(server)
        assert (folder / "data" / "postgres").stat().st_uid == os.geteuid()
