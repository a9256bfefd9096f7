"""Lots by the million, made by SQL: members whose lots are due, and lots that are kept.

What the sweep reads and moves is all there: holders with their balances, and their lots in the indexes. The
entries that once opened the lots are not; the sweep never reads them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from ledger.accounts.program import Program

POINTS = 100
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Shape:
    """So many lots due, beside so many kept; ``each`` is how many of a kind a member has.

    A member with lots that are due has as many that are kept. The rest of the kept ones belong to members
    who have nothing due, and twice as many each.
    """

    due: int
    kept: int
    each: int

    @property
    def members_due(self) -> int:
        """Members with lots of both kinds."""
        return self.due // self.each

    @property
    def members_kept(self) -> int:
        """Members with kept lots only."""
        return (self.kept - self.members_due * self.each) // (2 * self.each)

    @property
    def members(self) -> int:
        """Members in all."""
        return self.members_due + self.members_kept


def insert_lots(
    connection: "psycopg.Connection[tuple[object, ...]]", program: Program, shape: Shape, now: datetime
) -> None:
    """Make members and lots. All due ones of a member ended at one instant, the end of a day of the last month."""
    values = {
        "program": program.program_id,
        "due": shape.members_due,
        "members": shape.members,
        "each": shape.each,
        "points": POINTS,
        "earned": now - timedelta(days=365),
        "now": now,
        "months": _MONTHS,
    }
    connection.execute(_HOLDERS, values)
    connection.execute(_LOTS, values)
    connection.execute("VACUUM (ANALYZE) holders, lots")


# As ledger.ids makes them: a UUIDv8 over the program's number and the member's id.
_HOLDER_ID = """
encode(set_byte(set_byte(digest, 6, get_byte(digest, 6) & 15 | 128), 8, get_byte(digest, 8) & 63 | 128), 'hex')::uuid
"""

_HOLDERS = f"""
INSERT INTO holders (
    holder_id, program_id, member_id, version, points, available, next_expiry_points, next_expiry_at, fresh_until,
    recorded_at, enrolled_at
)
SELECT {_HOLDER_ID}, %(program)s, member_id, 1, 2 * %(each)s * %(points)s, 2 * %(each)s * %(points)s, 0, NULL,
       %(earned)s, %(earned)s, %(earned)s
  FROM (
    SELECT member_id, substr(sha256(convert_to(%(program)s || '/' || member_id, 'UTF8')), 1, 16) AS digest
      FROM (SELECT 'm-' || number AS member_id FROM generate_series(1, %(members)s) AS number)
  )
"""

# Lots are laid down in the order in which they were earned, and so scattered over the members as in real books.
_LOTS = """
INSERT INTO lots (
    holder_id, lot_id, original, remaining, earned_at, available_at, expires_at, program_id, unit, rolling, is_open
)
SELECT holder_id, gen_random_uuid(), %(points)s, %(points)s, %(earned)s, %(earned)s,
       CASE WHEN number <= %(due)s AND lot <= %(each)s
            THEN date_trunc('day', %(now)s - make_interval(days => number %% 30))
            ELSE date_trunc('day', %(now)s) + make_interval(months => 1 + (number + lot) %% %(months)s)
       END, %(program)s, 1, false, true
  FROM generate_series(1, 2 * %(each)s) AS lot,
       (SELECT holder_id, substr(member_id, 3)::int AS number FROM holders WHERE program_id = %(program)s)
"""
