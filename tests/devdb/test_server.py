"""One server: what a new one looks like, what survives its death, and that nothing of it stays behind."""

import os
import signal
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from ledger.devdb import APP_ROLE, OWNER_ROLE, SUPERUSER, DevServer, DevServerError
from ledger.devdb.folder import SOCKET_PATH_BYTES_MAX, Folder, fits_a_socket
from ledger.devdb.process import children

from .conftest import SECONDS, OtherProcess


def show(server: DevServer, setting: str) -> str:
    with psycopg.connect(server.url(role=SUPERUSER)) as connection:
        row = connection.execute("SELECT current_setting(%s)", (setting,)).fetchone()
    assert row is not None
    return str(row[0])


def write_row(server: DevServer) -> None:
    with psycopg.connect(server.url(role=OWNER_ROLE), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (number bigint)")
        connection.execute("INSERT INTO kept VALUES (1)")


def rows(server: DevServer) -> int:
    with psycopg.connect(server.url(role=OWNER_ROLE)) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def test_new_server_keeps_every_durability_setting_on(own_server: DevServer) -> None:
    settings = ("fsync", "full_page_writes", "synchronous_commit", "data_checksums")
    assert [show(own_server, setting) for setting in settings] == ["on"] * 4


def test_server_that_may_lose_data_must_be_asked_for(tmp_path: Path) -> None:
    with DevServer.start(tmp_path, fsync=False, prefer="wheel") as server:
        settings = ("fsync", "full_page_writes", "synchronous_commit")
        assert [show(server, setting) for setting in settings] == ["off"] * 3


def test_server_listens_on_a_socket_in_a_private_folder_only(own_server: DevServer) -> None:
    assert show(own_server, "listen_addresses") == ""
    sockets = Path(show(own_server, "unix_socket_directories").strip('"'))
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700


def test_owner_owns_the_database_and_the_application_owns_nothing(own_server: DevServer) -> None:
    with psycopg.connect(own_server.url()) as connection:
        query = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        assert connection.execute(query).fetchone() == (OWNER_ROLE,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine (number bigint)")
    for role in (OWNER_ROLE, APP_ROLE):
        with psycopg.connect(own_server.url(role=role)) as connection:
            assert connection.execute("SELECT current_setting('is_superuser')").fetchone() == ("off",)


def test_text_sorts_by_code_point(own_server: DevServer) -> None:
    with psycopg.connect(own_server.url()) as connection:
        query = (
            "SELECT string_agg(word, '' ORDER BY word) FROM unnest(ARRAY['b', 'ä', 'B', '积', 'a']) AS word"
        )
        assert connection.execute(query).fetchone() == ("Babä积",)


def test_address_is_read_by_sqlalchemy_too(own_server: DevServer) -> None:
    engine = create_engine(own_server.url(role=SUPERUSER))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT current_database()")) == "ledger"
    engine.dispose()


def test_clone_of_a_database_has_its_rows(own_server: DevServer) -> None:
    write_row(own_server)
    own_server.create_database("copy", template="ledger")
    with psycopg.connect(own_server.url("copy", role=OWNER_ROLE)) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1,)
    own_server.drop_database("copy")


def test_committed_rows_survive_sigkill_of_every_process(tmp_path: Path) -> None:
    for times in range(1, 4):
        server = DevServer.start(tmp_path, prefer="wheel")
        write_row(server)
        server.kill()
        assert server.pid is None
        with DevServer.start(tmp_path, prefer="wheel") as again:
            assert rows(again) == times


def test_server_starts_again_after_sigkill_of_the_postmaster_alone(tmp_path: Path) -> None:
    server = DevServer.start(tmp_path, prefer="wheel")
    write_row(server)
    assert server.pid is not None
    # Nobody waits for it, so it stays as a zombie that answers to kill(pid, 0), beside orphaned backends.
    os.kill(server.pid, signal.SIGKILL)
    with DevServer.start(tmp_path, prefer="wheel") as again:
        assert rows(again) == 1
    server.kill()


def test_restart_brings_a_dead_server_back_at_its_old_address(own_server: DevServer) -> None:
    before = own_server.url()
    write_row(own_server)
    own_server.restart()  # of a server that runs, it changes nothing
    assert own_server.started_here
    own_server.kill()
    own_server.restart()
    assert own_server.url() == before
    assert rows(own_server) == 1


def test_restart_after_somebody_else_was_quicker_attaches(tmp_path: Path) -> None:
    slower = DevServer.start(tmp_path, prefer="wheel")
    slower.kill()
    with DevServer.start(tmp_path, prefer="wheel") as quicker:
        slower.restart()
        assert (slower.started_here, slower.pid) == (False, quicker.pid)
        slower.stop()
        assert show(quicker, "fsync") == "on"


def test_server_is_taken_over_by_whoever_restarts_it_first(
    other_process: Callable[[], OtherProcess], tmp_path: Path
) -> None:
    other = other_process()
    other.go()
    assert other.answer().started_here
    with DevServer.attach_or_start(tmp_path, prefer="wheel") as attached:
        other.finish()
        assert attached.pid is None
        attached.restart()
        assert attached.started_here
        again = other_process()
        again.go()
        assert not again.answer().started_here
        assert show(attached, "fsync") == "on"
    assert Folder.open(tmp_path).is_silent()


def test_server_starts_though_a_stranger_has_its_recorded_process_id(tmp_path: Path) -> None:
    server = DevServer.start(tmp_path, prefer="wheel")
    pid_file = tmp_path / "postgres" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    server.kill()
    pid_file.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    with DevServer.start(tmp_path, prefer="wheel") as again:
        assert again.pid not in (None, os.getppid())


def test_stop_leaves_no_process_and_may_be_called_twice(tmp_path: Path) -> None:
    server = DevServer.start(tmp_path, prefer="wheel")
    assert server.pid is not None
    members = [server.pid, *children(server.pid)]
    assert len(members) > 3
    with psycopg.connect(server.url()):  # an open session does not keep it alive
        server.stop()
    server.stop()
    assert server.pid not in members
    for member in members:
        with pytest.raises(ProcessLookupError):
            os.kill(member, 0)


def test_second_use_attaches_and_its_stop_does_nothing(own_server: DevServer, tmp_path: Path) -> None:
    with DevServer.attach_or_start(tmp_path, prefer="wheel") as second:
        assert not second.started_here
        assert second.pid == own_server.pid
        assert second.url() == own_server.url()
    assert show(own_server, "fsync") == "on"


def test_start_refuses_a_folder_whose_server_runs(own_server: DevServer, tmp_path: Path) -> None:
    with pytest.raises(DevServerError, match=r"runs on .* already"):
        DevServer.start(tmp_path, prefer="wheel")
    assert own_server.pid is not None


def test_other_process_attaches_and_its_end_does_not_stop_the_server(
    own_server: DevServer, other_process: Callable[[], OtherProcess]
) -> None:
    other = other_process()
    other.go()
    answer = other.answer()
    assert (answer.pid, answer.started_here) == (own_server.pid, False)
    other.finish()
    assert show(own_server, "fsync") == "on"


def test_of_many_starters_at_one_moment_exactly_one_starts(
    other_process: Callable[[], OtherProcess], tmp_path: Path
) -> None:
    others = [other_process() for _ in range(4)]
    for other in others:
        other.go()
    answers = [other.answer() for other in others]
    assert sorted(answer.started_here for answer in answers) == [False, False, False, True]
    assert len({answer.pid for answer in answers}) == 1
    for other in sorted(others, key=lambda other: answers[others.index(other)].started_here):
        other.finish()
    assert Folder.open(tmp_path).is_silent()


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="only Linux ties a child's life to its parent's"
)
def test_server_dies_with_its_starter(other_process: Callable[[], OtherProcess], tmp_path: Path) -> None:
    other = other_process()
    other.go()
    assert other.answer().started_here
    other.kill()
    assert Folder.open(tmp_path).await_silence(SECONDS)
    with DevServer.start(tmp_path, prefer="wheel") as again:
        assert show(again, "fsync") == "on"


