"""Checks of what is decided by two keys: contents are what was hashed, and no rules are in force unapproved."""

from typing import LiteralString

from ledger.finance.verify.reading import by_query

_CONTENTS: LiteralString = """
SELECT 'rule_sets' AS "table", program_id, owner, version, NULL::uuid AS approval_id, 'content_hash' AS field,
       encode(sha256(convert_to(content::text, 'UTF8')), 'hex') AS expected, encode(content_hash, 'hex') AS found
  FROM rule_sets
 WHERE content_hash <> sha256(convert_to(content::text, 'UTF8'))
UNION ALL
SELECT 'approvals', program_id, NULL, NULL, approval_id, 'content_hash',
       encode(sha256(convert_to(content::text, 'UTF8')), 'hex'), encode(content_hash, 'hex')
  FROM approvals
 WHERE content_hash <> sha256(convert_to(content::text, 'UTF8'))
UNION ALL
SELECT 'rule_sets', program_id, owner, version, NULL, 'version', place::text, version::text
  FROM (SELECT program_id, owner, version,
               row_number() OVER (PARTITION BY program_id, owner ORDER BY version) AS place
          FROM rule_sets) AS counted
 WHERE version <> place
 ORDER BY 2, 3, 4, 5
"""

# What was activated for the first time has no reason of its own: it was approved, at that very moment. What
# was activated again had been activated before. They are counted, because a test clock may stand still.
_DECISIONS: LiteralString = """
WITH approved AS (
    SELECT program_id, coalesce(content ->> 'region', '') AS owner, (content ->> 'version')::integer AS version,
           content ->> 'content_hash' AS hash, decided_by AS key_id, decided_at AS at,
           count(*) AS times, (array_agg(approval_id))[1] AS approval_id
      FROM approvals WHERE kind = 'rule_set' AND status = 'approved' GROUP BY 1, 2, 3, 4, 5, 6
), carried_out AS (
    SELECT a.program_id, a.owner, a.version, encode(s.content_hash, 'hex') AS hash, a.activated_by AS key_id,
           a.recorded_at AS at, count(*) AS times, min(a.activation_id) AS activation_id
      FROM rule_activations a LEFT JOIN rule_sets s USING (program_id, owner, version)
     WHERE a.reason IS NULL GROUP BY 1, 2, 3, 4, 5, 6
), first AS (
    SELECT min(activation_id) AS activation_id FROM rule_activations GROUP BY program_id, owner, version
)
SELECT 'rule_activations' AS "table", program_id, owner, version, activation_id, approval_id,
       'approvals' AS field, coalesce(p.times, 0)::text AS expected, coalesce(c.times, 0)::text AS found
  FROM approved p FULL JOIN carried_out c USING (program_id, owner, version, hash, key_id, at)
 WHERE p.times IS DISTINCT FROM c.times
UNION ALL
SELECT 'rule_activations', a.program_id, a.owner, a.version, a.activation_id, NULL, 'reason',
       'none: it is the first', a.reason
  FROM rule_activations a JOIN first USING (activation_id)
 WHERE a.reason IS NOT NULL
UNION ALL
SELECT 'rule_activations', program_id, owner, version, activation_id, NULL, 'active_from',
       'not before it was recorded', active_from::text
  FROM rule_activations WHERE active_from < recorded_at
UNION ALL
SELECT 'approvals', program_id, NULL, NULL, NULL, approval_id, 'decided_by',
       'another than ' || proposed_by, decided_by
  FROM approvals WHERE decided_by = proposed_by
 ORDER BY 2, 3, 4, 5
"""

CHECKS = (
    by_query(
        "contents",
        "what was hashed when it was saved or proposed is what is there, and versions have no gaps",
        ("rule_sets", "approvals"),
        _CONTENTS,
    ),
    by_query(
        "decisions",
        "rules are in force because another key approved them, each approval once, and never before it",
        ("approvals", "rule_activations"),
        _DECISIONS,
    ),
)
