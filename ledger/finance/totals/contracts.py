"""What purchases and returns do to the price that is allocated to points. SQL, in parts that follow ``moves.DATED``.

A purchase promises goods and points. Its price is allocated at its beginning, and never again when values move:

- by relative stand-alone selling prices (IFRS 15.73-80): ``share = S / (S + price)``, where
  ``S = points * unit value * expected redemption``; the goods' own price is what is paid for them
- by the residual (IFRIC 13 style, before 2018): ``points * unit value``, at most the price
- not at all where points are a cost and no promise (``cost_provision``)

The price is what was paid in money, less tax. Each allocation is rounded to the minor unit, a half up, so that the
two parts make the price. Quotients are rounded by division in whole numbers, which no precision can upset. The
policy, the estimate and the rate are those that the books knew when the purchase was posted, for its calendar month.
Parameters beside those of ``moves``: ``minor``, minor units of one major.

What goes back takes its part of the allocation along, cumulatively: as much as the points that were clawed back are
of those that were given is ``reversed``; the rest of what the goods that went back bore is a change of the
transaction price. The price loses the money that was paid back, in whatever order points and money went back.
"""

from typing import LiteralString


def _rounded(dividend: LiteralString, divisor: LiteralString) -> LiteralString:
    """A quotient of what is not negative, to the whole number, a half up; null where the divisor is 0."""
    return f"div(2 * ({dividend}) + ({divisor}), nullif(2 * ({divisor}), 0))"


SALES: LiteralString = """
sales AS (
    SELECT e.entry_id, e.holder_id, e.effective_at, e.recorded_at, l.total,
           coalesce((e.details ->> 'cash')::numeric, l.total) AS gross, e.details -> 'paid' IS NOT NULL AS with_points,
           date_trunc('month', e.effective_at AT TIME ZONE %(zone)s)::date AS cohort,
           (SELECT coalesce(sum(p.amount), 0) FROM postings p
             WHERE p.entry_id = e.entry_id AND p.holder_id = e.holder_id
               AND p.unit = 1 AND p.debit = 50 AND p.credit = 1) AS points
      FROM (SELECT entry_id, holder_id FROM dated WHERE kind = 'earn'
            UNION SELECT parent_entry_id, holder_id FROM dated
             WHERE kind IN ('return', 'reversal', 'reject') AND parent_entry_id IS NOT NULL) w
     CROSS JOIN LATERAL (
           SELECT * FROM entries WHERE entry_id = w.entry_id AND holder_id = w.holder_id OFFSET 0) e
     CROSS JOIN LATERAL (
           SELECT coalesce(sum((line ->> 'amount')::numeric), 0) AS total
             FROM json_array_elements(e.details -> 'lines') line) l
     WHERE e.kind = 'earn'
)
"""

PRICED: LiteralString = f"""
priced AS (
    SELECT s.*, p.version AS policy_version, p.method, p.share_decimals, p.tax_rate, r.version AS rate_version,
           x.version AS estimate_version, {_rounded("s.gross", "1 + p.tax_rate")} AS price,
           coalesce(p.unit_value, r.bid) AS unit_value, coalesce(x.expected_redemption, 1) AS expected
      FROM sales s
     CROSS JOIN LATERAL (
           SELECT * FROM deferral_policies
            WHERE program_id = %(program)s AND policy_id < s.entry_id AND applies_from <= s.cohort
            ORDER BY version DESC LIMIT 1) p
      LEFT JOIN LATERAL (
           SELECT bid, version FROM rates
            WHERE program_id = %(program)s AND p.unit_value IS NULL
              AND (valid_from <= s.effective_at AND recorded_at <= s.recorded_at AND rate_id < s.entry_id
                   OR version = 1)
            ORDER BY valid_from DESC, version DESC LIMIT 1) r ON true
      LEFT JOIN LATERAL (
           SELECT expected_redemption, version FROM estimates
            WHERE program_id = %(program)s AND estimate_id < s.entry_id AND applies_from <= s.cohort
              AND (estimates.cohort = s.cohort OR estimates.cohort IS NULL)
            ORDER BY estimates.cohort NULLS LAST, version DESC LIMIT 1) x ON true
)
"""

# What the points would be sold for, what both parts would, and the share of the points, which the policy may round.
SHARED: LiteralString = f"""
shared AS (
    SELECT *, {_rounded("apart * scale", "together")} / scale AS rounded
      FROM (SELECT *, apart + price AS together, 10::numeric ^ share_decimals AS scale
              FROM (SELECT *, points * unit_value * %(minor)s * expected AS apart FROM priced) a) t
)
"""

ALLOCATED: LiteralString = f"""
allocated AS (
    SELECT *, CASE WHEN method = 'cost_provision' OR together = 0 THEN 0
                   WHEN method = 'deferral_residual_fv' THEN least(price, round(points * unit_value * %(minor)s))
                   WHEN share_decimals IS NULL THEN {_rounded("price * apart", "together")}
                   ELSE round(price * rounded) END AS allocation
      FROM shared
)
"""

