"""Checks of the frame: the chart, the terms, who each row belongs to, versions, units, and what each kind may post."""

from collections.abc import Iterator
from typing import LiteralString

from iso4217 import Currency
from psycopg import sql

from ledger.accounts.chart import Account
from ledger.finance.verify.findings import Fault
from ledger.finance.verify.reading import Check, Rows, by_query, by_walk


def _strange_accounts(rows: Rows) -> Iterator[Fault]:
    """Every code whose row in the table ``chart`` is not what the code says."""
    query: LiteralString = "SELECT account, name, side, normal_side, unit FROM chart ORDER BY account"
    found = {row[0]: row for row in rows.stream(query)}
    expected = {
        int(a): (int(a), a.name.lower(), "member" if a.is_members else "house", a.normal_side, a.unit.name)
        for a in Account
    }
    for code in sorted(found.keys() | expected.keys()):
        if found.get(code) != expected.get(code):
            yield Fault("chart", {"account": code}, None, str(expected.get(code)), str(found.get(code)))


_TERMS: LiteralString = """
SELECT 'programs' AS "table", p.program_id, 'terms_version' AS field,
       coalesce(max(t.version), 0)::text AS expected, p.terms_version::text AS found
  FROM programs p LEFT JOIN program_terms t USING (program_id)
 GROUP BY p.program_id, p.terms_version
HAVING (count(t.version), max(t.version)) IS DISTINCT FROM (p.terms_version, p.terms_version)
 ORDER BY p.program_id
"""

_IDENTITIES: LiteralString = """
SELECT 'holders' AS "table", holder_id, program_id, member_id,
       'holder_id' AS field, derived::text AS expected, holder_id::text AS found
  FROM (SELECT holder_id, program_id, member_id,
               encode(set_byte(set_byte(digest, 6, get_byte(digest, 6) & 15 | 128),
                               8, get_byte(digest, 8) & 63 | 128), 'hex')::uuid AS derived
          FROM holders
         CROSS JOIN LATERAL (
               SELECT substring(sha256(convert_to(program_id || '/' || member_id, 'UTF8')) FROM 1 FOR 16)
         ) AS hashed (digest)) AS identities
 WHERE holder_id <> derived
 ORDER BY holder_id
"""

_ORPHANS: LiteralString = """
SELECT *, NULL AS field, 'beside the row it belongs to' AS expected, 'alone' AS found FROM (
    SELECT 'entries' AS "table", e.holder_id, e.entry_id, NULL::int AS ordinal, NULL::uuid AS lot_id,
           NULL::uuid AS hold_id, NULL::uuid AS quote_id
      FROM entries e WHERE NOT EXISTS (SELECT FROM holders h WHERE h.holder_id = e.holder_id)
    UNION ALL
    SELECT 'postings', p.holder_id, p.entry_id, p.ordinal, p.lot_id, NULL, NULL
      FROM postings p
     WHERE NOT EXISTS (SELECT FROM entries e WHERE e.entry_id = p.entry_id AND e.holder_id = p.holder_id)
    UNION ALL
    SELECT 'lots', l.holder_id, NULL, NULL, l.lot_id, NULL, NULL
      FROM lots l WHERE NOT EXISTS (SELECT FROM holders h WHERE h.holder_id = l.holder_id)
    UNION ALL
    SELECT 'holds', d.holder_id, NULL, NULL, NULL, d.hold_id, NULL
      FROM holds d WHERE NOT EXISTS (SELECT FROM holders h WHERE h.holder_id = d.holder_id)
    UNION ALL
    SELECT 'quotes', q.holder_id, NULL, NULL, NULL, NULL, q.quote_id
      FROM quotes q WHERE NOT EXISTS (SELECT FROM holders h WHERE h.holder_id = q.holder_id)
    UNION ALL
    SELECT 'member_attributes', m.holder_id, NULL, NULL, NULL, NULL, NULL
      FROM member_attributes m WHERE NOT EXISTS (SELECT FROM holders h WHERE h.holder_id = m.holder_id)
    UNION ALL
    SELECT 'holders', h.holder_id, NULL, NULL, NULL, NULL, NULL
      FROM holders h WHERE NOT EXISTS (SELECT FROM programs p WHERE p.program_id = h.program_id)
) AS orphans
"""

