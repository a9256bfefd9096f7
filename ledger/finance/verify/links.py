"""Checks of what points to what: parents, the two sides of a transfer, business names, remembered answers."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, LiteralString, NamedTuple

import orjson

from ledger.errors import error_classes
from ledger.finance.verify.findings import Fault
from ledger.finance.verify.reading import Rows, by_query, by_walk
from ledger.ids import show

_PARENTS: LiteralString = """
WITH allowed (kind, parent_kind) AS (VALUES
    ('capture', 'hold'), ('release', 'hold'), ('refund', 'redeem'), ('refund', 'capture'), ('return', 'earn'),
    ('transfer_in', 'transfer_out'), ('merge_in', 'merge_out'),
    ('reversal', 'earn'), ('reversal', 'award'), ('reversal', 'redeem'), ('reversal', 'capture'),
    ('reversal', 'transfer_out'), ('reversal', 'activity'), ('reversal', 'adjust'), ('referral', 'earn'),
    ('reject', 'earn'), ('reject', 'award'), ('reject', 'activity'),
    ('hold', 'earn'), ('hold', 'award'), ('hold', 'activity'),
    ('fund_spend', 'earn'), ('fund_spend', 'award'), ('fund_spend', 'activity'), ('fund_spend', 'referral')
), related AS (
    SELECT e.holder_id, e.version, e.entry_id, e.kind, e.parent_entry_id, e.peer_holder_id,
           e.effective_at, e.recorded_at,
           f.kind AS parent_kind, f.holder_id AS parent_holder_id, f.peer_holder_id AS parent_peer_id,
           f.version AS parent_version, f.effective_at AS parent_effective_at, f.recorded_at AS parent_recorded_at,
           h.program_id, peer.program_id AS peer_program_id
      FROM entries e
      LEFT JOIN entries f ON f.entry_id = e.parent_entry_id
      LEFT JOIN holders h ON h.holder_id = e.holder_id
      LEFT JOIN holders peer ON peer.holder_id = e.peer_holder_id
)
SELECT 'entries' AS "table", r.holder_id, r.version, r.entry_id, v.field, v.expected,
       CASE v.field WHEN 'parent_entry_id' THEN concat_ws(' ', parent_kind, coalesce(parent_entry_id::text, 'none'))
                    WHEN 'peer_holder_id' THEN coalesce(peer_holder_id::text, 'none')
                    ELSE effective_at::text END AS found
  FROM related r
 CROSS JOIN LATERAL (VALUES
    ('parent_entry_id', 'an entry that one of its kind may follow',
     -- A hold follows an award that it holds for review, or nothing.
     CASE WHEN kind IN (SELECT a.kind FROM allowed a) AND (kind <> 'hold' OR parent_entry_id IS NOT NULL)
          THEN (kind, coalesce(parent_kind, '')) NOT IN (SELECT * FROM allowed)
          ELSE parent_entry_id IS NOT NULL END),
    ('parent_entry_id', 'an earlier entry of the holder or of the peer',
     parent_entry_id IS NOT NULL
     AND CASE WHEN kind = 'fund_spend' THEN (parent_holder_id, parent_recorded_at)
                                            IS DISTINCT FROM (peer_holder_id, recorded_at)
              WHEN parent_holder_id = holder_id THEN parent_version >= version
              ELSE kind NOT IN ('transfer_in', 'merge_in', 'reversal', 'return', 'referral', 'hold', 'reject')
                OR parent_recorded_at > recorded_at
                OR (parent_holder_id, parent_peer_id) IS DISTINCT FROM (peer_holder_id, holder_id) END),
    ('peer_holder_id', 'another holder of the program, where there are two sides',
     CASE WHEN kind IN ('transfer_out', 'transfer_in', 'merge_out', 'merge_in', 'referral', 'fund_spend')
            OR kind IN ('earn', 'return', 'reversal', 'hold', 'reject') AND peer_holder_id IS NOT NULL
          THEN peer_program_id IS DISTINCT FROM program_id OR peer_holder_id = holder_id
          ELSE peer_holder_id IS NOT NULL END),
    ('peer_holder_id', 'the other side of what is taken back',
     kind IN ('return', 'reversal', 'hold', 'reject') AND parent_kind IS NOT NULL
     AND peer_holder_id IS DISTINCT FROM
         CASE WHEN parent_holder_id = holder_id THEN parent_peer_id ELSE parent_holder_id END),
    ('effective_at', 'not before the purchase',
     kind = 'return' AND coalesce(effective_at < parent_effective_at, false)),
    ('effective_at', 'that of the purchase',
     kind IN ('referral', 'hold') AND coalesce(effective_at <> parent_effective_at, false))
 ) AS v (field, expected, is_wrong)
 WHERE v.is_wrong
 ORDER BY r.holder_id, r.version
