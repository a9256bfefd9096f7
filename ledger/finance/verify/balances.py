"""Checks of the amounts: balances and lots made again from the postings alone, and held against what is kept.

Nothing here shares code with the fold that the engine runs (``ledger.accounts.holder``): a mistake made
there would be repeated here.
"""

from typing import LiteralString

from ledger.finance.verify.reading import by_query

# The accounts by their codes: 1 points, 2 held, 3 debt (the one that is debit-normal), 4 growth. What is left of
# a budget, 5, stands where the points of a member would; that no holder has both is checked with the budgets.
_RUNNING: LiteralString = """
WITH moved AS (
    SELECT entry_id, holder_id,
           sum(CASE WHEN credit IN (1, 5) THEN amount WHEN debit IN (1, 5) THEN -amount END) AS points,
           sum(CASE 2 WHEN credit THEN amount WHEN debit THEN -amount END) AS held,
           sum(CASE 3 WHEN debit THEN amount WHEN credit THEN -amount END) AS debt,
           sum(CASE 4 WHEN credit THEN amount WHEN debit THEN -amount END) AS growth
      FROM postings GROUP BY entry_id, holder_id
), running AS (
    SELECT e.*,
           coalesce(sum(m.points) OVER chain, 0) AS points,
           coalesce(sum(m.held) OVER chain, 0) AS held,
           coalesce(sum(m.debt) OVER chain, 0) AS debt,
           coalesce(sum(m.growth) OVER chain, 0) AS growth
      FROM (SELECT entry_id, holder_id, version, points_after, held_after, debt_after, growth_after
              FROM entries) AS e
      LEFT JOIN moved m USING (entry_id, holder_id)
    WINDOW chain AS (PARTITION BY holder_id ORDER BY version ROWS UNBOUNDED PRECEDING)
)
SELECT 'entries' AS "table", r.holder_id, r.version, r.entry_id, v.field, v.expected, v.found::text
  FROM running r
 CROSS JOIN LATERAL (VALUES
    ('points_after', r.points::text, r.points_after),
    ('held_after', r.held::text, r.held_after),
    ('debt_after', r.debt::text, r.debt_after),
    ('growth_after', r.growth::text, r.growth_after)
 ) AS v (field, expected, found)
 WHERE ((r.points, r.held, r.debt, r.growth)
        IS DISTINCT FROM (r.points_after, r.held_after, r.debt_after, r.growth_after)
        OR least(r.points, r.held, r.debt, r.growth) < 0)
   AND (v.expected <> v.found::text OR v.found < 0)
 ORDER BY r.holder_id, r.version
"""

_HOLDERS: LiteralString = """
WITH summed AS (
    SELECT holder_id,
           sum(CASE WHEN credit IN (1, 5) THEN amount WHEN debit IN (1, 5) THEN -amount END) AS points,
           sum(CASE 2 WHEN credit THEN amount WHEN debit THEN -amount END) AS held,
           sum(CASE 3 WHEN debit THEN amount WHEN credit THEN -amount END) AS debt,
           sum(CASE 4 WHEN credit THEN amount WHEN debit THEN -amount END) AS growth
      FROM postings GROUP BY holder_id
)
SELECT 'holders' AS "table", h.holder_id, v.field, v.expected::text, v.found::text
  FROM holders h LEFT JOIN summed s USING (holder_id)
 CROSS JOIN LATERAL (VALUES
    ('points', coalesce(s.points, 0), h.points),
    ('held', coalesce(s.held, 0), h.held),
    ('debt', coalesce(s.debt, 0), h.debt),
    ('growth', coalesce(s.growth, 0), h.growth)
 ) AS v (field, expected, found)
 WHERE v.expected <> v.found
 ORDER BY h.holder_id
"""

