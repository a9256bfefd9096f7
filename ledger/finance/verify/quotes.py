"""Checks of the quotes: each promises what points were worth then, and is used once, while it and its rate last."""

from typing import LiteralString

from iso4217 import Currency
from psycopg import sql

from ledger.finance.verify.findings import Fault
from ledger.finance.verify.reading import Check, Rows, by_query

# Where a clock stands still, what began at the very moment may have begun after it.
_QUOTES: LiteralString = """
WITH currencies (currency, exponent) AS (VALUES {currencies}), named AS MATERIALIZED (
    SELECT e.holder_id, e.entry_id, e.kind, e.parent_entry_id, e.recorded_at,
           CASE e.kind WHEN 'hold' THEN e.details -> 'quote' ELSE e.details -> 'paid' END AS paid
      FROM entries e
     WHERE e.kind IN ('hold', 'redeem', 'earn', 'capture') AND e.details::text LIKE '%"quote_id"%'
), told AS (
    SELECT holder_id, entry_id, recorded_at, kind, right(paid ->> 'quote_id', 32)::uuid AS quote_id,
           (paid ->> 'points')::bigint AS points, (paid ->> 'points_value')::bigint AS points_value,
           (paid ->> 'points_value')::bigint + (paid ->> 'cash')::bigint AS price,
           (paid ->> 'rate_version')::integer AS rate_version,
           -- What is held on a quote was used by the hold, at its time and on its terms.
           CASE kind WHEN 'capture' THEN parent_entry_id
                     ELSE coalesce(right(paid ->> 'hold_id', 32)::uuid, entry_id) END AS used_by
      FROM named WHERE paid ->> 'quote_id' IS NOT NULL
), used AS (
    SELECT * FROM told WHERE used_by = entry_id
), promised AS (
    SELECT q.*, h.program_id, r.valid_from,
           floor(q.points * r.bid * power(10::numeric, c.exponent)) AS worth,
           (SELECT min(n.valid_from) FROM rates n
             WHERE n.program_id = h.program_id AND (n.valid_from, n.version) > (r.valid_from, r.version)) AS ends_at,
           (SELECT min(n.valid_from) FROM rates n
             WHERE n.program_id = h.program_id AND (n.valid_from, n.version) > (r.valid_from, r.version)
               AND n.recorded_at < q.made_at) AS known_end_at
      FROM quotes q
      LEFT JOIN holders h USING (holder_id)
      LEFT JOIN programs p USING (program_id)
      LEFT JOIN currencies c USING (currency)
      LEFT JOIN rates r ON r.program_id = h.program_id AND r.version = q.rate_version
)
SELECT 'quotes' AS "table", q.holder_id, q.quote_id, NULL::uuid AS entry_id, v.field, v.expected, v.found
  FROM promised q
 CROSS JOIN LATERAL (VALUES
    ('points_value', coalesce(q.worth::bigint::text, 'that of a rate'), q.points_value::text,
     q.points_value IS DISTINCT FROM q.worth),
    ('points_value', 'at most ' || q.price, q.points_value::text, q.points_value > q.price),
    ('made_at', 'while its rate was in force', q.made_at::text, q.made_at < q.valid_from OR q.made_at > q.ends_at),
    ('expires_at', 'at most ' || q.known_end_at, q.expires_at::text, q.expires_at > q.known_end_at)
 ) AS v (field, expected, found, is_wrong)
 WHERE v.is_wrong
UNION ALL
SELECT 'quotes', holder_id, quote_id, coalesce(u.entry_id, q.used_entry_id), 'used_entry_id',
       coalesce(u.entry_id::text, 'none'), coalesce(q.used_entry_id::text, 'none')
  FROM (SELECT * FROM promised WHERE used_entry_id IS NOT NULL) AS q FULL JOIN used u USING (holder_id, quote_id)
 WHERE u.entry_id IS DISTINCT FROM q.used_entry_id
UNION ALL
SELECT 'entries', t.holder_id, t.quote_id, t.entry_id, v.field, v.expected, v.found
  FROM told t JOIN promised q USING (holder_id, quote_id)
 CROSS JOIN LATERAL (VALUES
    ('quote', 'used by ' || q.used_entry_id, t.used_by::text, t.used_by IS DISTINCT FROM q.used_entry_id),
    ('points', q.points::text, t.points::text,
     CASE t.kind WHEN 'capture' THEN t.points > q.points ELSE t.points <> q.points END),
    ('points_value', q.points_value::text, t.points_value::text,
     CASE t.kind WHEN 'capture' THEN t.points_value > q.points_value ELSE t.points_value <> q.points_value END),
    ('points_value + cash', q.price::text, t.price::text, t.price <> q.price),
    ('rate_version', q.rate_version::text, t.rate_version::text, t.rate_version <> q.rate_version),
    ('recorded_at', q.made_at || ' to ' || q.expires_at, t.recorded_at::text,
     t.used_by = t.entry_id AND (t.recorded_at < q.made_at OR t.recorded_at >= q.expires_at)),
    ('recorded_at', 'at most ' || q.ends_at, t.recorded_at::text,
     t.used_by = t.entry_id AND t.recorded_at > q.ends_at)
 ) AS v (field, expected, found, is_wrong)
 WHERE v.is_wrong
UNION ALL
-- A hold on a quote is captured on its terms.
SELECT 'entries', c.holder_id, NULL, c.entry_id, 'paid', 'by the quote of its hold', 'by none'
  FROM entries c JOIN used u ON u.entry_id = c.parent_entry_id AND u.holder_id = c.holder_id
 WHERE c.kind = 'capture' AND c.entry_id NOT IN (SELECT t.entry_id FROM told t)
 ORDER BY 2, 3, 4
"""

