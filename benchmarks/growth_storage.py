"""What a simple earn takes on the disk, by table and index; and how many updates stay on their page."""

import os
import random
from functools import partial
from hashlib import blake2b
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.books import CURRENCY, open_books
from ledger.clock import system_now
from ledger.db import Database
from ledger.devdb import OWNER_ROLE, SUPERUSER, DevServer
from ledger.journal import Request, post
from ledger.migrate import upgrade
from ledger.rules.commands import Line, Purchase

EARNS = 40_000
PER_MEMBER = 20
_BATCH = 400
_NAME = "growth_storage"

# Main fork, free space map, visibility map and TOAST: whatever there is of a relation.
_SIZES = """
SELECT coalesce(t.relname, c.relname), c.relname, c.relkind = 'i', pg_total_relation_size(c.oid),
       pg_table_size(c.oid)
  FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_class t ON t.oid = i.indrelid
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'i')
"""

_UPDATES = """
SELECT relname, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE n_tup_upd >= 1000 ORDER BY relname
"""


def size_of(server: DevServer) -> int:
    """Bytes of the books."""
    with psycopg.connect(server.url(role=SUPERUSER), autocommit=True) as administrator:
        row = administrator.execute("SELECT pg_database_size(current_database())").fetchone()
        assert row is not None
        return int(row[0])


def measure_storage(server: DevServer) -> dict[str, Any]:
    """Bytes of one purchase of one line under the base rule, by table and index; posted as the service posts it.

    A key is a UUID's text, a transaction's number has 16 characters, and a member has 20 purchases.
    """
    server.create_database(_NAME)
    upgrade(server.url(_NAME, OWNER_ROLE))
    with psycopg.connect(server.url(_NAME, SUPERUSER), autocommit=True) as administrator:
        database = Database(server.url(_NAME))
        before = _sizes(administrator)
        _earn(database)
        database.close()
        administrator.execute("SELECT pg_stat_force_next_flush()")
        updates = {name: [hot, all_] for name, all_, hot in administrator.execute(_UPDATES)}
        after = _sizes(administrator)
    server.drop_database(_NAME)
    grown = {name: (size - before[name]) / EARNS for name, size in after.items() if size > before[name]}
    return {
        "earns": EARNS,
        "bytes_per_earn": sum(grown.values()),
        "by_relation": dict(sorted(grown.items(), key=lambda item: -item[1])),
        "hot_updates": updates,
    }


def _earn(database: Database) -> None:
    program, chance = open_books(database), random.Random(1)
    for first in range(0, EARNS, _BATCH):
        now = system_now()
        requests = []
        for number in range(first, first + _BATCH):
            name, key = f"txn-{number:012d}", str(UUID(bytes=chance.randbytes(16), version=4))
            line = Line("1", 1, chance.randrange(1_000, 90_000), "sku-1", "grocery")
            member = f"m-{chance.randrange(EARNS // PER_MEMBER):06d}"
            command = Purchase(name, member, now, CURRENCY, (line,))
            fingerprint = blake2b(name.encode(), digest_size=16).digest()
            requests.append(Request(command, key, fingerprint, f"req_{os.urandom(16).hex()}"))
        database.run(partial(post, program=program, requests=requests, now=now))


def _sizes(administrator: "psycopg.Connection[Any]") -> dict[str, int]:
    return {
        f"{table}.{name}" if is_index else table: total if is_index else own
        for table, name, is_index, total, own in administrator.execute(_SIZES)
    }
