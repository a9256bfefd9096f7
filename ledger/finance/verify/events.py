"""Checks of what the business did: times, draws within a lot's time, refunds, returns and claw-backs."""

from typing import LiteralString

from ledger.finance.verify.reading import by_query

_TIMES: LiteralString = """
WITH timed AS (
    SELECT *, kind IN ('earn', 'activity', 'referral', 'return', 'expire', 'release')
              -- What is held for review is held from when it was earned.
              OR kind = 'hold' AND parent_entry_id IS NOT NULL AS may_be_late
      FROM entries
)
SELECT 'entries' AS "table", holder_id, version, entry_id, 'effective_at' AS field,
       CASE WHEN may_be_late THEN 'at most five minutes after ' ELSE '' END || recorded_at AS expected,
       effective_at::text AS found
  FROM timed
 WHERE CASE WHEN may_be_late THEN effective_at > recorded_at + interval '5 minutes'
            ELSE effective_at <> recorded_at END
 ORDER BY holder_id, version
"""

# By the time of recording, which is when it was decided; a release that the clock decided was decided when the
# hold's time was up. What is held was drawn when it was reserved, and is spent whatever has become of its lot. A lot
# of rolling expiry stands here with its last expiry, which is never before the one it had then. A reversal may take
# from live lots and let lapsed ones go. What is pending may be held for review.
_WINDOWS: LiteralString = """
WITH moved AS (
    SELECT p.holder_id, p.entry_id, p.ordinal, p.lot_id, p.credit, e.kind, e.effective_at,
           e.kind = 'hold' AND e.parent_entry_id IS NOT NULL AS is_for_review,
           CASE e.kind WHEN 'release' THEN e.effective_at ELSE e.recorded_at END AS decided_at,
           e.kind IN ('transfer_out', 'adjust') AS is_sent,
           e.kind IN ('refund', 'return', 'capture', 'release', 'earn') AND p.credit = 54 AS is_replaced
      FROM postings p JOIN entries e USING (entry_id, holder_id)
     WHERE p.debit IN (1, 4)
), broken AS (
    SELECT m.*, v.rule, l.available_at, l.expires_at
      FROM moved m
      JOIN lots l ON l.holder_id = m.holder_id AND l.lot_id = m.lot_id
     CROSS JOIN LATERAL (VALUES
        ('drawn', l.available_at > m.decided_at AND (m.credit IN (2, 51) AND NOT m.is_for_review OR m.is_sent)),
        ('taken', l.expires_at <= m.decided_at AND (m.credit IN (2, 3, 50, 51, 53, 60) OR m.is_sent)),
        ('lapsed', coalesce(l.expires_at > m.decided_at, true) AND (m.credit IN (52, 61) OR m.is_replaced)),
        ('expired', m.kind = 'expire' AND l.expires_at <> m.effective_at)
     ) AS v (rule, is_wrong)
     WHERE v.is_wrong
)
SELECT 'postings' AS "table", b.holder_id, b.entry_id, b.ordinal, b.lot_id, b.rule AS field,
       CASE b.rule WHEN 'drawn' THEN 'from ' || b.available_at
                   WHEN 'taken' THEN 'before ' || b.expires_at
                   WHEN 'lapsed' THEN 'from ' || coalesce(b.expires_at::text, 'never')
                   ELSE 'as of ' || b.expires_at END AS expected,
       'at ' || CASE b.rule WHEN 'expired' THEN b.effective_at ELSE b.decided_at END AS found
  FROM broken b JOIN entries e USING (entry_id, holder_id)
 -- A till that was offline has taken what was pending: the goods were gone.
 WHERE b.rule <> 'drawn' OR b.credit <> 51 OR coalesce(e.details -> 'offline', e.details #> '{paid,offline}') IS NULL
 ORDER BY b.holder_id, b.entry_id, b.ordinal
"""

