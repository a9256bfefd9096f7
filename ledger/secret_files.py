"""Files that hold a secret: read only where nobody else can read them."""

import os
import stat
from pathlib import Path

from ledger.config import ConfigurationError


def read_secret_file(path: Path, what: str) -> bytes:
    """What stands in the file; ConfigurationError where it cannot be read, or by others as well."""
    try:
        with path.open("rb") as file:
            _refuse_open_files(path, os.fstat(file.fileno()), what)
            return file.read()
    except OSError as error:
        raise ConfigurationError(f"The {what} cannot be read from {path}: {error.strerror}.") from None


def _refuse_open_files(path: Path, status: os.stat_result, what: str) -> None:
    # A group may read what root has laid down for a service, as containers mount it.
    allowed = 0o740 if status.st_uid == 0 else 0o700
    if stat.S_IMODE(status.st_mode) & ~allowed:
        raise ConfigurationError(f"The {what} in {path} can be read by others: chmod 600 {path}.")
