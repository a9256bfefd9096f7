"""Checks of the holds: each row is what the entries make of it, and what went in comes out once, by lot.

A hold is closed by the one entry that takes points out of it: a capture, a purchase that it pays, a release, or the
release by which the clock's lapse is booked, effective when the time was up and never before.
"""

from typing import LiteralString

from psycopg import sql

from ledger.finance.verify.reading import Check

# The accounts by their codes: 1 points, 2 held, 51 redeemed. The details of an entry are read only where it touches
# what is held: there are few of those.
_HELD: LiteralString = """
made AS MATERIALIZED (
    SELECT e.holder_id, e.entry_id AS hold_id, e.version, e.effective_at, e.recorded_at,
           (e.details ->> 'points')::bigint AS told, (e.details ->> 'expires_at')::timestamptz AS expires_at,
           right(e.details #>> '{quote,quote_id}', 32)::uuid AS quote_id
      FROM entries e WHERE e.kind = 'hold'
), closing AS MATERIALIZED (
    SELECT e.holder_id, e.entry_id, e.version, e.effective_at, e.recorded_at, e.kind,
           CASE WHEN e.kind IN ('capture', 'release') THEN e.parent_entry_id
                ELSE right(e.details #>> '{paid,hold_id}', 32)::uuid END AS hold_id,
           CASE WHEN e.kind <> 'release' THEN 'captured'
                WHEN (e.details ->> 'lapsed')::boolean THEN 'lapsed' ELSE 'released' END AS status
      FROM entries e
     WHERE e.kind IN ('capture', 'release')
        OR e.kind <> 'hold' AND e.entry_id IN (SELECT p.entry_id FROM postings p WHERE 2 IN (p.debit, p.credit))
)
"""

_ROWS: LiteralString = """
WITH {held}
, reserved AS (
    SELECT entry_id AS hold_id, holder_id, sum(amount) AS points FROM postings WHERE credit = 2 GROUP BY 1, 2
), spent AS (
    SELECT entry_id, holder_id, sum(amount) AS captured FROM postings WHERE debit = 2 AND credit = 51 GROUP BY 1, 2
), rebuilt AS (
    SELECT coalesce(m.holder_id, c.holder_id) AS holder_id, coalesce(m.hold_id, c.hold_id) AS hold_id,
           m.told, r.points, coalesce(s.captured, 0) AS captured, m.expires_at, c.entry_id AS closed_entry_id,
           m.quote_id, h.program_id, CASE WHEN c.entry_id IS NULL THEN 'open' ELSE c.status END AS status,
           count(*) OVER (PARTITION BY c.holder_id, c.hold_id) AS times
      FROM made m
      LEFT JOIN reserved r USING (holder_id, hold_id)
      LEFT JOIN holders h USING (holder_id)
      FULL JOIN closing c USING (holder_id, hold_id)
      LEFT JOIN spent s ON s.entry_id = c.entry_id AND s.holder_id = c.holder_id
)
SELECT 'holds' AS "table", holder_id, hold_id, r.closed_entry_id AS entry_id, v.field, v.expected, v.found
  FROM rebuilt r FULL JOIN holds d USING (holder_id, hold_id)
 CROSS JOIN LATERAL (VALUES
    ('points', r.points::text, d.points::text),
    ('points', r.told::text, d.points::text),
    ('captured', r.captured::text, d.captured::text),
    ('expires_at', r.expires_at::text, d.expires_at::text),
    ('closed_entry_id', r.closed_entry_id::text, d.closed_entry_id::text),
    ('quote_id', r.quote_id::text, d.quote_id::text),
    ('program_id', r.program_id::text, d.program_id::text),
    ('status', r.status, d.status),
    ('closed', 'once at most',
     CASE WHEN r.closed_entry_id IS NOT NULL AND r.times > 1 THEN r.times || ' times' ELSE 'once at most' END)
 ) AS v (field, expected, found)
 WHERE v.expected IS DISTINCT FROM v.found
 ORDER BY holder_id, hold_id
"""

