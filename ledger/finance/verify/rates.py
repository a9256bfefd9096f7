"""Checks of the rates: none is in force that nobody approved, none strays too far, and none can be gained from."""

from typing import LiteralString

from ledger.finance.verify.reading import by_query

_VERSIONS: LiteralString = """
SELECT 'rates' AS "table", program_id, version, 'version' AS field, place::text AS expected, version::text AS found
  FROM (SELECT program_id, version, row_number() OVER (PARTITION BY program_id ORDER BY version) AS place
          FROM rates) AS counted
 WHERE version <> place
UNION ALL
SELECT 'rates', program_id, 1, 'version', '1', 'none'
  FROM programs WHERE NOT EXISTS (SELECT FROM rates WHERE rates.program_id = programs.program_id AND version = 1)
UNION ALL
SELECT 'rates', program_id, version, 'ask', 'at least ' || bid, ask::text FROM rates WHERE ask < bid
UNION ALL
SELECT 'rates', program_id, version, 'bid', 'from ' || floor || ' to ' || ceiling, bid::text
  FROM rates WHERE bid NOT BETWEEN floor AND ceiling OR floor <= 0
UNION ALL
SELECT 'rates', program_id, version, 'valid_from', 'not before it was recorded', valid_from::text
  FROM rates WHERE valid_from < recorded_at AND version > 1
 ORDER BY 2, 3
"""

# Each approval makes one version, at that very moment. They are counted, because a test clock may stand still.
# What the controller records, two approvals allow beforehand, by keys that the version names; and nobody had
# turned it off between.
_APPROVALS: LiteralString = """
WITH approved AS (
    SELECT program_id, (content ->> 'rate')::numeric AS bid, (content ->> 'ask')::numeric AS ask,
           (content ->> 'floor')::numeric AS floor, (content ->> 'ceiling')::numeric AS ceiling,
           (content ->> 'max_step')::numeric AS max_step, proposed_by, decided_by AS approved_by,
           greatest((content ->> 'valid_from')::timestamptz, decided_at) AS valid_from, decided_at AS recorded_at,
           content ->> 'reason' AS reason, count(*) AS times, (array_agg(approval_id))[1] AS approval_id
      FROM approvals WHERE kind = 'rate' AND status = 'approved' GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
), made AS (
    SELECT program_id, bid, ask, floor, ceiling, max_step, proposed_by, approved_by, valid_from, recorded_at, reason,
           count(*) AS times, min(version) AS version
      FROM rates WHERE version > 1 AND proposed_by IS DISTINCT FROM 'band-controller'
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
), allowed AS (
    SELECT a.program_id, a.proposed_by || '+' || a.decided_by AS approved_by, a.decided_at AS since,
           (SELECT min(s.recorded_at) FROM rule_switches s
             WHERE s.program_id = a.program_id AND s.kind = 'band' AND s.code IN ('auto', 'controller')
               AND NOT s.is_on AND s.recorded_at > a.decided_at) AS until
      FROM approvals a WHERE a.kind = 'band_auto_second' AND a.status = 'approved'
       AND EXISTS (SELECT FROM rule_switches s
                    WHERE s.program_id = a.program_id AND s.kind = 'band' AND s.code = 'auto' AND s.is_on
                      AND s.recorded_at <= a.decided_at)
), missed AS (
    SELECT program_id, version, approved_by, recorded_at FROM rates
     WHERE version > 1 AND proposed_by = 'band-controller'
    EXCEPT
    SELECT r.program_id, r.version, r.approved_by, r.recorded_at
      FROM rates r JOIN allowed w USING (program_id, approved_by)
     WHERE r.recorded_at >= w.since AND r.recorded_at <= coalesce(w.until, 'infinity')
)
SELECT 'rates' AS "table", program_id, m.version, p.approval_id, 'approvals' AS field,
       coalesce(p.times, 0)::text AS expected, coalesce(m.times, 0)::text AS found
  FROM approved p
  FULL JOIN made m USING (program_id, bid, ask, floor, ceiling, max_step, proposed_by, approved_by, valid_from,
                          recorded_at, reason)
 WHERE p.times IS DISTINCT FROM m.times
UNION ALL
SELECT 'rates', program_id, version, NULL, 'approved_by', 'two keys that had turned auto on, and nobody off',
       approved_by || ' at ' || recorded_at
  FROM missed
UNION ALL
SELECT 'rates', program_id, version, NULL, 'approved_by', 'another than ' || proposed_by, approved_by
  FROM rates WHERE approved_by = proposed_by
 ORDER BY 2, 3, 4
"""

# In the order in which they count: of those that begin together, the latest version. Of two neighbours the older
# version was there first, and says how far they may lie apart.
_STEPS: LiteralString = """
WITH counting AS (
    SELECT DISTINCT ON (program_id, valid_from) program_id, version, bid, max_step, valid_from
      FROM rates ORDER BY program_id, valid_from, version DESC
), beside AS (
    SELECT program_id, version, bid, max_step,
           lag(version) OVER times AS before, lag(bid) OVER times AS bid_before,
           lag(max_step) OVER times AS step_before
      FROM counting WINDOW times AS (PARTITION BY program_id ORDER BY valid_from)
), judged AS (
    SELECT program_id, version, before, bid, bid_before,
           CASE WHEN before < version THEN step_before * bid_before ELSE max_step * bid END AS allowed
      FROM beside WHERE before IS NOT NULL
)
SELECT 'rates' AS "table", program_id, version, before, 'bid' AS field,
       'within ' || allowed || ' of ' || bid_before AS expected, bid::text AS found
  FROM judged WHERE abs(bid - bid_before) > allowed
 ORDER BY 2, 3
"""

CHECKS = (
    by_query(
        "rates",
        "versions of the rate have no gaps, lie within their bounds, and none costs less than it is worth",
        ("rates",),
        _VERSIONS,
    ),
    by_query(
        "rate approvals",
        "each rate was approved as it is, by another key or by the two that let the controller act",
        ("rates", "approvals"),
        _APPROVALS,
    ),
    by_query(
        "rate steps",
        "no rate lies further from the one before it than the one that was there first allows",
        ("rates",),
        _STEPS,
    ),
)
