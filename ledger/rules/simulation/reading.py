"""Reading history for a replay: whole members at a time, by ranges of their ids, all on one snapshot.

The connection can only read. What is wanted of an entry is asked for in PostgreSQL's binary form, and no more
than a range of members is ever in memory.
"""

from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any, Final, LiteralString, NamedTuple
from uuid import UUID

import orjson
import psycopg
from psycopg.types.json import set_json_loads

from ledger.accounts.program import Program
from ledger.journal.asking import uuids
from ledger.journal.commands import MemberRow
from ledger.rules.simulation.drafts import Switched
from ledger.rules.simulation.events import Event, Member

Connection = psycopg.Connection[tuple[Any, ...]]
_ID_SPACE: Final = 1 << 128
MEMBERS_IN_RANGE: Final = 32

_SWITCHES: LiteralString = """
SELECT recorded_at, kind, code, is_on FROM rule_switches WHERE program_id = %b ORDER BY switch_id
"""

_COUNTS: LiteralString = """
SELECT count(*) FILTER (WHERE member_id NOT LIKE '%%/%%'), coalesce(sum(version), 0)
  FROM holders WHERE program_id = %b
"""

_MEMBERS: LiteralString = """
SELECT uuid_send(h.holder_id), h.member_id, h.region, h.store, h.enrolled_at, a.attributes
  FROM holders h LEFT JOIN member_attributes a USING (holder_id)
 WHERE h.program_id = %b AND h.holder_id >= %b AND h.holder_id < %b AND h.member_id NOT LIKE '%%/%%'
"""

# What was taken back stands in the postings alone; few entries take back.
_TAKEN: LiteralString = """
CASE WHEN e.kind IN ('return', 'reversal') THEN coalesce((
    SELECT sum(p.amount)::bigint FROM postings p
     WHERE p.entry_id = e.entry_id AND p.holder_id = e.holder_id AND p.credit = {account}), 0) ELSE 0 END
"""

# What an activity brought along lies beside its entry. Looked up for activities alone, and never joined.
_WITH_WORDS: LiteralString = """
CASE e.kind WHEN 'activity' THEN coalesce((
    SELECT (e.details::jsonb || t.texts::jsonb)::json FROM entry_texts t
     WHERE t.holder_id = e.holder_id AND t.entry_id = e.entry_id), e.details) ELSE e.details END
"""

_EVENTS: LiteralString = (
    """
SELECT uuid_send(e.holder_id), uuid_send(e.entry_id), e.version, e.kind, e.effective_at, e.recorded_at,
       e.terms_version, uuid_send(e.parent_entry_id), e.channel, e.store, e.region, e.operator, e.points_after,
       """
    + _TAKEN.replace("{account}", "50")
    + ","
    + _TAKEN.replace("{account}", "60")
    + ", "
    + _WITH_WORDS
    + """
  FROM entries e
 WHERE e.holder_id = ANY(%b) AND e.kind IN ('earn', 'activity', 'return', 'reversal')
"""
)

# The first purchase settles a referral, whether or not the rules of the day gave anything for it. What they gave
# the referrer stands in an entry of his own.
_REFERRALS: LiteralString = """
SELECT uuid_send(r.referrer_holder_id), uuid_send(e.entry_id), coalesce(w.version, 0), 'referral', e.effective_at,
       e.recorded_at, e.terms_version, NULL::bytea, e.channel, e.store, e.region, e.operator,
       coalesce(w.points_after, 0), 0::bigint, 0::bigint,
       json_build_object('lines', e.details->'lines', 'cash', e.details->'cash',
           'awards', coalesce(w.details->'awards', '[]'), 'fenced', coalesce(w.details->'fenced', '[]'))
  FROM referrals r
  JOIN LATERAL (SELECT * FROM entries p WHERE p.holder_id = r.holder_id AND p.kind = 'earn'
                 ORDER BY p.version LIMIT 1) e ON true
  LEFT JOIN entries w ON w.holder_id = r.referrer_holder_id AND w.parent_entry_id = e.entry_id AND w.kind = 'referral'
 WHERE r.referrer_holder_id = ANY(%b)
"""