"""

_TRANSFERS: LiteralString = """
WITH sent AS (
    SELECT o.holder_id, o.entry_id, o.peer_holder_id, o.reference, o.effective_at, o.recorded_at,
           count(i.entry_id) AS arrivals,
           bool_and((i.holder_id, i.peer_holder_id, i.reference, i.effective_at, i.recorded_at)
                    IS NOT DISTINCT FROM
                    (o.peer_holder_id, o.holder_id, o.reference, o.effective_at, o.recorded_at)) AS is_mirrored
      FROM entries o LEFT JOIN entries i ON i.parent_entry_id = o.entry_id AND i.kind IN ('transfer_in', 'merge_in')
     WHERE o.kind IN ('transfer_out', 'merge_out')
     GROUP BY o.holder_id, o.entry_id, o.peer_holder_id, o.reference, o.effective_at, o.recorded_at
), parts AS (
    SELECT coalesce(e.parent_entry_id, e.entry_id) AS entry_id, p.ordinal, p.amount,
           e.kind IN ('transfer_in', 'merge_in') AS arrives
      FROM entries e JOIN postings p USING (entry_id, holder_id)
     WHERE e.kind IN ('transfer_out', 'transfer_in', 'merge_out', 'merge_in')
       AND (54 IN (p.debit, p.credit) OR 62 IN (p.debit, p.credit))
), families AS (
    SELECT coalesce(e.parent_entry_id, e.entry_id) AS entry_id,
           sum(p.amount) FILTER (WHERE p.credit = 54) AS left_by, sum(p.amount) FILTER (WHERE p.debit = 54) AS arrived
      FROM entries e JOIN postings p USING (entry_id, holder_id)
     WHERE 54 IN (p.debit, p.credit) GROUP BY 1
), reversals AS (
    -- A purchase touches its referrer's books as well, where it has rewarded him.
    SELECT r.parent_entry_id AS entry_id, count(*) AS entries, count(DISTINCT r.holder_id) AS holders,
           1 + (f.kind = 'transfer_out')::int
             + (SELECT count(*) FROM entries c WHERE c.parent_entry_id = r.parent_entry_id AND c.kind = 'referral')
               AS touched
      FROM entries r JOIN entries f ON f.entry_id = r.parent_entry_id
     WHERE r.kind = 'reversal' GROUP BY r.parent_entry_id, f.kind
)
SELECT 'entries' AS "table", entry_id, NULL::smallint AS ordinal, 'arrival' AS field,
       'one, at the peer, alike' AS expected, arrivals || ' that are alike: ' || is_mirrored AS found
  FROM sent WHERE arrivals <> 1 OR NOT is_mirrored
UNION ALL
SELECT 'postings', entry_id, ordinal, 'amount', o.amount::text, i.amount::text
  FROM (SELECT * FROM parts WHERE NOT arrives) o
  FULL JOIN (SELECT * FROM parts WHERE arrives) i USING (entry_id, ordinal)
 WHERE o.amount IS DISTINCT FROM i.amount
UNION ALL
SELECT 'entries', entry_id, NULL, 'account transfer', left_by::text, arrived::text
  FROM families WHERE left_by IS DISTINCT FROM arrived
UNION ALL
SELECT 'entries', entry_id, NULL, 'reversals', 'one for each holder it touched', entries::text
  FROM reversals
 WHERE entries <> touched OR entries <> holders
 ORDER BY 2, 3