# What was spent beyond the balance came out of no lot, and goes back to one of its own. What was taken by hand goes
# back by a reversal alone.
_REFUNDS: LiteralString = """
WITH given AS (
    SELECT e.parent_entry_id AS entry_id, CASE WHEN p.available_at IS NULL THEN p.lot_id END AS lot_id,
           sum(p.amount) AS amount
      FROM postings p JOIN entries e USING (entry_id, holder_id)
     WHERE p.debit = 51 OR p.debit = 53 AND e.kind = 'reversal' GROUP BY 1, 2
), reversed AS (
    SELECT DISTINCT parent_entry_id AS entry_id FROM entries WHERE kind = 'reversal'
), touched AS (
    SELECT entry_id FROM given UNION SELECT entry_id FROM reversed
), drawn AS (
    SELECT entry_id, p.lot_id, sum(p.amount) AS amount
      FROM postings p JOIN entries e USING (entry_id, holder_id) JOIN touched USING (entry_id)
     WHERE e.kind IN ('redeem', 'capture', 'earn', 'adjust') AND p.credit IN (51, 53) GROUP BY entry_id, p.lot_id
), compared AS (
    SELECT coalesce(g.entry_id, d.entry_id) AS entry_id, coalesce(g.lot_id, d.lot_id) AS lot_id,
           coalesce(g.amount, 0) AS given, coalesce(d.amount, 0) AS drawn
      FROM given g
      FULL JOIN drawn d ON d.entry_id = g.entry_id AND coalesce(d.lot_id, d.entry_id) = coalesce(g.lot_id, g.entry_id)
)
SELECT 'entries' AS "table", c.entry_id, c.lot_id, 'refunded' AS field,
       CASE WHEN r.entry_id IS NULL THEN 'at most ' ELSE '' END || c.drawn AS expected, c.given::text AS found
  FROM compared c LEFT JOIN reversed r USING (entry_id)
 WHERE c.given > c.drawn OR (r.entry_id IS NOT NULL AND c.given <> c.drawn)
 ORDER BY c.entry_id, c.lot_id
"""

_OVERRUNS: LiteralString = """
WITH owed AS (
    SELECT entry_id, holder_id, sum(amount)::text AS points FROM postings WHERE debit = 3 AND credit = 51 GROUP BY 1, 2
), told AS (
    SELECT entry_id, holder_id, coalesce(details -> 'offline', details #> '{paid,offline}') ->> 'overrun' AS points
      FROM entries WHERE kind IN ('redeem', 'earn') AND details::text LIKE '%"overrun"%'
)
SELECT 'entries' AS "table", holder_id, entry_id, 'points that became a debt' AS field,
       coalesce(t.points, '0') AS expected, coalesce(o.points, '0') AS found
  FROM owed o FULL JOIN told t USING (entry_id, holder_id)
 WHERE coalesce(t.points, '0') <> coalesce(o.points, '0')
 ORDER BY holder_id, entry_id
"""

_RETURNS: LiteralString = """
WITH returned AS (
    SELECT e.parent_entry_id AS entry_id, line ->> 'line_id' AS line_id,
           sum((line ->> 'quantity')::numeric) AS quantity, sum((line ->> 'amount')::numeric) AS amount
      FROM entries e CROSS JOIN LATERAL json_array_elements(e.details -> 'lines') AS line
     WHERE e.kind = 'return' GROUP BY 1, 2
), touched AS MATERIALIZED (
    -- Found before their details are read: few purchases are ever returned.
    SELECT entry_id, details FROM entries WHERE kind = 'earn' AND entry_id IN (SELECT r.entry_id FROM returned r)
), bought AS (
    SELECT entry_id, line ->> 'line_id' AS line_id,
           sum((line ->> 'quantity')::numeric) AS quantity, sum((line ->> 'amount')::numeric) AS amount
      FROM touched CROSS JOIN LATERAL json_array_elements(details -> 'lines') AS line
     GROUP BY 1, 2
)
SELECT 'entries' AS "table", entry_id, 'returned of line ' || line_id AS field,
       'at most ' || coalesce(b.quantity, 0) || ' for ' || coalesce(b.amount, 0) AS expected,
       r.quantity || ' for ' || r.amount AS found
  FROM returned r LEFT JOIN bought b USING (entry_id, line_id)
 WHERE r.quantity > coalesce(b.quantity, 0) OR r.amount > coalesce(b.amount, 0)
 ORDER BY entry_id
"""