_VERSIONS: LiteralString = """
WITH ordered AS (
    SELECT holder_id, entry_id, version, recorded_at, terms_version, hash,
           lag(version, 1, 0::bigint) OVER chain + 1 AS next_version,
           lag(recorded_at) OVER chain AS earliest,
           lead(version) OVER chain IS NULL AS is_last
      FROM entries WINDOW chain AS (PARTITION BY holder_id ORDER BY version)
)
SELECT 'entries' AS "table", o.holder_id, o.version, o.entry_id, v.field,
       CASE v.field WHEN 'version' THEN o.next_version::text
                    WHEN 'recorded_at' THEN 'not before ' || o.earliest
                    ELSE 'one of 1 to ' || p.terms_version END AS expected,
       CASE v.field WHEN 'version' THEN o.version::text
                    WHEN 'recorded_at' THEN o.recorded_at::text
                    ELSE o.terms_version::text END AS found
  FROM ordered o
  LEFT JOIN holders h USING (holder_id)
  LEFT JOIN programs p USING (program_id)
 CROSS JOIN LATERAL (VALUES
    ('version', o.version <> o.next_version),
    ('recorded_at', o.recorded_at < o.earliest),
    ('terms_version', o.terms_version NOT BETWEEN 1 AND p.terms_version)
 ) AS v (field, is_wrong)
 WHERE v.is_wrong
UNION ALL
SELECT 'holders', h.holder_id, NULL, NULL, v.field, v.expected, v.found
  FROM holders h
  LEFT JOIN ordered o ON o.holder_id = h.holder_id AND o.is_last
 CROSS JOIN LATERAL (VALUES
    ('version', coalesce(o.version, 0)::text, h.version::text),
    ('recorded_at', o.recorded_at::text, h.recorded_at::text),
    ('head_hash', encode(coalesce(o.hash, decode(repeat('00', 32), 'hex')), 'hex'), encode(h.head_hash, 'hex'))
 ) AS v (field, expected, found)
 WHERE (o.version, o.recorded_at, o.hash) IS DISTINCT FROM (h.version, h.recorded_at, h.head_hash)
   AND v.expected IS DISTINCT FROM v.found
 ORDER BY 2, 3
"""

_UNITS: LiteralString = """
WITH units (currency, code, unit) AS (VALUES {units})
SELECT 'entries' AS "table", holder_id, entry_id, NULL::smallint AS ordinal, unit || ' credit' AS field,
       debit::text AS expected, credit::text AS found
  FROM (SELECT holder_id, entry_id, unit,
               sum(amount) FILTER (WHERE side = 'debit') AS debit,
               sum(amount) FILTER (WHERE side = 'credit') AS credit
          FROM legs GROUP BY holder_id, entry_id, unit) AS sums
 WHERE debit IS DISTINCT FROM credit
UNION ALL
SELECT 'postings', p.holder_id, p.entry_id, p.ordinal, 'unit',
       coalesce(d.unit, 'none') || ' and ' || coalesce(c.unit, 'none'), coalesce(u.unit, p.unit::text)
  FROM postings p
  LEFT JOIN chart d ON d.account = p.debit
  LEFT JOIN chart c ON c.account = p.credit
  LEFT JOIN holders h ON h.holder_id = p.holder_id
  LEFT JOIN programs g ON g.program_id = h.program_id
  LEFT JOIN units u ON u.code = p.unit AND u.currency = g.currency
 WHERE (d.unit, c.unit) IS DISTINCT FROM (u.unit, u.unit) OR u.unit IS NULL
 ORDER BY 2, 3, 4
"""

_EARNING = (
    (Account.ISSUED, Account.POINTS),
    (Account.GROWTH_ISSUED, Account.GROWTH),
    (Account.POINTS, Account.DEBT),
)

