"""Which operating-system account runs the server, and how a child process becomes that account.

PostgreSQL refuses to run as root. Started by root, it runs as an account that already exists; none is added,
and no permission of a folder that this package did not make is ever widened.
"""

import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ledger.devdb.trouble import DevServerError

SETTING: Final = "LEDGER_POSTGRES_OS_USER"
ACCOUNTS: Final = ("postgres", "nobody")

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_SECUREBITS: Final = 28
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_RAISE: Final = 2
_SECBIT_NO_SETUID_FIXUP: Final = 1 << 2
_CAPABILITY_VERSION: Final = 0x20080522
_CAP_DAC_OVERRIDE: Final = 1
_CAP_DAC_READ_SEARCH: Final = 2
_PROBE_SECONDS: Final = 20

# Enter the folders of the data and the socket; then initdb finds itself, the server and their shared files,
# and does nothing.
_PROBE: Final = """
initdb=$1; shift
for folder; do cd -- "$folder" || exit 1; done
exec "$initdb" --show --pgdata=/nonexistent --username=postgres
"""


@dataclass(frozen=True, slots=True)
class Account:
    """Who the server runs as; `uid` is None where the caller's own account does, and nothing is switched."""

    uid: int | None = None
    gid: int | None = None
    capability: int | None = None

    def give(self, path: Path) -> None:
        """Hand a file or folder that the caller has just made to this account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def choose_account(cluster: Path, environ: Mapping[str, str] = os.environ) -> Account:
    """The account for a server on `cluster`.

    It is the caller's own; for root it is the owner of the files if there are any, then the account that
    LEDGER_POSTGRES_OS_USER names, then the first of ACCOUNTS that exists.
    """
    if os.geteuid() != 0:
        return Account()
    if cluster.exists() and cluster.stat().st_uid != 0:
        owner = cluster.stat()
        return Account(owner.st_uid, owner.st_gid)
    names = (environ[SETTING],) if environ.get(SETTING) else ACCOUNTS
    entries = {entry.pw_name: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    for name in names:
        if name in entries:
            return Account(entries[name].pw_uid, entries[name].pw_gid)
    raise DevServerError(
        f"PostgreSQL does not run as root, and no account {' or '.join(names)} exists; set {SETTING}."
    )


def able_to_reach(account: Account, initdb: Path, folders: Sequence[Path]) -> Account:
    """The account with the least capability that lets it run the programs and enter `folders`.

    A 0700 folder of root's, such as mktemp makes, is closed to any other account. Opening it would change a
    folder of somebody else, so the child keeps one capability instead: first the one that only reads and
    searches; where that one is not to be had (containers often drop it) or does not suffice (programs
    installed under umask 077), the one that overrides file permissions. Where nothing is in the way, none
    is kept.
    """
    if account.uid is None:
        return account
    ladder = (None, _CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE) if sys.platform == "linux" else (None,)
    for capability in ladder:
        candidate = replace(account, capability=capability)
        if _reaches(candidate, initdb, folders):
            return candidate
    raise DevServerError(
        f"Account {account.uid} cannot run {initdb}, or cannot enter {', '.join(map(str, folders))}. "
        f"Choose folders that it may enter, or run as an ordinary user."
    )


def _reaches(account: Account, initdb: Path, folders: Sequence[Path]) -> bool:
    command = ("/bin/sh", "-c", _PROBE, "probe", str(initdb), *map(str, folders))
    try:
        answer = subprocess.run(
            command,
            cwd="/",
            capture_output=True,
            timeout=_PROBE_SECONDS,
            check=False,
            preexec_fn=becoming(account),
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return answer.returncode == 0


def becoming(account: Account) -> Callable[[], None]:
    """What a forked child does before it executes its program: become the account, and die with its parent.

    The signal at the parent's death is SIGINT, PostgreSQL's fast shutdown: open transactions are rolled back,
    a checkpoint is written, and the next start needs no recovery. SIGQUIT would be quicker now, slower then.
    """
    libc = _libc()  # loaded before the fork: a forked child should load nothing
    parent = os.getpid()

    def become() -> None:
        if account.uid is not None and account.gid is not None:
            _switch(libc, account.uid, account.gid, account.capability)
        if sys.platform == "linux":
            # After the switch, because the kernel forgets this signal whenever credentials change.
            _check(libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0))
            if os.getppid() != parent:  # the parent died before the line above
                os._exit(1)

    return become


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        libc.prctl.argtypes = (ctypes.c_int, *(4 * [ctypes.c_ulong]))
    return libc


def _switch(libc: ctypes.CDLL, uid: int, gid: int, capability: int | None) -> None:
    if capability is not None:
        # Leaving root would drop every capability, and access(2), by which initdb looks for the server's
        # program, would ignore the one that is kept.
        _check(libc.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if capability is None:
        return
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    # Two words each of effective, permitted, inheritable; every capability but the one is dropped here.
    words = (ctypes.c_uint32 * 6)(*(3 * [1 << capability]), 0, 0, 0)
    _check(libc.capset(header, words))
    # Ambient is the only set that an unprivileged account carries across execve.
    _check(libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0))


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