def test_server_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    made: list[DevServer] = []
    thread = threading.Thread(target=lambda: made.append(DevServer.start(tmp_path, prefer="wheel")))
    thread.start()
    thread.join(SECONDS)
    with made[0] as server:
        assert show(server, "fsync") == "on"
    assert server.pid is None


def test_path_too_long_for_a_socket_works_and_leaves_nothing_elsewhere(tmp_path: Path) -> None:
    data = tmp_path.joinpath(*(["a-rather-long-folder-name"] * 6))
    assert len(os.fsencode(data)) > SOCKET_PATH_BYTES_MAX
    with DevServer.start(data, prefer="wheel") as server:
        sockets = Path((data / "sockets").read_text().strip())
        assert fits_a_socket(sockets)
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        with DevServer.attach_or_start(data) as second:
            assert not second.started_here
        assert show(server, "listen_addresses") == ""
    assert not sockets.exists()
    with DevServer.start(data, prefer="wheel") as again:
        assert show(again, "fsync") == "on"


def test_starter_killed_at_initdb_leaves_nothing_in_the_way(
    other_process: Callable[[], OtherProcess], tmp_path: Path
) -> None:
    other = other_process()
    other.go()
    while not list(tmp_path.glob("postgres.new.*/base")):
        assert other.process.poll() is None
    other.kill()
    with DevServer.start(tmp_path, prefer="wheel") as server:
        assert show(server, "fsync") == "on"
    assert not list(tmp_path.glob("postgres.new.*"))


def test_failed_start_says_what_postgres_said_and_leaves_no_process(tmp_path: Path) -> None:
    with pytest.raises(DevServerError, match="no_such_setting"):
        DevServer.start(tmp_path, settings={"no_such_setting": "1"}, prefer="wheel")
    assert Folder.open(tmp_path).is_silent()


def test_folder_that_cannot_be_made_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DevServerError, match="file/data"):
        DevServer.start(tmp_path / "file" / "data")
