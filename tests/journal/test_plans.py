"""Reads of one member look rows up, however many other members there are."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, event

from ledger.accounts.members import read_member
from ledger.accounts.program import Program
from ledger.accounts.queries import read_balance, read_lots
from ledger.finance.roll_forward import read_roll_forward
from ledger.journal.history import Times, read_balance_at
from ledger.journal.queries import read_entries, read_entry
from ledger.merging.register import list_merges
from tests.conftest import Cluster
from tests.till import START, Till, day, open_till

# As many rows as make reading a whole table dearer than looking some up. Their meaning does not matter here.
OTHERS = """
INSERT INTO holders (holder_id, program_id, member_id, enrolled_at)
    SELECT md5('h' || n)::uuid, 1, 'other-' || n, now() FROM generate_series(1, 3000) n;
INSERT INTO member_attributes (holder_id, attributes)
    SELECT md5('h' || n)::uuid, '{"vip": true}' FROM generate_series(1, 3000) n;
INSERT INTO entries (entry_id, holder_id, version, effective_at, recorded_at, points_after, held_after,
        debt_after, growth_after, terms_version, kind, hash)
    SELECT md5('e' || h || '/' || n)::uuid, md5('h' || h)::uuid, n, now(), now(), 0, 0, 0, 0, 1, 'award',
           decode(repeat('00', 32), 'hex')
      FROM generate_series(1, 3000) h, generate_series(1, 10) n;
INSERT INTO postings (entry_id, holder_id, amount, ordinal, debit, credit, unit, lot_id)
    SELECT md5('e' || h || '/' || n)::uuid, md5('h' || h)::uuid, 1, o, 50, 1, 1, md5('l' || h || '/' || n)::uuid
      FROM generate_series(1, 3000) h, generate_series(1, 10) n, generate_series(1, 2) o;
INSERT INTO lots (holder_id, lot_id, original, remaining, earned_at, available_at, program_id, unit, rolling, is_open)
    SELECT md5('h' || h)::uuid, md5('l' || h || '/' || n)::uuid, 1, n % 2, now(), now(), 1, 1, false, n % 2 = 1
      FROM generate_series(1, 3000) h, generate_series(1, 10) n;
INSERT INTO entry_texts (holder_id, entry_id, salt, texts)
    SELECT md5('h' || h)::uuid, md5('e' || h || '/' || n)::uuid, decode(md5('s'), 'hex'), '{}'
      FROM generate_series(1, 3000) h, generate_series(1, 10) n;
INSERT INTO holds (holder_id, hold_id, points, expires_at, program_id, status)
    SELECT md5('h' || h)::uuid, md5('e' || h || '/' || n)::uuid, 1, now(), 1, 'open'
      FROM generate_series(1, 3000) h, generate_series(1, 10) n;
INSERT INTO merges (holder_id, merge_id, duplicate_id, merged_at, uncounted)
    SELECT md5('h' || h)::uuid, md5('e' || h || '/1')::uuid, md5('h' || h + 1)::uuid, now(), '{}'
      FROM generate_series(1, 2999) h;
"""


@pytest.fixture(scope="module")
def busy(cluster: Cluster, template: str) -> Iterator[Till]:
    """A till with one member of its own among thousands."""
    name = "ledger_test_plans"
    cluster.drop_database(name)
    cluster.create_database(name, template=template)
    with open_till(cluster.app_url(name)) as till:
        bought = till.buy("m-1", 10_000)
        for number in range(30):
            till.award("m-1", 10, expires_at=day(400 + number))
        till.redeem("m-1", 7)
        till.give_back(bought, 1, 100)
        with psycopg.connect(cluster.owner_url(name), autocommit=True) as owner:
            owner.execute(OTHERS)
            owner.execute("ANALYZE")
        yield till
    cluster.drop_database(name)


def _entry(connection: Connection, program: Program) -> Any:
    newest = read_entries(connection, program, "m-1", limit=1).items[0]
    return read_entry(connection, program, newest["entry_id"])


def _next_entries(connection: Connection, program: Program) -> Any:
    cursor = read_entries(connection, program, "m-1", limit=5).next_cursor
    return read_entries(connection, program, "m-1", limit=5, cursor=cursor)


def _next_lots(connection: Connection, program: Program) -> Any:
    cursor = read_lots(connection, program, "m-1", START, state="all", limit=5).next_cursor
    return read_lots(connection, program, "m-1", START, state="all", limit=5, cursor=cursor)


READS: dict[str, Callable[[Connection, Program], Any]] = {
    "balance": lambda c, p: read_balance(c, p, "m-1", START),
    "balance by the lots": lambda c, p: read_balance(c, p, "m-1", day(401)),
    "balance of the past": lambda c, p: read_balance_at(c, p, "m-1", Times(START, START)),
    "member": lambda c, p: read_member(c, p, "m-1"),
    "merges": lambda c, p: list_merges(c, p, "m-1"),
    "open lots": lambda c, p: read_lots(c, p, "m-1", START),
    "all lots": lambda c, p: read_lots(c, p, "m-1", START, state="all"),
    "more lots": _next_lots,
    "entries": lambda c, p: read_entries(c, p, "m-1"),
    "more entries": _next_entries,
    "entry": _entry,
    "roll-forward": lambda c, p: read_roll_forward(
        c, p, START - timedelta(days=1), START, None, START, member_id="m-1"
    ),
}


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_read_of_one_member_reads_no_whole_table(
    busy: Till, read: Callable[[Connection, Program], Any]
) -> None:
    with busy.reading() as connection:
        seen: list[tuple[str, Any]] = []
        event.listen(connection, "before_cursor_execute", lambda *args: seen.append((args[2], args[3])))
        read(connection, busy.program)
        plans = [
            "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars())
            for statement, values in list(seen)
        ]
    assert plans
    assert [plan for plan in plans if "Seq Scan" in plan] == []