# Each return, reversal and rejection with what was back of the purchase before and after it: of its goods by price, of
# the money that was paid, and of the points. Money goes with the goods, unless points were paid as well.
TAKEN_BACK: LiteralString = """
taken_back AS (
    SELECT d.entry_id, d.kind, d.reference, d.effective_at, d.recorded_at, d.effective_on, d.recorded_on, d.booked_on,
           a.cohort, a.policy_version, a.allocation, a.price, a.points, a.total, m.total AS money,
           b.goods AS goods_before, b.money AS money_before, b.points AS points_before, b.is_rejected,
           CASE d.kind WHEN 'reversal' THEN a.total ELSE b.goods + o.goods END AS goods_after,
           CASE d.kind WHEN 'reversal' THEN m.total ELSE b.money + o.money END AS money_after,
           CASE d.kind WHEN 'reversal' THEN a.points ELSE b.points + o.points END AS points_after
      FROM dated d
      JOIN allocated a ON a.entry_id = d.parent_entry_id AND a.holder_id = d.holder_id
     CROSS JOIN LATERAL (SELECT CASE WHEN a.with_points THEN a.gross ELSE a.total END AS total) m
     CROSS JOIN LATERAL (
           SELECT coalesce(sum(x.goods), 0) AS goods, coalesce(sum(x.money), 0) AS money,
                  coalesce(sum(x.points), 0) AS points,
                  coalesce(bool_or(r.kind = 'reject' AND x.points > 0), false) AS is_rejected
             FROM entries r CROSS JOIN LATERAL ({back}) x
            WHERE r.parent_entry_id = a.entry_id AND r.holder_id = a.holder_id AND r.kind IN ('return', 'reject')
              AND r.version < d.version) b
     CROSS JOIN LATERAL (SELECT x.* FROM (SELECT d.*) r CROSS JOIN LATERAL ({back}) x) o
     WHERE d.kind IN ('return', 'reversal', 'reject')
)
""".replace(
    "{back}",
    """
           SELECT g.goods, coalesce((r.details -> 'refunded' ->> 'cash')::numeric, g.goods) AS money, t.points
             FROM (SELECT coalesce(sum((line ->> 'amount')::numeric), 0) AS goods
                     FROM json_array_elements(r.details -> 'lines') line) g
            CROSS JOIN (SELECT coalesce(sum(CASE WHEN p.credit = 50 THEN p.amount ELSE -p.amount END), 0) AS points
                          FROM postings p
                         WHERE p.entry_id = r.entry_id AND p.holder_id = r.holder_id AND p.unit = 1
                           AND (p.credit = 50 OR p.debit = 50)) t""",
)

# What each of them took of the price, of the points and of the allocation. With the points of an award that is rejected
# goes what was allocated to them: no goods went back, and none that do so later take it a second time.
TAKEN: LiteralString = f"""
taken AS (
    SELECT *, CASE WHEN kind = 'reject' THEN 0 WHEN is_rejected THEN -reversed ELSE lost - reversed END AS price_changed
      FROM (SELECT *, points_after - points_before AS clawed,
                   {_rounded("price * (money - money_before)", "money")}
                   - {_rounded("price * (money - money_after)", "money")} AS paid_back,
                   {_rounded("allocation * (total - goods_before)", "total")}
                   - {_rounded("allocation * (total - goods_after)", "total")} AS lost,
                   {_rounded("allocation * (points - points_before)", "points")}
                   - {_rounded("allocation * (points - points_after)", "points")} AS reversed
              FROM taken_back WHERE points > 0) t
)
"""

CONTRACTS: LiteralString = """
SELECT effective_on, recorded_on, booked_on, cohort, policy_version, measure, sum(amount)
  FROM (SELECT d.effective_on, d.recorded_on, d.booked_on, a.cohort, a.policy_version, m.measure, m.amount
          FROM dated d JOIN allocated a USING (entry_id, holder_id)
         CROSS JOIN LATERAL (VALUES ('price', a.price), ('points', a.points), ('allocated', a.allocation)
              ) m (measure, amount)
         WHERE a.points > 0
        UNION ALL
        SELECT effective_on, recorded_on, booked_on, cohort, policy_version, m.measure, m.amount
          FROM taken
         CROSS JOIN LATERAL (VALUES ('price', -paid_back), ('points', -clawed), ('reversed', reversed),
                                    ('price_changed', price_changed)) m (measure, amount)) facts
 GROUP BY effective_on, recorded_on, booked_on, cohort, policy_version, measure HAVING sum(amount) <> 0
"""

PARTS: tuple[LiteralString, ...] = (SALES, PRICED, SHARED, ALLOCATED, TAKEN_BACK, TAKEN)
