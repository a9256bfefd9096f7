"""A database server that dies again while it is being started again."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from ledger import serving
from ledger.devdb import DevServer, DevServerError
from ledger.devdb.folder import Folder


def test_a_server_that_dies_while_it_is_prepared_is_told_as_such_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = DevServer._prepare_roles

    def die_first(server: DevServer) -> None:
        server.kill()
        prepare(server)

    with monkeypatch.context() as struck:
        struck.setattr(DevServer, "_prepare_roles", die_first)
        with pytest.raises(DevServerError):
            DevServer.start(tmp_path, fsync=False, prefer="wheel")
    assert Folder.open(tmp_path).is_silent()
    with DevServer.start(tmp_path, fsync=False, prefer="wheel") as server:
        assert server.pid


@pytest.mark.parametrize(
    "error",
    [DevServerError("no"), psycopg.OperationalError("gone"), OSError("no memory"), ValueError("a bug")],
)
def test_the_master_outlives_whatever_keeps_the_server_from_starting(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    said: list[str] = []
    dead = SimpleNamespace(pid=None, data_dir=Path("nowhere"))
    log = SimpleNamespace(error=lambda text, *details: said.append(text % details))
    master: Any = SimpleNamespace(server=dead, log=log)

    def fail(_folder: Path) -> None:
        raise error

    monkeypatch.setattr(DevServer, "attach_or_start", fail)
    serving.Master._heal(master)
    assert master.server is dead
    assert str(error) in said[-1]
