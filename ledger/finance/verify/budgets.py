"""Checks of the budgets: funds stand apart from members, and pay for exactly the awards that name them.

That a fund's balance is the sum of its postings, and never was below nothing, is checked with all balances.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, LiteralString

import orjson

from ledger.finance.verify.findings import Fault
from ledger.finance.verify.reading import Rows, by_query, by_walk

# The accounts by their codes: 5 fund, 56 fund_granted, 57 fund_spent.
_FUNDS: LiteralString = """
WITH granted AS (
    SELECT holder_id, sum(CASE WHEN debit = 56 THEN amount WHEN credit = 56 THEN -amount END) AS amount
      FROM postings WHERE 56 IN (debit, credit) GROUP BY holder_id
), shares AS (
    SELECT e.holder_id, e.entry_id, e.version, CASE p.debit WHEN 56 THEN p.amount ELSE -p.amount END AS amount,
           (e.details ->> 'issued')::numeric AS issued, (e.details #>> '{share,percent}')::numeric AS percent,
           CASE e.details #>> '{share,of}' WHEN 'headquarters' THEN 100
                ELSE 100 - (e.details #>> '{share,percent}')::numeric END AS whole
      FROM entries e
      JOIN postings p USING (entry_id, holder_id)
      JOIN holders h USING (holder_id)
     WHERE e.kind = 'fund_grant' AND h.member_id LIKE 'fund/share:%'
), kept AS (
    SELECT holder_id, sum(amount) AS amount FROM usages WHERE subject = 'granted' GROUP BY holder_id
)
SELECT 'postings' AS "table", p.holder_id, p.entry_id, p.ordinal, 'holder' AS field,
       CASE WHEN 5 IN (p.debit, p.credit) THEN 'a fund' ELSE 'no fund' END AS expected, h.member_id AS found
  FROM postings p JOIN holders h USING (holder_id)
 WHERE (h.member_id LIKE 'fund/%') <> (5 IN (p.debit, p.credit))
UNION ALL
SELECT 'usages', holder_id, NULL, NULL, 'granted', coalesce(g.amount, 0)::text, coalesce(k.amount, 0)::text
  FROM granted g FULL JOIN kept k USING (holder_id)
 WHERE g.amount IS DISTINCT FROM k.amount
UNION ALL
-- The ledger alone grants a share, each time up to what it says it was measured by.
SELECT 'entries', holder_id, entry_id, NULL, 'granted in all', coalesce(allowed, 0)::text, granted::text
  FROM (SELECT holder_id, entry_id, sum(amount) OVER (PARTITION BY holder_id ORDER BY version) AS granted,
               least(floor(issued * percent / nullif(whole, 0)), 9007199254740991) AS allowed
          FROM shares) AS measured
 WHERE granted IS DISTINCT FROM allowed
 ORDER BY 2, 3, 4
"""

# An award by hand may bear the name of a fund from before there were funds; an award by a rule may not.
_PAID: LiteralString = """
WITH paid AS (
    SELECT s.parent_entry_id AS entry_id,
           array_agg(substring(f.member_id FROM 6) ORDER BY f.member_id, s.entry_id) AS funds,
           array_agg(p.amount ORDER BY f.member_id, s.entry_id) AS amounts
      FROM entries s
      JOIN postings p USING (entry_id, holder_id)
      JOIN holders f USING (holder_id)
     WHERE s.kind = 'fund_spend' GROUP BY s.parent_entry_id
), issued AS (
    SELECT entry_id, sum(p.amount)::bigint AS points
      FROM postings p JOIN paid USING (entry_id) WHERE p.debit = 50 GROUP BY entry_id
)
SELECT e.entry_id, e.kind, e.details::text, coalesce(i.points, 0), p.funds, p.amounts
  FROM entries e
  LEFT JOIN paid p USING (entry_id)
  LEFT JOIN issued i USING (entry_id)
 WHERE p.entry_id IS NOT NULL
    OR (e.kind IN ('earn', 'activity', 'referral') AND e.details::text LIKE '%"funds"%')
"""


def wrong_payments(rows: Rows) -> Iterator[Fault]:
    """Every award for which the funds that it names have not paid exactly as much as it says, each once."""
    for entry_id, kind, text, issued, funds, amounts in rows.stream(_PAID):
        paid = sorted(zip(funds or (), amounts or (), strict=True))
        try:
            told = _told(kind, orjson.loads(text or "null"), issued)
        except (KeyError, TypeError, ValueError):
            told = {}
        if paid != sorted(told.items()):
            yield Fault("entries", {"entry_id": entry_id}, "paid by funds", str(told), str(dict(paid)))


def _told(kind: str, details: Mapping[str, Any], issued: int) -> dict[str, int]:
    """What each fund pays, as the entry of the award tells it."""
    if kind == "award":
        return {details["fund"]: issued}
    told = Counter[str]()
    for award in details["awards"]:
        for fund in award.get("funds", ()):
            told[fund] += award["amount"]
    return dict(told)


CHECKS = (
    by_query(
        "budgets",
        "budgets are kept apart from points; what a fund was granted is the sum of its grants, a share what it may be",
        ("postings", "usages"),
        _FUNDS,
    ),
    by_walk(
        "payments", "funds pay for the awards that name them, to the point", ("entries",), wrong_payments
    ),
)
