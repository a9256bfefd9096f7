"""Check of merges: who was merged has nothing left beside the survivor, and both say so."""

from typing import LiteralString

from ledger.finance.verify.reading import by_query

_MERGES: LiteralString = """
WITH standing AS (
    SELECT * FROM merges WHERE undone_at IS NULL
), decided AS (
    -- What two keys have merged or parted; what comes and goes for an event names its merge alone.
    SELECT * FROM entries WHERE kind = 'merge_out' AND details ->> 'approval_id' IS NOT NULL
), grown AS (
    -- The growth that duplicates had by orders that say which they are, and whether the survivor had the order.
    SELECT m.merge_id, p.lot_id,
           EXISTS (SELECT FROM entries s
                    WHERE s.holder_id = m.holder_id AND s.kind = 'earn' AND s.recorded_at < m.merged_at
                      AND s.details ->> 'order_id' = e.details ->> 'order_id') AS is_shared
      FROM merges m
      JOIN entries e ON e.holder_id = m.duplicate_id AND e.kind = 'earn' AND e.recorded_at < m.merged_at
      JOIN postings p ON p.entry_id = e.entry_id AND p.holder_id = e.holder_id
                     AND p.unit = 2 AND p.available_at IS NOT NULL
     WHERE e.details ->> 'order_id' IS NOT NULL
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
SELECT 'merges', m.holder_id, m.merge_id, 'undone_at', 'when points went back by two keys', m.undone_at::text
  FROM merges m
 WHERE m.undone_at IS NOT NULL
   AND NOT EXISTS (SELECT FROM decided d
                    WHERE (d.holder_id, d.peer_holder_id, d.recorded_at) = (m.holder_id, m.duplicate_id, m.undone_at))
UNION ALL
SELECT 'entries', d.holder_id, d.entry_id, 'kind', 'a merge, or its undoing', 'neither'
  FROM decided d
 WHERE NOT EXISTS (SELECT FROM merges m
                    WHERE m.merge_id = d.entry_id
                       OR (m.holder_id, m.duplicate_id, m.undone_at) = (d.holder_id, d.peer_holder_id, d.recorded_at))
UNION ALL
SELECT 'merges', m.holder_id, m.merge_id, 'uncounted', 'the growth of shared orders', array_to_string(m.uncounted, ' ')
  FROM merges m
 WHERE EXISTS (SELECT FROM grown g
                WHERE g.merge_id = m.merge_id AND g.is_shared AND g.lot_id <> ALL (m.uncounted))
    OR EXISTS (SELECT FROM unnest(m.uncounted) AS u (lot_id)
                WHERE NOT EXISTS (SELECT FROM lots l
                                   WHERE l.holder_id = m.duplicate_id AND l.lot_id = u.lot_id AND l.unit = 2))
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
        ("holders", "merges", "entries"),
        _MERGES,
    ),
)
