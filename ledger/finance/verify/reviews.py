"""Checks of reviews: each is what the entries make of it, and was decided by another key than sent the award.

A hold that names a review follows the award, and takes points of the lots that the award has opened. The release that a
verdict makes names it; a rejection stands beside that release.
"""

from typing import LiteralString

from ledger.finance.verify.reading import by_query

_REVIEWS: LiteralString = """
WITH opened AS (
    SELECT e.holder_id, e.entry_id AS hold_id, h.program_id, e.parent_entry_id, e.effective_at,
           right(e.details #>> '{review,entry_id}', 32)::uuid AS entry_id,
           e.details #>> '{review,opened_by}' AS opened_by
      FROM entries e LEFT JOIN holders h USING (holder_id)
     WHERE e.kind = 'hold' AND e.details -> 'review' IS NOT NULL
), judged AS (
    SELECT e.holder_id, e.parent_entry_id AS hold_id, e.entry_id AS release_id, e.recorded_at,
           e.details #>> '{verdict,decision}' AS decision, e.details #>> '{verdict,decided_by}' AS decided_by
      FROM entries e WHERE e.kind = 'release' AND e.details -> 'verdict' IS NOT NULL
), rejected AS (
    SELECT e.holder_id, right(e.details ->> 'review_id', 32)::uuid AS hold_id, count(*) AS times,
           min(e.recorded_at) AS recorded_at, min(e.parent_entry_id::text)::uuid AS parent_entry_id
      FROM entries e WHERE e.kind = 'reject' GROUP BY 1, 2
)
SELECT 'reviews' AS "table", holder_id, hold_id, v.field, v.expected, v.found
  FROM opened o
  FULL JOIN reviews r USING (holder_id, hold_id)
  FULL JOIN judged j USING (holder_id, hold_id)
  FULL JOIN rejected x USING (holder_id, hold_id)
  LEFT JOIN holds d USING (holder_id, hold_id)
 CROSS JOIN LATERAL (VALUES
    ('entry_id', o.entry_id::text, r.entry_id::text),
    ('opened_by', o.opened_by, r.opened_by),
    ('program_id', o.program_id::text, r.program_id::text),
    ('decision', j.decision, r.decision),
    ('decided_by', j.decided_by, r.decided_by),
    ('decided_by', 'another key', CASE WHEN r.decided_by = r.opened_by THEN 'the same' ELSE 'another key' END),
    ('what goes back', o.parent_entry_id::text, coalesce(x.parent_entry_id, o.parent_entry_id)::text),
    ('rejections', CASE j.decision WHEN 'rejected' THEN '1 at ' || j.recorded_at ELSE 'none' END,
     coalesce(x.times || ' at ' || x.recorded_at, 'none')),
    ('closed by', coalesce(j.release_id, CASE WHEN d.status = 'lapsed' THEN d.closed_entry_id END)::text,
     d.closed_entry_id::text)
 ) AS v (field, expected, found)
 WHERE v.expected IS DISTINCT FROM v.found
 ORDER BY 2, 3
"""

_HELD: LiteralString = """
WITH opened AS (
    SELECT e.holder_id, e.entry_id, e.parent_entry_id, right(e.details #>> '{review,entry_id}', 32)::uuid AS award_id
      FROM entries e WHERE e.kind = 'hold' AND e.details -> 'review' IS NOT NULL
)
SELECT 'entries' AS "table", o.holder_id, o.entry_id, NULL::smallint AS ordinal, 'award' AS field,
       'an award of the holder, or what it follows' AS expected, coalesce(a.kind, 'none') AS found
  FROM opened o LEFT JOIN entries a ON a.entry_id = o.award_id AND a.holder_id = o.holder_id
 WHERE a.entry_id IS NULL OR a.kind NOT IN ('earn', 'award', 'activity', 'referral')
    OR coalesce(a.parent_entry_id, a.entry_id) IS DISTINCT FROM o.parent_entry_id
UNION ALL
SELECT 'entries', e.holder_id, e.entry_id, NULL, 'review', 'of a hold that follows an award, and of no other',
       coalesce(e.parent_entry_id::text, 'none')
  FROM entries e
 WHERE e.kind = 'hold' AND (e.parent_entry_id IS NULL) <> (e.details -> 'review' IS NULL)
UNION ALL
SELECT 'postings', p.holder_id, p.entry_id, p.ordinal, 'lot_id', 'one that the award has opened', p.lot_id::text
  FROM opened o JOIN postings p USING (entry_id, holder_id)
 WHERE NOT EXISTS (
       SELECT FROM postings a
        WHERE a.entry_id = o.award_id AND a.holder_id = o.holder_id AND a.lot_id = p.lot_id
          AND a.available_at IS NOT NULL)
 ORDER BY 2, 3, 4
"""

CHECKS = (
    by_query(
        "reviews",
        "each review is what the entries make of it, decided once at most and by another key",
        ("reviews", "entries", "holds"),
        _REVIEWS,
    ),
    by_query(
        "held awards",
        "what is held for review is what an award has given",
        ("entries", "postings"),
        _HELD,
    ),
)
