"""Embedded PostgreSQL: the ledger's own server, in a folder, with nothing to install beside it.

The server is a child of the process that starts it, is reached through a unix socket in a private folder
only, and keeps every durability setting on unless a test asks otherwise. Who starts it owns it; others attach
to it.
"""

from ledger.devdb.binaries import Binaries, find_binaries
from ledger.devdb.process import SUPERUSER
from ledger.devdb.server import APP_ROLE, DATABASE, OWNER_ROLE, DevServer
from ledger.devdb.trouble import DevServerError

__all__ = [
    "APP_ROLE",
    "DATABASE",
    "OWNER_ROLE",
    "SUPERUSER",
    "Binaries",
    "DevServer",
    "DevServerError",
    "find_binaries",
]