# Of each award may be taken back what the returned part of the money earned, rounded up; all of it by a reversal or a
# rejection, or where no money was spent. A
# purchase that settled a referral has earned for two members: from each is taken back what was his own.
_CLAWBACKS: LiteralString = """
WITH taken AS (
    SELECT e.parent_entry_id AS entry_id, e.holder_id, p.unit, sum(p.amount) AS amount,
           bool_or(e.kind <> 'return') AS is_reversed
      FROM entries e JOIN postings p USING (entry_id, holder_id)
     WHERE e.kind IN ('return', 'reversal', 'reject') AND p.credit IN (50, 53, 60) GROUP BY 1, 2, 3
), touched AS MATERIALIZED (
    -- Found before their details are read: few purchases are ever returned.
    SELECT coalesce(parent_entry_id, entry_id) AS entry_id, kind, details
      FROM entries
     WHERE kind IN ('earn', 'return') AND coalesce(parent_entry_id, entry_id) IN (SELECT t.entry_id FROM taken t)
), money AS (
    SELECT entry_id,
           sum((line ->> 'amount')::numeric) FILTER (WHERE kind = 'earn') AS bought,
           sum((line ->> 'amount')::numeric) FILTER (WHERE kind = 'return') AS returned
      FROM touched CROSS JOIN LATERAL json_array_elements(details -> 'lines') AS line
     GROUP BY entry_id
), awards AS (
    SELECT DISTINCT entry_id, entry_id AS award_id FROM taken
    UNION ALL
    SELECT parent_entry_id, entry_id FROM entries
     WHERE kind = 'referral' AND parent_entry_id IN (SELECT t.entry_id FROM taken t)
), due AS (
    SELECT a.entry_id, p.holder_id, p.unit, sum(p.amount) AS awarded,
           sum(p.amount - floor(coalesce(p.amount * (m.bought - coalesce(m.returned, 0)) / nullif(m.bought, 0), 0)))
               AS amount
      FROM postings p
      JOIN awards a ON a.award_id = p.entry_id
      LEFT JOIN money m ON m.entry_id = a.entry_id
     WHERE p.debit IN (50, 53, 60) AND p.available_at IS NOT NULL GROUP BY a.entry_id, p.holder_id, p.unit
)
SELECT 'entries' AS "table", entry_id, holder_id, 'clawed back of unit ' || t.unit AS field,
       'at most ' || coalesce(CASE WHEN t.is_reversed THEN d.awarded ELSE d.amount END, 0) AS expected,
       t.amount::text AS found
  FROM taken t LEFT JOIN due d USING (entry_id, holder_id, unit)
 WHERE t.amount > coalesce(CASE WHEN t.is_reversed THEN d.awarded ELSE d.amount END, 0)
 ORDER BY entry_id
"""

CHECKS = (
    by_query(
        "times",
        "what is decided at once is effective when recorded, and nothing far ahead",
        ("entries",),
        _TIMES,
    ),
    by_query(
        "windows",
        "nobody spends what is pending or expired, and only that expires",
        ("postings", "lots"),
        _WINDOWS,
    ),
    by_query(
        "refunds",
        "no more goes back to a lot than was spent from it, and all of it where that is reversed",
        ("entries", "postings"),
        _REFUNDS,
    ),
    by_query(
        "overruns",
        "points are owed for what a till took offline beyond what there was, and for no other redemption",
        ("entries", "postings"),
        _OVERRUNS,
    ),
    by_query("returns", "no more of a line goes back than was bought", ("entries",), _RETURNS),
    by_query(
        "claw-backs",
        "no more is taken back than the returned money had earned",
        ("entries", "postings"),
        _CLAWBACKS,
    ),
)