_ANSWERS: LiteralString = """
WITH answered AS MATERIALIZED (
    SELECT program_id, key, recorded_at, convert_from(answer, 'UTF8')::json AS answer
      FROM outcomes
     WHERE entry_id IS NULL AND code IS NULL AND position('"quote_id"'::bytea IN answer) > 0
), told AS (
    SELECT program_id, key, recorded_at AS made_at, right(answer ->> 'quote_id', 32)::uuid AS quote_id,
           (answer ->> 'points')::bigint AS points, (answer #>> '{points_value,amount}')::bigint AS points_value,
           (answer #>> '{reference_price,amount}')::bigint AS price,
           (answer ->> 'rate_version')::integer AS rate_version, (answer ->> 'expires_at')::timestamptz AS expires_at
      FROM answered
)
SELECT 'quotes' AS "table", t.program_id, t.key, t.quote_id, v.field, v.expected, v.found
  FROM told t LEFT JOIN quotes q USING (quote_id)
 CROSS JOIN LATERAL (VALUES
    ('made_at', t.made_at::text, q.made_at::text),
    ('points', t.points::text, q.points::text),
    ('points_value', t.points_value::text, q.points_value::text),
    ('price', t.price::text, q.price::text),
    ('rate_version', t.rate_version::text, q.rate_version::text),
    ('expires_at', t.expires_at::text, q.expires_at::text)
 ) AS v (field, expected, found)
 WHERE v.expected IS DISTINCT FROM v.found
 ORDER BY t.program_id, t.key
"""


def _broken_promises(rows: Rows) -> tuple[int, Fault | None]:
    currencies = sql.SQL(", ").join(
        sql.SQL("({}, {})").format(currency.code, currency.exponent)
        for currency in Currency
        if currency.exponent is not None
    )
    return rows.faults(sql.SQL(_QUOTES).format(currencies=currencies))


CHECKS = (
    Check(
        "quotes",
        "a quote promises what points were worth, and is used once, on its terms, while it and its rate last",
        ("quotes", "rates", "entries"),
        _broken_promises,
    ),
    by_query("promises", "each quote is what the member was told", ("quotes", "outcomes"), _ANSWERS),
)
