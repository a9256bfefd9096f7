"""Check of the locks of members: the bits in a holder's row are what its history comes to."""

from typing import LiteralString

from ledger.finance.verify.reading import by_query

_LOCKS: LiteralString = """
WITH last AS (
    SELECT holder_id, lock, (array_agg(is_on ORDER BY event_id DESC))[1] AS is_on
      FROM member_lock_events GROUP BY holder_id, lock
), told AS (
    SELECT holder_id, sum(CASE lock WHEN 'frozen' THEN 1 WHEN 'spend' THEN 2 ELSE 4 END) AS locks
      FROM last WHERE is_on GROUP BY holder_id
)
SELECT 'holders' AS "table", holder_id, 'locks' AS field, coalesce(t.locks, 0)::text AS expected,
       h.locks::text AS found
  FROM holders h FULL JOIN told t USING (holder_id)
 WHERE coalesce(t.locks, 0) IS DISTINCT FROM h.locks::bigint
 ORDER BY 2
"""

CHECKS = (
    by_query(
        "locks",
        "a member is frozen, reviewed or has locked his spending because somebody said so, and nobody took it off",
        ("holders",),
        _LOCKS,
    ),
)