"""

_REFERENCES: LiteralString = """
WITH taking (kind, reference_kind) AS (VALUES
    ('earn', 'purchase'), ('award', 'earning'), ('redeem', 'redemption'), ('refund', 'refund'),
    ('return', 'return'), ('transfer_out', 'transfer'), ('reversal', 'reversal'), ('activity', 'activity'),
    ('fund_grant', 'fund_grant'), ('hold', 'hold'), ('adjust', 'adjustment')
), named AS (
    -- What takes back an event of two members has two entries; the one of the event's own holder takes the name.
    -- A grant by the ledger itself, of a region's share, has none, nor has what it holds for review.
    SELECT e.entry_id, e.holder_id, h.program_id, t.reference_kind,
           CASE e.kind WHEN 'reversal' THEN 'ent_' || replace(e.parent_entry_id::text, '-', '') ELSE e.reference END
               AS reference
      FROM entries e
      JOIN taking t USING (kind)
      LEFT JOIN holders h USING (holder_id)
     WHERE (e.kind NOT IN ('reversal', 'return') OR e.peer_holder_id IS NULL
            OR EXISTS (SELECT FROM entries f WHERE f.entry_id = e.parent_entry_id AND f.holder_id = e.holder_id))
       AND (e.kind NOT IN ('fund_grant', 'hold') OR e.reference IS NOT NULL)
)
SELECT 'business_references' AS "table", program_id, kind, reference, NULL::uuid AS entry_id, 'entry_id' AS field,
       'an entry of that name, of that holder' AS expected, entry_id::text AS found
  FROM business_references r
 WHERE NOT EXISTS (
       SELECT FROM named n
        WHERE (n.entry_id, n.holder_id, n.program_id, n.reference_kind, n.reference)
            = (r.entry_id, r.holder_id, r.program_id, r.kind, r.reference))
UNION ALL
SELECT 'entries', NULL, NULL, NULL, n.entry_id, 'business reference',
       n.reference_kind || ' ' || n.reference, 'not taken'
  FROM named n
 WHERE NOT EXISTS (
       SELECT FROM business_references r
        WHERE (n.entry_id, n.program_id, n.reference_kind, n.reference)
            = (r.entry_id, r.program_id, r.kind, r.reference))
UNION ALL
SELECT 'entries', NULL, NULL, NULL, e.entry_id, 'reference', 'that of the hold', e.reference
  FROM entries e LEFT JOIN entries f ON f.entry_id = e.parent_entry_id
 WHERE e.kind IN ('capture', 'release') AND e.reference <> f.reference
UNION ALL
SELECT 'entries', NULL, NULL, NULL, e.entry_id, 'reference', 'none, or a name taken', e.reference
  FROM entries e
 WHERE e.reference IS NOT NULL AND e.kind NOT IN ('transfer_in', 'capture', 'release')
   AND e.kind NOT IN (SELECT t.kind FROM taking t WHERE t.kind <> 'reversal')
 ORDER BY 2, 3, 4, 5
"""

_OUTCOMES: LiteralString = """
SELECT o.program_id, o.key, o.code, o.answer, o.recorded_at, o.entry_id, e.kind, e.version, e.recorded_at, h.program_id
  FROM outcomes o
  LEFT JOIN entries e ON e.entry_id = o.entry_id
  LEFT JOIN holders h ON h.holder_id = e.holder_id
"""


class Answer(NamedTuple):
    """What an answer tells of, or must tell of."""

    program_id: int
    recorded_at: datetime
    entry_id: str | None
    kind: str | None
    account_version: int | None


def strange_outcomes(rows: Rows) -> Iterator[Fault]:
    """Every remembered answer that tells of something else than the entry it stands for."""
    codes = {kind.code for kind in error_classes()}
    for program_id, key, code, raw, recorded_at, entry_id, *entry in rows.stream(_OUTCOMES):
        told = _read(raw)
        if code is not None:
            is_sound = code in codes and entry_id is None and told.keys() == {"detail", "details"}
            expected, found = "a refusal", f"{code} {entry_id} {sorted(told)}"
        elif entry_id is None:
            # Nothing was to be done, so nothing was.
            is_sound = "entry_id" not in told
            expected, found = "an answer without an entry", str(told.get("entry_id"))
        else:
            kind, version, entry_recorded_at, entry_program_id = entry
            stands_for = Answer(
                entry_program_id, entry_recorded_at, show("ent", entry_id.bytes), kind, version
            )
            answer = Answer(
                program_id, recorded_at, told.get("entry_id"), told.get("kind"), told.get("account_version")
            )
            is_sound, expected, found = answer == stands_for, str(stands_for), str(answer)
        if not is_sound:
            yield Fault("outcomes", {"program_id": program_id, "key": key}, "answer", expected, found)


def _read(raw: bytes) -> dict[str, Any]:
    try:
        answer = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return answer if isinstance(answer, dict) else {}


CHECKS = (
    by_query(
        "parents",
        "an entry that follows another is of the right kind, and in the right books",
        ("entries",),
        _PARENTS,
    ),
    by_query(
        "transfers", "what leaves one member arrives at another, to the point", ("entries",), _TRANSFERS
    ),
    by_query(
        "references",
        "each name of the business stands for the one entry that took it",
        ("business_references", "entries"),
        _REFERENCES,
    ),
    by_walk(
        "outcomes", "each remembered answer tells of the entry it stands for", ("outcomes",), strange_outcomes
    ),
)
