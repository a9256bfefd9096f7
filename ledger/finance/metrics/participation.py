"""How many members were active in a window, and how many of them redeemed: distinct members, which no total has.

Entries are read between the ids that the days of the window have, as the totals know them, and from where the totals
end; so a month of a long book is a month's reading, and all of it is two scans. Active is who has any entry that
neither the clock nor the house made. What was redeemed in the window less what was refunded in it must be at least a
point, where refunds count.
"""

from datetime import datetime
from typing import LiteralString, NamedTuple

from sqlalchemy import Connection

from ledger.accounts.program import Program
from ledger.finance.totals import moves
from ledger.finance.totals.refresh import NOTHING_YET, read_through
from ledger.journal.asking import driver_of

# A uuid has no min before PostgreSQL 18; its text is in the same order.
_IDS: LiteralString = """
SELECT min(first_entry_id::text)::uuid, max(last_entry_id::text)::uuid FROM total_days
 WHERE program_id = %(program)s AND last_effective_at > %(start)s AND first_effective_at <= %(end)s
   AND first_recorded_at <= %(known)s
"""

# Two scans and no common part: what is read once for both would be read by one process alone.
_COUNT: LiteralString = """
WITH redeemed AS (
    SELECT e.holder_id
      FROM postings p JOIN entries e USING (entry_id, holder_id)
     WHERE {between} AND (p.entry_id BETWEEN %(first)s AND %(last)s OR p.entry_id >= %(through)s)
       AND (p.credit = 51 AND p.debit < 5 OR p.debit = 51 AND p.credit < 5)
     GROUP BY e.holder_id
    HAVING sum(CASE WHEN p.credit = 51 THEN p.amount WHEN %(is_net)s THEN -p.amount ELSE 0 END) >= 1
), active AS (
    SELECT e.holder_id FROM entries e
     WHERE {between} AND e.kind NOT IN ('expire', 'release', 'adjust', 'reversal', 'reject', 'fund_grant',
                                            'fund_spend')
     GROUP BY e.holder_id
)
SELECT (SELECT count(*) FROM redeemed JOIN holders h USING (holder_id) WHERE h.program_id = %(program)s),
       (SELECT count(*) FROM active JOIN holders h USING (holder_id) WHERE h.program_id = %(program)s)
""".replace(
    "{between}",
    """(e.entry_id BETWEEN %(first)s AND %(last)s OR e.entry_id >= %(through)s)
       AND e.effective_at > %(start)s AND e.effective_at <= %(end)s AND e.recorded_at <= %(known)s""",
)


class Participation(NamedTuple):
    """Members by what they did in a window."""

    redeeming: int
    active: int


def read_participation(
    connection: Connection,
    program: Program,
    start: datetime,
    end: datetime,
    known_as_of: datetime,
    is_net: bool,
) -> Participation:
    """Distinct members of a window, from just after ``start`` up to and including ``end``, as it was known."""
    driver = driver_of(connection)
    asked = {"program": program.program_id, "start": start, "end": end, "known": known_as_of}
    bounds = driver.execute(_IDS, asked).fetchone()
    assert bounds is not None
    first, last = (each or NOTHING_YET for each in bounds)
    driver.execute(moves.HASHED)
    values = asked | {
        "first": first,
        "last": last,
        "through": read_through(driver, program),
        "is_net": is_net,
    }
    counted = driver.execute(_COUNT, values).fetchone()
    assert counted is not None
    return Participation(*counted)
