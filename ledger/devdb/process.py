"""The processes of an embedded server: initdb, the postmaster as a direct child, and its children."""

import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ledger.devdb.account import Account, becoming
from ledger.devdb.binaries import Binaries
from ledger.devdb.folder import Folder
from ledger.devdb.trouble import DevServerError

SUPERUSER: Final = "postgres"
_INITDB_SECONDS: Final = 120


def initialise(folder: Folder, binaries: Binaries, account: Account, *, fsync: bool) -> None:
    """Make the cluster: checksums on, UTF-8, sorted by code point whatever the machine's locale."""
    # Both forms sort by code point, so 15 and 18 give the same order.
    locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if binaries.major >= 17 else ()
    # It holds the folder's `life` too, so that nobody works beside an initdb whose starter was killed.
    with folder.life() as life, folder.new_cluster(account) as cluster:
        command = (
            str(binaries.initdb),
            f"--pgdata={cluster}",
            f"--username={SUPERUSER}",
            "--auth=trust",  # the 0700 folder of the socket is the lock on the door
            "--encoding=UTF8",
            "--locale=C",
            *locale,
            "--data-checksums",
            "--no-instructions",
            *(() if fsync else ("--no-sync",)),
        )
        answer = subprocess.run(
            command,
            cwd="/",
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INITDB_SECONDS,
            check=False,
            pass_fds=(life,),
            preexec_fn=becoming(account),
        )
        if answer.returncode != 0:
            raise DevServerError(f"initdb failed on {folder.path}:\n{answer.stdout}{answer.stderr}")


def launch(
    folder: Folder, sockets: Path, binaries: Binaries, account: Account, settings: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    """Start the postmaster on the cluster; it listens on the socket alone and holds the folder's `life`."""
    fixed = {
        "listen_addresses": "",
        "unix_socket_directories": f'"{sockets}"',
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "off",
    }
    command = [str(binaries.postgres), "-D", str(folder.cluster)]
    for name, setting in {**settings, **fixed}.items():
        command += ["-c", f"{name}={setting}"]
    with folder.life() as life, folder.log() as log:
        return _from_a_lasting_thread(command, life, log, account)


def _from_a_lasting_thread(
    command: list[str], life: int, log: int, account: Account
) -> "subprocess.Popen[bytes]":
    """Fork so that the server dies with this process, not with the thread that happens to ask.

    Linux ties the signal at the parent's death to the thread that forked. Off the main thread, a thread made
    for it forks, and then stays for as long as the server lives.
    """
    if threading.current_thread() is threading.main_thread():
        return _fork(command, life, log, account)
    made: list[subprocess.Popen[bytes] | Exception] = []
    ready = threading.Event()

    def keep() -> None:
        try:
            made.append(_fork(command, life, log, account))
        except Exception as error:
            made.append(error)
        ready.set()
        if isinstance(made[0], subprocess.Popen):
            made[0].wait()

    threading.Thread(target=keep, name="postgres-keeper", daemon=True).start()
    ready.wait()
    if isinstance(made[0], Exception):
        raise made[0]
    return made[0]


def _fork(command: list[str], life: int, log: int, account: Account) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        cwd="/",
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(life,),
        # Its own session: Ctrl-C in a terminal must reach the service first, which then stops the server.
        start_new_session=True,
        preexec_fn=becoming(account),
    )


def _environment() -> dict[str, str]:
    # Neither PGDATA and its kin nor anybody's secrets reach the server.
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def children(pid: int) -> list[int]:
    """The processes whose parent is `pid`, at this moment."""
    if Path("/proc/self/stat").exists():  # small images have no ps
        return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _parent(entry) == pid]
    command = ("ps", "-A", "-o", "pid=,ppid=")
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pairs = [line.split() for line in listing.splitlines()]
    return [int(child) for child, parent in pairs if int(parent) == pid]


def _parent(entry: Path) -> int | None:
    try:
        # The program's name stands in parentheses and may hold anything; state and parent follow it.
        return int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return None