# What the books say beside the points that are spent at a rate, and the same the other way round.
_MEMO = (
    (Account.TRADING_POINTS, Account.CONVERTED),
    (Account.POINTS_DISCOUNT, Account.TRADING_MONEY),
    (Account.TRADING_RESIDUE, Account.ROUNDING),
)
_MEMO_UNDONE = tuple((credit, debit) for debit, credit in _MEMO)

# A till that was offline may have let more points go than there were.
_SPENDING = ((Account.POINTS, Account.REDEEMED), (Account.DEBT, Account.REDEEMED), *_MEMO)

# Points that go back to their lots, whatever has become of these meanwhile.
_GOING_BACK = (
    (Account.POINTS, Account.EXPIRED),
    (Account.POINTS, Account.TRANSFER),
    (Account.TRANSFER, Account.POINTS),
    (Account.POINTS, Account.DEBT),
)

_RELEASING = ((Account.HELD, Account.POINTS), *_GOING_BACK)

# What is left of a residue may be more than there was: then it is taken in again.
_REFUNDING = (
    (Account.REDEEMED, Account.POINTS),
    (Account.REDEEMED, Account.DEBT),
    *_GOING_BACK,
    *_MEMO_UNDONE,
    (Account.TRADING_RESIDUE, Account.ROUNDING),
)

_CLAWING_BACK = (
    (Account.POINTS, Account.ISSUED),
    (Account.DEBT, Account.ISSUED),
    (Account.GROWTH, Account.GROWTH_ISSUED),
)

# Added by hand, and repaying a debt first; or taken by hand.
_ADJUSTING = (
    (Account.ADJUSTED, Account.POINTS),
    (Account.POINTS, Account.DEBT),
    (Account.POINTS, Account.ADJUSTED),
)

# Members are merged in one direction and parted in the other, and a debt goes against the points.
_CHANGING_BOOKS = (
    (Account.POINTS, Account.TRANSFER),
    (Account.TRANSFER, Account.POINTS),
    (Account.GROWTH, Account.GROWTH_TRANSFER),
    (Account.GROWTH_TRANSFER, Account.GROWTH),
    (Account.TRANSFER, Account.DEBT),
    (Account.DEBT, Account.TRANSFER),
)

# What each kind of entry may move, and from where to where.
MOVES: dict[str, tuple[tuple[Account, Account], ...]] = {
    "earn": (
        *_EARNING,
        *_SPENDING,
        *_RELEASING,
        (Account.HELD, Account.REDEEMED),
        (Account.TENDER_CASH, Account.SALES),
    ),
    "award": ((Account.ISSUED, Account.POINTS), (Account.POINTS, Account.DEBT)),
    "activity": _EARNING,
    "referral": _EARNING,
    "redeem": _SPENDING,
    "hold": ((Account.POINTS, Account.HELD),),
    "capture": ((Account.HELD, Account.REDEEMED), *_RELEASING, *_MEMO),
    "release": _RELEASING,
    "refund": _REFUNDING,
    "return": (
        *_CLAWING_BACK,
        *_REFUNDING,
        (Account.SALES, Account.TENDER_CASH),
        # Points that are gone are made good with money: sold to the member, and taken back at once.
        (Account.ISSUED, Account.DEBT),
        (Account.TENDER_CASH, Account.POINTS_SOLD),
    ),
    "transfer_out": ((Account.POINTS, Account.TRANSFER),),
    "transfer_in": ((Account.TRANSFER, Account.POINTS), (Account.POINTS, Account.DEBT)),
    "merge_out": _CHANGING_BOOKS,
    "merge_in": (*_CHANGING_BOOKS, (Account.POINTS, Account.DEBT)),
    "expire": ((Account.POINTS, Account.EXPIRED), (Account.GROWTH, Account.GROWTH_LAPSED)),
    "reversal": (
        *_CLAWING_BACK,
        *_REFUNDING,
        *_ADJUSTING,
        (Account.DEBT, Account.ADJUSTED),
        (Account.SALES, Account.TENDER_CASH),
    ),
    "adjust": _ADJUSTING,
    # An award whose points were held for review; what of them was not taken repays a debt.
    "reject": (
        (Account.POINTS, Account.ISSUED),
        (Account.GROWTH, Account.GROWTH_ISSUED),
        (Account.POINTS, Account.DEBT),
    ),
    # A withdrawal is a grant the other way round.
    "fund_grant": ((Account.FUND_GRANTED, Account.FUND), (Account.FUND, Account.FUND_GRANTED)),
    "fund_spend": ((Account.FUND, Account.FUND_SPENT),),
}

