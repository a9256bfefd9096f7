"""Check of merges: who was merged has nothing left beside the survivor, and both say so."""

from typing import LiteralString

from ledger.finance.verify.reading import by_query

_MERGES: LiteralString = """
WITH standing AS (
    SELECT * FROM merges WHERE undone_at IS NULL
)
SELECT 'holders' AS "table", holder_id, NULL::uuid AS merge_id, 'merged_into' AS field,
       coalesce(s.survivor::text, 'nobody') AS expected, coalesce(h.merged_into::text, 'nobody') AS found
  FROM holders h
  LEFT JOIN (SELECT duplicate_id AS holder_id, min(holder_id::text) AS survivor, count(*) AS times
               FROM standing GROUP BY duplicate_id) s USING (holder_id)
 WHERE s.survivor IS DISTINCT FROM h.merged_into::text OR s.times > 1
UNION ALL
SELECT 'merges', holder_id, merge_id, 'holder_id', 'one who was not merged', h.merged_into::text
  FROM standing JOIN holders h USING (holder_id)
 WHERE h.merged_into IS NOT NULL
UNION ALL
SELECT 'merges', m.holder_id, m.merge_id, 'merge_id', 'the entry by which the points left, at that time',
       concat_ws(' ', e.kind, e.recorded_at)
  FROM merges m LEFT JOIN entries e ON e.entry_id = m.merge_id
 WHERE (e.kind, e.holder_id, e.peer_holder_id, e.recorded_at)
       IS DISTINCT FROM ('merge_out', m.duplicate_id, m.holder_id, m.merged_at)
UNION ALL
SELECT 'holders', h.holder_id, m.merge_id, 'debt', 'none: the survivor owes it', h.debt::text
  FROM standing m JOIN holders h ON h.holder_id = m.duplicate_id
 WHERE h.debt > 0
UNION ALL
-- What has lapsed and is not booked yet stays, and so does growth that counts in the survivor's books already.
SELECT 'lots', h.holder_id, m.merge_id, 'remaining', 'nothing in lot ' || l.lot_id, l.remaining::text
  FROM standing m
  JOIN holders h ON h.holder_id = m.duplicate_id
  JOIN lots l ON l.holder_id = h.holder_id
 WHERE l.remaining > 0 AND (l.expires_at IS NULL OR l.expires_at > h.recorded_at) AND l.lot_id <> ALL (m.uncounted)
 ORDER BY 2, 3
"""

CHECKS = (
    by_query(
        "merges",
        "whoever was merged has nothing beside the survivor, who was not merged himself",
        ("holders", "merges"),
        _MERGES,
    ),
)