# Lots of rolling expiry are left to the walk that follows their extensions, as far as expires_at goes.
_LOTS: LiteralString = """
WITH moved AS (
    SELECT holder_id, lot_id,
           coalesce(sum(amount) FILTER (WHERE credit IN (1, 4)), 0)
               - coalesce(sum(amount) FILTER (WHERE debit IN (1, 4)), 0) AS remaining,
           coalesce(sum(amount) FILTER (WHERE debit IN (1, 4) AND credit IN (52, 61)), 0) AS expired
      FROM postings WHERE lot_id IS NOT NULL GROUP BY holder_id, lot_id
), opened AS (
    SELECT p.holder_id, p.lot_id, p.amount AS original, p.unit, e.effective_at AS earned_at,
           p.available_at, p.expires_at, p.rolling
      FROM postings p JOIN entries e USING (entry_id, holder_id) WHERE p.available_at IS NOT NULL
), rebuilt AS (
    SELECT holder_id, lot_id, o.original, m.remaining, m.expired, o.unit, o.earned_at, o.available_at,
           o.expires_at, o.rolling, m.remaining > 0 AS is_open, h.program_id
      FROM moved m
      LEFT JOIN opened o USING (holder_id, lot_id)
      LEFT JOIN holders h USING (holder_id)
)
SELECT 'lots' AS "table", holder_id, lot_id, v.field, v.expected, v.found
  FROM rebuilt r FULL JOIN lots l USING (holder_id, lot_id)
 CROSS JOIN LATERAL (VALUES
    ('original', r.original::text, l.original::text),
    ('remaining', r.remaining::text, l.remaining::text),
    ('expired', r.expired::text, l.expired::text),
    ('unit', r.unit::text, l.unit::text),
    ('earned_at', r.earned_at::text, l.earned_at::text),
    ('available_at', r.available_at::text, l.available_at::text),
    ('expires_at', CASE WHEN r.rolling THEN l.expires_at ELSE r.expires_at END::text, l.expires_at::text),
    ('rolling', r.rolling::text, l.rolling::text),
    ('is_open', r.is_open::text, l.is_open::text),
    ('program_id', r.program_id::text, l.program_id::text)
 ) AS v (field, expected, found)
 WHERE (r.original, r.remaining, r.expired, r.unit, r.earned_at, r.available_at,
        CASE WHEN r.rolling THEN l.expires_at ELSE r.expires_at END, r.rolling, r.is_open, r.program_id)
       IS DISTINCT FROM
       (l.original, l.remaining, l.expired, l.unit, l.earned_at, l.available_at,
        l.expires_at, l.rolling, l.is_open, l.program_id)
   AND v.expected IS DISTINCT FROM v.found
 ORDER BY holder_id, lot_id
"""

_LOT_IDS: LiteralString = """
SELECT 'postings' AS "table", holder_id, entry_id, ordinal, 'lot_id' AS field,
       'the entry and an ordinal from 1, opened once' AS expected, lot_id || ', opened ' || times || ' times' AS found
  FROM (SELECT holder_id, entry_id, ordinal, lot_id, count(*) OVER (PARTITION BY lot_id) AS times,
               uuid_send(lot_id) AS lot, uuid_send(entry_id) AS entry
          FROM postings WHERE available_at IS NOT NULL) AS opened
 WHERE times > 1
    OR substring(lot FOR 14) || '\\x0000'::bytea <> entry
    OR substring(lot FROM 15) = '\\x0000'::bytea
UNION ALL
SELECT 'entries', holder_id, entry_id, NULL, 'entry_id', 'unique, with room for lots', entry_id::text
  FROM (SELECT holder_id, entry_id, count(*) OVER (PARTITION BY entry_id) AS times FROM entries) AS named
 WHERE times > 1 OR substring(uuid_send(entry_id) FROM 15) <> '\\x0000'::bytea
 ORDER BY 2, 3, 4
"""

