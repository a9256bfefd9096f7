"""Tiers, lived through anew: each stored tier is what a replay of the member's growth gives, from the postings.

The replay goes as far as the stored tier is settled, under the terms that were known when it was settled. What
has changed since is for the next entry to find out, and for every reader meanwhile.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, LiteralString

from ledger.accounts.growth import Change, Timeline
from ledger.accounts.ladders import Ladders, ladders_from
from ledger.accounts.program import TermsVersion
from ledger.accounts.tiers import NO_TIER, TICK, TierState, settle
from ledger.finance.verify.findings import Fault
from ledger.finance.verify.reading import Rows, by_query, by_walk

_TERMS: LiteralString = """
SELECT p.program_id, p.timezone, t.version, t.recorded_at, t.terms::text
  FROM programs p JOIN program_terms t USING (program_id)
 ORDER BY p.program_id, t.version
"""

_GROWTH: LiteralString = """
WITH openings AS (
    SELECT p.holder_id, p.lot_id, e.effective_at AS earned_at, p.expires_at
      FROM postings p JOIN entries e USING (entry_id, holder_id)
     WHERE p.unit = 2 AND p.available_at IS NOT NULL
), changes AS (
    SELECT p.holder_id, greatest(e.effective_at, o.earned_at) AS at,
           CASE WHEN p.credit = 4 THEN p.amount ELSE -p.amount END AS amount, o.expires_at, p.lot_id
      FROM postings p JOIN entries e USING (entry_id, holder_id) JOIN openings o USING (holder_id, lot_id)
     -- Growth that changes books is nothing new: the orders of everyone who was merged into a member are his.
     WHERE p.unit = 2 AND p.credit <> 61 AND 62 NOT IN (p.debit, p.credit)
), lived AS (
    SELECT holder_id, at, amount, expires_at FROM changes
    UNION ALL
    SELECT m.holder_id, c.at, c.amount, c.expires_at
      FROM merges m JOIN changes c ON c.holder_id = m.duplicate_id
     WHERE m.undone_at IS NULL AND c.lot_id <> ALL (m.uncounted)
)
SELECT h.holder_id, h.program_id, coalesce(h.tier, ''), h.tier_since, h.tier_ends_at, h.tier_in_grace,
       h.tier_terms_version, h.tier_settled_at, c.at, c.amount, c.expires_at
  FROM holders h LEFT JOIN lived c USING (holder_id)
 WHERE h.merged_into IS NULL
   AND (num_nonnulls(h.tier, h.tier_since, h.tier_ends_at, h.tier_settled_at) > 0
        OR h.tier_in_grace OR h.tier_terms_version <> 0)
 ORDER BY h.holder_id
"""

_EVENTS: LiteralString = """
WITH numbered AS (
    SELECT e.holder_id, e.ordinal, e.to_tier, count(*) OVER (PARTITION BY e.holder_id) AS number,
           row_number() OVER (PARTITION BY e.holder_id ORDER BY e.ordinal DESC) AS place
      FROM tier_events e JOIN holders h USING (holder_id)
), latest AS (
    SELECT holder_id, ordinal, to_tier, number FROM numbered WHERE place = 1
)
SELECT 'tier_events' AS "table", h.holder_id, 'last to_tier' AS field, h.tier AS expected, l.to_tier AS found
  FROM holders h LEFT JOIN latest l USING (holder_id)
 WHERE h.tier IS NOT NULL AND h.tier IS DISTINCT FROM l.to_tier
UNION ALL
SELECT 'tier_events', holder_id, 'ordinal', number::text, ordinal::text FROM latest WHERE ordinal <> number
 ORDER BY 2
"""


def strange_tiers(rows: Rows) -> Iterator[Fault]:
    """Every member whose stored tier is not that of a replay."""
    ladders = _ladders(rows)
    for (holder_id, program_id, *stored), changes in groupby(rows.stream(_GROWTH), key=lambda row: row[:8]):
        found = TierState._make(stored)
        expected = _replayed(found, list(_changes(changes)), ladders[program_id])
        for name, right, wrong in zip(TierState._fields, expected, found, strict=True):
            if right != wrong:
                yield Fault("holders", {"holder_id": holder_id}, f"tier {name}", str(right), str(wrong))
                break


def _changes(rows: Iterable[tuple[Any, ...]]) -> Iterator[Change]:
    return (Change(at, amount, ends_at) for *_, at, amount, ends_at in rows if at is not None)


def _replayed(stored: TierState, changes: list[Change], ladders: Ladders) -> TierState:
    if stored.settled_at is None:
        return NO_TIER
    # Whatever is in the books has been settled: a gain at once, what was taken one tick later.
    happened = max((at if amount > 0 else at + TICK for at, amount, _ in changes), default=stored.settled_at)
    settled_at = max(happened, stored.settled_at)
    return settle(NO_TIER, Timeline(changes), ladders.up_to(stored.terms_version), settled_at)[0]


def _ladders(rows: Rows) -> dict[int, Ladders]:
    grouped = groupby(rows.stream(_TERMS), key=lambda row: row[:2])
    return {
        program_id: ladders_from([TermsVersion._make(row[2:]) for row in versions], timezone)
        for (program_id, timezone), versions in grouped
    }


CHECKS = (
    by_walk(
        "tiers",
        "each tier is what the growth of the member, lived through anew, makes of it",
        ("holders", "entries", "postings"),
        strange_tiers,
    ),
    by_query(
        "tier events",
        "the last event of a member's tier tells the tier, and none is missing",
        ("holders",),
        _EVENTS,
    ),
)
