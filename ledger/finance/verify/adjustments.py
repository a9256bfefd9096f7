"""Check of adjustments: every one in the books was approved, by another key than the one that proposed it, as it is."""

from typing import LiteralString

from ledger.finance.verify.reading import by_query

# What is told is compared whole: who, how much, why, under which name, by whose word. An entry may have several
# postings; what it adds to the member is what the proposal said, whatever of it repaid a debt. Of one who was merged
# meanwhile, it is in the survivor's books.
_ADJUSTMENTS: LiteralString = """
WITH moved AS (
    SELECT entry_id, holder_id, sum(CASE debit WHEN 53 THEN amount ELSE -amount END) AS points
      FROM postings WHERE 53 IN (debit, credit) GROUP BY entry_id, holder_id
), posted AS (
    SELECT h.program_id, e.entry_id, e.details ->> 'approval_id' AS approval, h.holder_id, h.member_id,
           e.recorded_at,
           concat_ws(' ', m.points, e.details ->> 'proposed_by', e.details ->> 'approved_by',
                     e.reference, coalesce(t.texts ->> 'reason', e.details ->> 'reason', 'erased')) AS told
      FROM entries e JOIN holders h USING (holder_id) LEFT JOIN moved m USING (entry_id, holder_id)
      LEFT JOIN entry_texts t USING (entry_id, holder_id)
     WHERE e.kind = 'adjust'
), approved AS (
    SELECT program_id, approval_id, 'apr_' || replace(approval_id::text, '-', '') AS approval,
           content ->> 'member_id' AS member_id,
           concat_ws(' ', content ->> 'points', proposed_by, decided_by,
                     coalesce(content ->> 'reference', 'adj_' || replace(approval_id::text, '-', '')),
                     content ->> 'reason') AS told
      FROM approvals WHERE kind = 'adjustment' AND status = 'approved'
)
SELECT 'entries' AS "table", coalesce(p.program_id, a.program_id) AS program_id, p.entry_id, a.approval_id,
       'approval' AS field, coalesce(a.member_id || ' ' || a.told, 'none was approved') AS expected,
       coalesce(p.member_id || ' ' || p.told, 'none was posted') AS found
  FROM posted p FULL JOIN approved a USING (program_id, approval)
 WHERE a.told IS DISTINCT FROM p.told
    OR a.member_id <> p.member_id
       AND NOT EXISTS (
           SELECT FROM merges g JOIN holders d ON d.holder_id = g.duplicate_id
            WHERE g.holder_id = p.holder_id AND d.member_id = a.member_id
              AND p.recorded_at BETWEEN g.merged_at AND coalesce(g.undone_at, 'infinity'))
UNION ALL
SELECT 'entries', program_id, min(entry_id::text)::uuid, NULL, 'entries of an approval', '1', count(*)::text
  FROM posted GROUP BY program_id, approval HAVING count(*) > 1
 ORDER BY 2, 3, 4
"""

CHECKS = (
    by_query(
        "adjustments",
        "what was put right by hand was proposed by one key and approved by another, word for word, and once",
        ("approvals", "entries", "postings"),
        _ADJUSTMENTS,
    ),
)