# What is captured comes out of the first draws, as far as they go; all the rest goes back.
_LOTS: LiteralString = """
WITH {held}
, drawn AS (
    SELECT holder_id, entry_id AS hold_id, lot_id, amount,
           sum(amount) OVER (PARTITION BY holder_id, entry_id ORDER BY ordinal) - amount AS before
      FROM postings WHERE credit = 2
), taken AS (
    SELECT c.holder_id, c.hold_id, c.entry_id, p.lot_id,
           coalesce(sum(p.amount) FILTER (WHERE p.credit = 51), 0) AS captured,
           coalesce(sum(p.amount) FILTER (WHERE p.credit = 1), 0) AS released
      FROM closing c JOIN postings p ON p.entry_id = c.entry_id AND p.holder_id = c.holder_id
     WHERE p.debit = 2 GROUP BY 1, 2, 3, 4
), whole AS (
    SELECT holder_id, hold_id, entry_id, coalesce(sum(t.captured), 0) AS captured
      FROM closing c LEFT JOIN taken t USING (holder_id, hold_id, entry_id) GROUP BY 1, 2, 3
), due AS (
    SELECT d.holder_id, d.hold_id, w.entry_id, d.lot_id, d.amount,
           least(d.amount, greatest(w.captured - d.before, 0)) AS captured
      FROM drawn d JOIN whole w USING (holder_id, hold_id)
)
SELECT 'postings' AS "table", holder_id, hold_id, entry_id, lot_id, 'captured and released' AS field,
       coalesce(d.captured || ' and ' || d.amount - d.captured, 'nothing') AS expected,
       coalesce(t.captured || ' and ' || t.released, 'nothing') AS found
  FROM due d FULL JOIN taken t USING (holder_id, hold_id, entry_id, lot_id)
 WHERE (d.captured, d.amount - d.captured) IS DISTINCT FROM (t.captured, t.released)
UNION ALL
SELECT 'holders', h.holder_id, NULL, NULL, NULL, 'held', coalesce(o.points, 0)::text, h.held::text
  FROM holders h
  LEFT JOIN (SELECT holder_id, sum(points) AS points FROM holds WHERE status = 'open' GROUP BY 1) AS o
       USING (holder_id)
 WHERE coalesce(o.points, 0) <> h.held
 ORDER BY 2, 3, 5
"""

_TIMES: LiteralString = """
WITH {held}
SELECT 'entries' AS "table", c.holder_id, m.hold_id, c.entry_id, v.field, v.expected, v.found
  FROM made m JOIN closing c USING (holder_id, hold_id)
 CROSS JOIN LATERAL (VALUES
    ('version', 'after ' || m.version, c.version::text, c.version <= m.version),
    ('effective_at', m.expires_at::text, c.effective_at::text,
     c.status = 'lapsed' AND c.effective_at <> m.expires_at),
    ('effective_at', c.recorded_at::text, c.effective_at::text,
     c.kind IN ('capture', 'release') AND c.status <> 'lapsed' AND c.effective_at <> c.recorded_at),
    ('recorded_at', 'not before ' || m.expires_at, c.recorded_at::text,
     c.status = 'lapsed' AND c.recorded_at < m.expires_at),
    ('recorded_at', 'before ' || m.expires_at, c.recorded_at::text,
     c.status <> 'lapsed' AND c.recorded_at >= m.expires_at)
 ) AS v (field, expected, found, is_wrong)
 WHERE v.is_wrong
UNION ALL
SELECT 'entries', holder_id, hold_id, hold_id, 'expires_at', 'after ' || effective_at, expires_at::text
  FROM made WHERE expires_at <= effective_at
UNION ALL
-- Whatever is posted books first what the clock has released.
SELECT 'holds', d.holder_id, d.hold_id, NULL, 'status', 'closed by ' || h.recorded_at, d.status
  FROM holds d JOIN holders h USING (holder_id)
 WHERE d.status = 'open' AND d.expires_at <= h.recorded_at
 ORDER BY 2, 3
"""


def _by_query(name: str, promise: str, tables: tuple[str, ...], text: LiteralString) -> Check:
    """A set-based check that reads what the entries make of the holds."""
    query = sql.SQL(text).format(held=sql.SQL(_HELD))
    return Check(name, promise, tables, lambda rows: rows.faults(query))


CHECKS = (
    _by_query(
        "holds",
        "each hold is what the entries make of it, and closed by one of them at most",
        ("holds", "entries", "postings"),
        _ROWS,
    ),
    _by_query(
        "held points",
        "what a hold took from a lot is captured or goes back there, the first draws first; the rest is held",
        ("holds", "postings", "holders"),
        _LOTS,
    ),
    _by_query(
        "lapses",
        "a hold is closed while it lasts, or lapses when its time is up and neither before nor after",
        ("holds", "entries"),
        _TIMES,
    ),
)
