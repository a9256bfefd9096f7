"""The service where it may do nothing but serve: as in its container, without one.

The file system is read-only but for shared memory, no capability is left and none can be gained; the database is
reached over TCP, and proves its name.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy.engine import make_url

from tests.conftest import TestDatabase
from tests.faults.service import LEDGER, SECONDS, environment, ledger
from tests.service.test_database_tls import certificate, fronted

LOCKED: Final = (
    *("unshare", "--mount", "--propagation", "private", "sh", "-c"),
    'mount -o remount,bind,ro / && ! touch "$PROBE" 2>/dev/null'
    ' && exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"',
    "locked",
)


@pytest.fixture(scope="module", autouse=True)
def able() -> None:
    """Whether this process may make the file system read-only for a child."""
    tools = all(map(shutil.which, ("unshare", "setpriv", "mount")))
    if (
        not tools
        or subprocess.run((*LOCKED, "true"), env={**os.environ, "PROBE": "/probe"}, check=False).returncode
    ):
        pytest.skip("this process may not make a file system read-only for another one")


@contextmanager
def locked_service(folder: Path, url: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """What a service on this database says first, and its process."""
    settings = {
        "LEDGER_DATABASE_URL": url,
        "LEDGER_DATABASE_TLS": "verify-full",
        "LEDGER_UNSAFE_DURABILITY": "1",
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            (*LOCKED, *LEDGER, "serve", "--port", "0"),
            env=environment(**settings, PROBE="/probe", HOME="/nonexistent", TMPDIR="/nonexistent"),
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    try:
        yield process.stdout.readline(), process
    finally:
        process.kill()
        process.wait(SECONDS)
        process.stdout.close()


def test_the_service_needs_nothing_to_write_to_and_no_power(
    fresh_database: TestDatabase, tmp_path: Path
) -> None:
    where = make_url(fresh_database.app_url)
    if "host" not in where.query:
        pytest.skip("the given server is no socket of this machine")
    owner = {"LEDGER_DATABASE_URL": fresh_database.owner_url}
    ledger("programs", "create", "default", **owner)
    key = ledger("keys", "create", "--role", "readonly", **owner).stdout.strip()
    certified = certificate(tmp_path, "db.example")
    with fronted(fresh_database.app_url, certified) as front:
        over = where.set(query={}, host="db.example", port=front.port)
        url = f"{over.render_as_string(hide_password=False)}?hostaddr=127.0.0.1&sslrootcert={certified}"
        with locked_service(tmp_path, url) as (said, process):
            assert said.startswith("Ledger ready on http://127.0.0.1:"), (tmp_path / "log").read_text()
            status = Path(f"/proc/{process.pid}/status").read_text()
            assert "CapEff:\t0000000000000000" in status
            assert "NoNewPrivs:\t1" in status
            with closing(
                HTTPConnection("127.0.0.1", int(said.rpartition(":")[2]), timeout=SECONDS)
            ) as connection:
                connection.request("GET", "/v1/program", headers={"Authorization": f"Bearer {key}"})
                assert connection.getresponse().status == 200
            process.terminate()
            assert process.wait(SECONDS) == 0
    assert "NEED NOT PROVE" not in (tmp_path / "log").read_text()