_LOT_SUMS: LiteralString = """
WITH summed AS (
    SELECT holder_id, sum(remaining) FILTER (WHERE unit = 1) AS points, sum(remaining) FILTER (WHERE unit = 2) AS growth
      FROM lots GROUP BY holder_id
)
SELECT 'holders' AS "table", h.holder_id, NULL::uuid AS lot_id, v.field, v.expected::text, v.found::text
  FROM holders h LEFT JOIN summed s USING (holder_id)
 CROSS JOIN LATERAL (VALUES
    -- What is left of a budget sits in no lot.
    ('points', coalesce(s.points, 0), CASE WHEN h.member_id LIKE 'fund/%' THEN 0 ELSE h.points END),
    ('growth', coalesce(s.growth, 0), h.growth)
 ) AS v (field, expected, found)
 WHERE v.expected <> v.found
UNION ALL
-- What holds reserve of a lot is none of what remains in it.
SELECT 'postings', holder_id, lot_id, 'held', 'at least 0', sum(CASE credit WHEN 2 THEN amount ELSE -amount END)::text
  FROM postings WHERE credit = 2 OR debit = 2
 GROUP BY holder_id, lot_id HAVING sum(CASE credit WHEN 2 THEN amount ELSE -amount END) < 0
 ORDER BY 2, 3
"""

_LOT_RUNNING: LiteralString = """
WITH ordered AS (
    SELECT p.holder_id, p.lot_id, p.entry_id, p.ordinal, p.available_at IS NOT NULL AS is_opening,
           sum(CASE WHEN p.credit IN (1, 4) THEN p.amount WHEN p.debit IN (1, 4) THEN -p.amount ELSE 0 END)
               OVER steps AS remaining,
           sum(CASE 2 WHEN p.credit THEN p.amount WHEN p.debit THEN -p.amount ELSE 0 END) OVER steps AS held,
           first_value(p.amount) OVER steps AS original,
           row_number() OVER steps = 1 AS is_first
      FROM postings p JOIN entries e USING (entry_id, holder_id)
     WHERE p.lot_id IS NOT NULL
    WINDOW steps AS (PARTITION BY p.holder_id, p.lot_id ORDER BY e.version, p.ordinal ROWS UNBOUNDED PRECEDING)
)
SELECT 'postings' AS "table", holder_id, entry_id, ordinal, lot_id, 'remaining' AS field,
       CASE WHEN is_first AND NOT is_opening THEN 'in a lot opened before' ELSE '0 to ' || original END AS expected,
       remaining || CASE WHEN held <> 0 THEN ' and ' || held || ' held' ELSE '' END AS found
  FROM ordered
 WHERE least(remaining, held) < 0 OR remaining + held > original OR is_first <> is_opening
 ORDER BY holder_id, entry_id, ordinal
"""

