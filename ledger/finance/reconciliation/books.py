"""What the books have of the orders and payments around a period, in order of their keys and as of now.

What was reversed is no longer in the books. Money is in minor units.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import Connection

from ledger.accounts.program import Program
from ledger.clock import local_date, start_of_day
from ledger.finance.reconciliation.matching import Row
from ledger.money import scale

SLACK: Final = timedelta(days=7)
"""How far outside of the period an order is looked for that the upload has within it."""

ROWS_AT_ONCE: Final = 5_000

_SETTINGS: LiteralString = (
    "SELECT set_config('jit', 'off', true), set_config('cursor_tuple_fraction', '1', true)"
)

_BOOKED: LiteralString = """
WITH booked AS (
    SELECT e.entry_id, e.holder_id, e.version, e.kind, e.effective_at, e.parent_entry_id, e.reference, e.store,
           e.details, h.member_id
      FROM entries e JOIN holders h USING (holder_id)
     WHERE h.program_id = %(program)s AND e.effective_at >= %(start)s AND e.effective_at < %(end)s
       AND e.recorded_at <= %(known)s AND e.reference IS NOT NULL
       AND e.kind IN ('earn', 'redeem', 'capture', 'refund', 'return')
       AND NOT EXISTS (
            SELECT FROM entries r
             WHERE r.parent_entry_id = e.entry_id AND r.kind = 'reversal' AND r.recorded_at <= %(known)s)
)
"""

_ORDERS: LiteralString = """
SELECT b.reference, b.effective_at, b.member_id, b.store, b.details ->> 'currency',
       (SELECT coalesce(sum((line ->> 'amount')::bigint), 0)
          FROM json_array_elements(b.details -> 'lines') AS line)::bigint,
       (SELECT coalesce(sum((line ->> 'amount')::bigint), 0)
          FROM entries r CROSS JOIN LATERAL json_array_elements(r.details -> 'lines') AS line
         WHERE r.parent_entry_id = b.entry_id AND r.kind = 'return' AND r.recorded_at <= %(known)s)::bigint
  FROM booked b
 WHERE b.kind = 'earn'
 ORDER BY b.reference COLLATE "C"
"""

# The accounts by their codes: 51 redeemed. A return of a purchase that was paid in money alone has no posting of
# money: what went back follows from its lines, and from those of the returns before it.
_PAYMENTS: LiteralString = """
SELECT t.type, b.reference, b.effective_at, b.member_id,
       CASE WHEN b.kind IN ('earn', 'return')
            THEN coalesce((b.details #>> '{paid,points}')::bigint, (b.details #>> '{refunded,points}')::bigint, 0)
            ELSE (SELECT coalesce(sum(p.amount), 0) FROM postings p
                   WHERE p.entry_id = b.entry_id AND p.holder_id = b.holder_id AND 51 IN (p.debit, p.credit))
       END::bigint,
       coalesce((b.details #>> '{paid,cash}')::bigint, (b.details #>> '{refunded,cash}')::bigint,
                (b.details ->> 'cash')::bigint),
       (SELECT sum((line ->> 'amount')::bigint) FROM json_array_elements(b.details -> 'lines') AS line)::bigint,
       coalesce((b.details #>> '{sold,amount}')::bigint, 0),
       o.total, coalesce(o.cash, o.total),
       (SELECT sum((line ->> 'amount')::bigint)
          FROM entries r CROSS JOIN LATERAL json_array_elements(r.details -> 'lines') AS line
         WHERE r.parent_entry_id = b.parent_entry_id AND r.kind = 'return' AND r.holder_id = b.holder_id
           AND r.version <= b.version)::bigint
  FROM booked b
 CROSS JOIN LATERAL (
    SELECT CASE b.kind WHEN 'earn' THEN 'purchase' WHEN 'redeem' THEN 'redemption' ELSE b.kind END
 ) AS t (type)
  LEFT JOIN LATERAL (
    SELECT (SELECT sum((line ->> 'amount')::bigint) FROM json_array_elements(p.details -> 'lines') AS line)::bigint
               AS total, (p.details ->> 'cash')::bigint AS cash
      FROM entries p
     WHERE b.kind = 'return' AND p.entry_id = b.parent_entry_id AND p.holder_id = b.holder_id
  ) AS o ON true
 ORDER BY t.type COLLATE "C", b.reference COLLATE "C"
"""


def read_booked(
    connection: Connection, program: Program, kind: str, first: date, last: date, now: datetime
) -> Iterator[Row]:
    """The rows of the days from ``first`` to ``last`` and a week on either side, sorted by their keys."""
    query, read = (_ORDERS, _order) if kind == "orders" else (_PAYMENTS, _payment)
    values = {
        "program": program.program_id,
        "start": start_of_day(first, program.timezone) - SLACK,
        "end": start_of_day(last + timedelta(days=1), program.timezone) + SLACK,
        "known": now,
    }
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    raw.execute(_SETTINGS)
    with raw.cursor("reconciliation", binary=True) as cursor:
        cursor.itersize = ROWS_AT_ONCE
        cursor.execute(sql.SQL(_BOOKED) + sql.SQL(query), values)
        for row in cursor:
            yield read(program, row)


def _order(program: Program, row: tuple[Any, ...]) -> Row:
    reference, happened_at, member_id, store, currency, amount, returned = row
    fields = {
        "member_id": member_id,
        "store": store,
        "currency": currency,
        "amount": amount,
        "returned": returned,
    }
    return Row(("purchase", reference), local_date(happened_at, program.timezone), fields)


def _payment(program: Program, row: tuple[Any, ...]) -> Row:
    kind, reference, happened_at, member_id, points, told, lines, sold, total, cash, through = row
    amount = _cash_back(lines, total, cash, through) if kind == "return" and told is None else told
    if amount is None:
        # Paid in money alone, or in points alone.
        amount = lines if kind == "purchase" else 0
    fields = {
        "member_id": member_id,
        "points": points,
        "amount": amount - sold,
        "currency": program.currency,
    }
    return Row((kind, reference), local_date(happened_at, program.timezone), fields)


def _cash_back(lines: int, total: int, cash: int, through: int) -> int:
    """The money that a return gave back: in proportion, where points of another program had paid a part of it."""
    if cash == total:
        return lines
    kept = total - through
    return scale(cash, kept + lines, total) - scale(cash, kept, total)
