"""Check of the words beside the entries: they are those that were written, or their member was erased."""

from typing import LiteralString

from ledger.finance.verify.reading import by_query

# A reversal of two members' books says the same in both: whoever is erased takes it out of both.
_TEXTS: LiteralString = """
WITH named AS (
    -- Found before their details are read: few entries have words.
    SELECT entry_id, holder_id, peer_holder_id, details ->> 'texts' AS digest
      FROM entries WHERE details::text LIKE '%"texts"%'
), erased AS (
    SELECT n.entry_id, n.holder_id FROM named n
     WHERE n.holder_id IN (SELECT holder_id FROM erasures) OR n.peer_holder_id IN (SELECT holder_id FROM erasures)
)
SELECT 'entry_texts' AS "table", holder_id, entry_id, 'texts' AS field,
       coalesce(n.digest, 'none that the entry does not name') AS expected,
       CASE WHEN t.entry_id IS NULL THEN 'none'
            WHEN t.texts IS NULL THEN 'erased, though the member was not'
            ELSE encode(sha256(t.salt || convert_to(t.texts::text, 'UTF8')), 'hex') END AS found
  FROM named n FULL JOIN entry_texts t USING (entry_id, holder_id)
 WHERE CASE WHEN t.entry_id IS NULL OR n.entry_id IS NULL THEN true
            WHEN t.texts IS NULL THEN (entry_id, holder_id) NOT IN (SELECT e.entry_id, e.holder_id FROM erased e)
            ELSE n.digest IS DISTINCT FROM encode(sha256(t.salt || convert_to(t.texts::text, 'UTF8')), 'hex') END
 ORDER BY 2, 3
"""

CHECKS = (
    by_query(
        "texts",
        "words beside an entry are those that its hash has the digest of, or were erased with their member",
        ("entries", "entry_texts"),
        _TEXTS,
    ),
)