class Range(NamedTuple):
    """Members by their ids: from ``low`` on and below ``high``, as numbers."""

    low: int
    high: int


def connect(url: str, role: str, snapshot: str) -> Connection:
    """A connection that can only read, on a snapshot of the books that somebody else holds.

    A range of members is read within the time-out of a statement, however long the books are.
    """
    options = f"-c role={role} -c statement_timeout=60000 -c timezone=UTC -c default_transaction_read_only=on"
    connection = psycopg.connect(url, options=options, application_name="ledger simulation")
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    connection.execute(f"SET TRANSACTION SNAPSHOT '{_plain(snapshot)}'".encode())
    # Members are few in a range, so their rows are to be looked up, also before the server has statistics.
    connection.execute("SET LOCAL enable_seqscan = off")
    set_json_loads(orjson.loads, connection)
    return connection


def _plain(snapshot: str) -> str:
    assert snapshot.replace("-", "").isalnum(), "a snapshot's name is digits and dashes"
    return snapshot


def read_switches(connection: Connection, program: Program) -> list[Switched]:
    """What was switched off from when on, in the order of recording."""
    off: set[tuple[str, str]] = set()
    periods = []
    for recorded_at, kind, code, is_on in connection.execute(_SWITCHES, (program.program_id,)):
        (off.discard if is_on else off.add)((kind, code))
        rules, campaigns = (
            frozenset(code for of, code in off if of == kind) for kind in ("rule", "campaign")
        )
        periods.append(Switched(recorded_at, rules, campaigns))
    return periods


def ranges_of(members: int) -> list[Range]:
    """All ids, in ranges of about as many members each."""
    number = max(members // MEMBERS_IN_RANGE, 1)
    bounds = [_ID_SPACE * place // number for place in range(number + 1)]
    return [Range(low, high) for low, high in pairwise(bounds)]


_PLACE = itemgetter(0, 5, 2)
"""By holder, then by recording, then by version."""


def read_range(
    connection: Connection,
    program: Program,
    within: Range,
    draws: Callable[[bytes], bool],
    *,
    has_referrals: bool = True,
) -> Iterator[tuple[Member, list[Event]]]:
    """The members of a range that ``draws`` draws, each with his events in the order of their recording."""
    members = {
        member.holder_id: member
        for member in _read_members(connection, program, within)
        if draws(member.holder_id)
    }
    if not members:
        return
    rows = connection.execute(_EVENTS, (uuids(members),), binary=True).fetchall()
    if has_referrals:
        rows += connection.execute(_REFERRALS, (uuids(members),), binary=True).fetchall()
    rows.sort(key=_PLACE)
    for holder, group in groupby(rows, itemgetter(0)):
        yield members[holder], [Event(*row[1:]) for row in group]


def _read_members(connection: Connection, program: Program, within: Range) -> list[Member]:
    low, high = (UUID(int=min(bound, _ID_SPACE - 1)) for bound in within)
    rows = connection.execute(_MEMBERS, (program.program_id, low, high), binary=True)
    return [
        Member(holder, member_id, MemberRow(region, store, enrolled_at, attributes or {}))
        for holder, member_id, region, store, enrolled_at, attributes in rows
    ]


def any_referrals(connection: Connection) -> bool:
    """Whether anybody has ever brought anybody."""
    row = connection.execute("SELECT EXISTS (SELECT FROM referrals)").fetchone()
    assert row is not None
    return bool(row[0])


def count_history(connection: Connection, program: Program) -> tuple[int, int]:
    """How many members the program has, and about how many entries."""
    row = connection.execute(_COUNTS, (program.program_id,)).fetchone()
    assert row is not None
    return row[0], int(row[1])