# A purchase may be too small to earn, an activity or a referral worth nothing; a return, a reversal or a
# rejection may find nothing left to take.
MAY_BE_EMPTY = ("earn", "activity", "referral", "return", "reversal", "reject", "merge_out", "merge_in")

_KINDS: LiteralString = """
SELECT 'postings' AS "table", e.holder_id, e.entry_id, p.ordinal, 'accounts' AS field,
       'allowed to an entry of kind ' || e.kind AS expected, p.debit || ' to ' || p.credit AS found
  FROM entries e JOIN postings p USING (entry_id, holder_id)
 WHERE (e.kind, p.debit, p.credit) NOT IN (VALUES {moves})
UNION ALL
SELECT 'entries', e.holder_id, e.entry_id, NULL, 'postings', v.expected, v.found
  FROM entries e
  LEFT JOIN (SELECT entry_id, holder_id, count(*) AS number, max(ordinal) AS last
               FROM postings GROUP BY entry_id, holder_id) AS p USING (entry_id, holder_id)
 CROSS JOIN LATERAL (VALUES
    ('at least one', 'none', p.number IS NULL AND e.kind NOT IN ({may_be_empty})),
    ('numbered 1 to ' || p.number, 'numbered to ' || p.last, p.number <> p.last)
 ) AS v (expected, found, is_wrong)
 WHERE v.is_wrong
 ORDER BY 2, 3, 4
"""


def _mixed_units(rows: Rows) -> tuple[int, Fault | None]:
    """Money counts in the units of each program's currency, by the numbers of ISO 4217."""
    units = sql.SQL(", ").join(
        sql.SQL("({}, {}, {})").format(currency.code, code, unit)
        for currency in Currency
        for code, unit in (
            (1, "POINT"),
            (2, "GROWTH"),
            (int(currency.number), "MONEY"),
            (1_000 + int(currency.number), "MICRO"),
        )
    )
    return rows.faults(sql.SQL(_UNITS).format(units=units))


def _strange_moves(rows: Rows) -> tuple[int, Fault | None]:
    moves = sql.SQL(", ").join(
        sql.SQL("({}, {}, {})").format(kind, int(debit), int(credit))
        for kind, pairs in MOVES.items()
        for debit, credit in pairs
    )
    may_be_empty = sql.SQL(", ").join(map(sql.Literal, MAY_BE_EMPTY))
    return rows.faults(sql.SQL(_KINDS).format(moves=moves, may_be_empty=may_be_empty))


CHECKS = (
    by_walk("chart", "the chart in the database is the chart of this release", (), _strange_accounts),
    by_query(
        "terms",
        "the versions of a program's terms are 1 to n, and the last is in force",
        ("programs",),
        _TERMS,
    ),
    by_query(
        "identities", "a holder's id is derived from its program and its member", ("holders",), _IDENTITIES
    ),
    by_query(
        "owners",
        "every row belongs to a row that is there",
        ("entries", "postings", "lots", "holds", "quotes"),
        _ORPHANS,
    ),
    by_query(
        "versions",
        "versions are 1 to n, in the order of recording, and the holder is at the last",
        ("holders", "entries"),
        _VERSIONS,
    ),
    Check(
        "units",
        "in each entry and unit the debits are the credits, and money is of the program's currency",
        ("entries", "postings"),
        _mixed_units,
    ),
    Check("kinds", "each kind of entry moves only what it may", ("entries", "postings"), _strange_moves),
)
