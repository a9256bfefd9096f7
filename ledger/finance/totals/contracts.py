"""What purchases and returns do to the price that is allocated to points. SQL, in parts that follow ``moves.DATED``.

A purchase promises goods and points. Its price is allocated at its beginning, and never again when values move:

- by relative stand-alone selling prices (IFRS 15.73-80): ``share = S / (S + price)``, where
  ``S = points * unit value * expected redemption``; the goods' own price is what is paid for them
- by the residual (IFRIC 13 style, before 2018): ``points * unit value``, at most the price
- not at all where points are a cost and no promise (``cost_provision``)

The price is what was paid in money, less tax. Each allocation is rounded to the minor unit, a half up, so that the
two parts make the price. The policy, the estimate and the rate are those that the books knew when the purchase was
posted, for its calendar month. Parameters beside those of ``moves``: ``minor``, minor units of one major.

What goes back takes its part of the allocation along, cumulatively: as much as the points that were clawed back are
of those that were given is ``reversed``; the rest of what the price lost is a change of the transaction price.
"""

from typing import LiteralString

SALES: LiteralString = """
sales AS (
    SELECT e.entry_id, e.holder_id, e.effective_at, e.recorded_at, l.total,
           coalesce((e.details ->> 'cash')::numeric, l.total) AS gross,
           date_trunc('month', e.effective_at AT TIME ZONE %(zone)s)::date AS cohort,
           (SELECT coalesce(sum(p.amount), 0) FROM postings p
             WHERE p.entry_id = e.entry_id AND p.holder_id = e.holder_id
               AND p.unit = 1 AND p.debit = 50 AND p.credit = 1) AS points
      FROM (SELECT entry_id, holder_id FROM dated WHERE kind = 'earn'
            UNION SELECT parent_entry_id, holder_id FROM dated
             WHERE kind IN ('return', 'reversal') AND parent_entry_id IS NOT NULL) w
     CROSS JOIN LATERAL (
           SELECT * FROM entries WHERE entry_id = w.entry_id AND holder_id = w.holder_id OFFSET 0) e
     CROSS JOIN LATERAL (
           SELECT coalesce(sum((line ->> 'amount')::numeric), 0) AS total
             FROM json_array_elements(e.details -> 'lines') line) l
     WHERE e.kind = 'earn'
)
"""

PRICED: LiteralString = """
priced AS (
    SELECT s.*, p.version AS policy_version, p.method, p.share_decimals, round(s.gross / (1 + p.tax_rate)) AS price,
           coalesce(p.unit_value, r.bid) * %(minor)s AS unit_value, coalesce(x.expected_redemption, 1) AS expected
      FROM sales s
     CROSS JOIN LATERAL (
           SELECT * FROM deferral_policies
            WHERE program_id = %(program)s AND policy_id < s.entry_id AND applies_from <= s.cohort
            ORDER BY version DESC LIMIT 1) p
     CROSS JOIN LATERAL (
           SELECT bid FROM rates
            WHERE program_id = %(program)s AND valid_from <= s.effective_at AND recorded_at <= s.recorded_at
               OR program_id = %(program)s AND version = 1
            ORDER BY valid_from DESC, version DESC LIMIT 1) r
      LEFT JOIN LATERAL (
           SELECT expected_redemption FROM estimates
            WHERE program_id = %(program)s AND estimate_id < s.entry_id AND applies_from <= s.cohort
              AND (estimates.cohort = s.cohort OR estimates.cohort IS NULL)
            ORDER BY estimates.cohort NULLS LAST, version DESC LIMIT 1) x ON true
)
"""

SHARED: LiteralString = """
shared AS (
    SELECT *, CASE WHEN share_decimals IS NULL THEN share ELSE round(share, share_decimals) END AS rounded
      FROM (SELECT *, coalesce(points * unit_value * expected
                               / nullif(points * unit_value * expected + price, 0), 0) AS share
              FROM priced) p
)
"""

ALLOCATED: LiteralString = """
allocated AS (
    SELECT *, CASE method WHEN 'cost_provision' THEN 0
                          WHEN 'deferral_residual_fv' THEN least(price, round(points * unit_value))
                          ELSE round(price * rounded) END AS allocation
      FROM shared
)
"""

# Each return and reversal with what it left of the purchase: of its goods, by price, and of its points.
TAKEN_BACK: LiteralString = """
taken_back AS (
    SELECT d.effective_on, d.recorded_on, d.booked_on, a.cohort, a.policy_version, a.allocation, a.price, a.points,
           1 - b.amount / nullif(a.total, 0) AS kept_before,
           CASE d.kind WHEN 'reversal' THEN 0 ELSE 1 - (b.amount + o.amount) / nullif(a.total, 0) END AS kept_after,
           b.points AS clawed_before,
           CASE d.kind WHEN 'reversal' THEN a.points ELSE b.points + o.points END AS clawed_after
      FROM dated d
      JOIN allocated a ON a.entry_id = d.parent_entry_id AND a.holder_id = d.holder_id
     CROSS JOIN LATERAL (
           SELECT coalesce(sum(x.amount), 0) AS amount, coalesce(sum(x.points), 0) AS points
             FROM entries r CROSS JOIN LATERAL (SELECT {goods} AS amount, {points} AS points) x
            WHERE r.parent_entry_id = a.entry_id AND r.holder_id = a.holder_id AND r.kind = 'return'
              AND r.version < d.version) b
     CROSS JOIN LATERAL (SELECT {goods} AS amount, {points} AS points FROM (SELECT d.*) r) o
     WHERE d.kind IN ('return', 'reversal')
)
""".replace(
    "{goods}",
    "(SELECT coalesce(sum((line ->> 'amount')::numeric), 0) FROM json_array_elements(r.details -> 'lines') line)",
).replace(
    "{points}",
    """(SELECT coalesce(sum(CASE WHEN p.credit = 50 THEN p.amount ELSE -p.amount END), 0) FROM postings p
                    WHERE p.entry_id = r.entry_id AND p.holder_id = r.holder_id AND p.unit = 1
                      AND (p.credit = 50 OR p.debit = 50))""",
)

CONTRACTS: LiteralString = """
SELECT effective_on, recorded_on, booked_on, cohort, policy_version, measure, sum(amount)
  FROM (SELECT d.effective_on, d.recorded_on, d.booked_on, a.cohort, a.policy_version, m.measure, m.amount
          FROM dated d JOIN allocated a USING (entry_id, holder_id)
         CROSS JOIN LATERAL (VALUES ('price', a.price), ('points', a.points), ('allocated', a.allocation)
              ) m (measure, amount)
         WHERE a.points > 0
        UNION ALL
        SELECT effective_on, recorded_on, booked_on, cohort, policy_version, m.measure, m.amount
          FROM (SELECT *, round(allocation * kept_before) - round(allocation * kept_after) AS lost,
                       round(allocation * clawed_after / points) - round(allocation * clawed_before / points)
                       AS reversed
                  FROM taken_back WHERE points > 0) t
         CROSS JOIN LATERAL (VALUES
               ('price', round(price * kept_after) - round(price * kept_before)),
               ('points', clawed_before - clawed_after),
               ('reversed', reversed),
               ('price_changed', lost - reversed)) m (measure, amount)) facts
 GROUP BY effective_on, recorded_on, booked_on, cohort, policy_version, measure HAVING sum(amount) <> 0
"""

PARTS: tuple[LiteralString, ...] = (SALES, PRICED, SHARED, ALLOCATED, TAKEN_BACK)