_STANDINGS: LiteralString = """
WITH live AS (
    SELECT l.holder_id, l.unit, l.remaining, l.expires_at, l.available_at > h.recorded_at AS is_pending,
           l.available_at, min(l.expires_at) FILTER (WHERE l.unit = 1) OVER (PARTITION BY holder_id) AS next_expiry_at
      FROM lots l JOIN holders h USING (holder_id)
     WHERE l.remaining > 0 AND (l.expires_at IS NULL OR l.expires_at > h.recorded_at)
), taken AS (
    SELECT holder_id,
           coalesce(sum(remaining) FILTER (WHERE unit = 1 AND NOT is_pending), 0) AS available,
           coalesce(sum(remaining) FILTER (WHERE unit = 1 AND is_pending), 0) AS pending,
           coalesce(sum(remaining) FILTER (WHERE unit = 2), 0) AS growth_value,
           min(next_expiry_at) AS next_expiry_at,
           coalesce(sum(remaining) FILTER (WHERE unit = 1 AND expires_at = next_expiry_at), 0) AS next_expiry_points,
           least(min(expires_at), min(available_at) FILTER (WHERE unit = 1 AND is_pending)) AS fresh_until
      FROM live GROUP BY holder_id
), reserved AS (
    -- When a hold's time is up, its points are back.
    SELECT holder_id, min(expires_at) AS until FROM holds WHERE status = 'open' GROUP BY holder_id
), standings AS (
    SELECT h.holder_id, t.available, t.pending, t.growth_value, t.next_expiry_at, t.next_expiry_points,
           least(t.fresh_until, r.until) AS fresh_until
      FROM holders h LEFT JOIN taken t USING (holder_id) LEFT JOIN reserved r USING (holder_id)
)
SELECT 'holders' AS "table", h.holder_id, v.field, v.expected, v.found
  FROM holders h JOIN standings t USING (holder_id)
 CROSS JOIN LATERAL (VALUES
    ('available', coalesce(t.available, 0)::text, h.available::text),
    ('pending', coalesce(t.pending, 0)::text, h.pending::text),
    ('growth_value', coalesce(t.growth_value, 0)::text, h.growth_value::text),
    ('next_expiry_at', t.next_expiry_at::text, h.next_expiry_at::text),
    ('next_expiry_points', coalesce(t.next_expiry_points, 0)::text, h.next_expiry_points::text),
    ('fresh_until', t.fresh_until::text, h.fresh_until::text)
 ) AS v (field, expected, found)
 WHERE (coalesce(t.available, 0), coalesce(t.pending, 0), coalesce(t.growth_value, 0), t.next_expiry_at,
        coalesce(t.next_expiry_points, 0), t.fresh_until)
       IS DISTINCT FROM
       (h.available, h.pending, h.growth_value, h.next_expiry_at, h.next_expiry_points, h.fresh_until)
   AND v.expected IS DISTINCT FROM v.found
 ORDER BY h.holder_id
"""

_ROLL_FORWARD: LiteralString = """
WITH moved AS (
    SELECT p.holder_id,
           sum(CASE WHEN d.side = 'house' AND c.side = 'member' THEN p.amount
                    WHEN d.side = 'member' AND c.side = 'house' THEN -p.amount END) AS net
      FROM postings p JOIN chart d ON d.account = p.debit JOIN chart c ON c.account = p.credit
     WHERE d.unit = 'POINT' AND p.debit NOT IN (5, 56, 57)
     GROUP BY p.holder_id
), outstanding AS (
    SELECT h.program_id, h.holder_id, coalesce(m.net, 0) AS moved, h.points + h.held - h.debt AS held
      FROM holders h LEFT JOIN moved m USING (holder_id)
     WHERE h.member_id NOT LIKE 'fund/%'
)
SELECT 'holders' AS "table", program_id, holder_id, 'points + held - debt' AS field,
       moved::text AS expected, held::text AS found
  FROM outstanding WHERE moved <> held
UNION ALL
SELECT 'programs', program_id, NULL, 'points + held - debt of all members', sum(moved)::text, sum(held)::text
  FROM outstanding GROUP BY program_id HAVING sum(moved) <> sum(held)
 ORDER BY 1, 2, 3
"""

CHECKS = (
    by_query(
        "running balances",
        "the balances after each entry are the sums of the postings up to it, and never negative",
        ("entries", "postings"),
        _RUNNING,
    ),
    by_query(
        "balances", "a holder's balances are the sums of the postings", ("holders", "postings"), _HOLDERS
    ),
    by_query("lots", "each lot is what its postings make of it", ("lots", "postings"), _LOTS),
    by_query(
        "lot ids", "each lot is named by the entry that opened it, once", ("entries", "postings"), _LOT_IDS
    ),
    by_query("lot sums", "a holder's balances are the sums of the lots", ("holders", "lots"), _LOT_SUMS),
    by_query(
        "draws",
        "a lot is opened before it is drawn, and never holds less than nothing",
        ("postings",),
        _LOT_RUNNING,
    ),
    by_query(
        "standings",
        "what a holder may spend is what the lots say, by the clock",
        ("holders", "lots", "holds"),
        _STANDINGS,
    ),
    by_query(
        "roll-forward",
        "issued, redeemed, expired, clawed back and transferred give the outstanding points",
        ("holders", "postings"),
        _ROLL_FORWARD,
    ),
)
