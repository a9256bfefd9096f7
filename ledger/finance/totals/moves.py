"""Entries as totals count them: dated, traced to their issue month, and summed by dimension. SQL, in parts.

A part is a common table expression that names the ones before it. They are joined by hashing (``HASHED``), since a
planner cannot know how many rows a part has; what is looked up in a table stands in a LATERAL that OFFSET 0 keeps
apart, so that it is looked up row by row, however long the table is. Parameters: ``program`` and ``zone``; where
entries are taken between ids, ``first`` and ``beyond``.

**Dates** are the program's calendar days. What the clock takes at a midnight belongs to the day that it ends. An
entry is *booked* on the day on which it was effective; where the accounting month of that day was closed before the
entry was made, on the first day of the first month that was open. Before and after are told by ids, which grow with
time on every machine's clock, also where a test program's clock stands.

**Cohorts.** A point belongs to the calendar month in which it was issued, wherever it went since: a lot that a
transfer or a grace opened is traced to the lot that it came from. ``sale`` are points of purchases, ``award`` all
others.
"""

from typing import Final, LiteralString

SALE: Final = "sale"
AWARD: Final = "award"

DIMENSIONS: Final = ("all", "store", "region", "channel", "tier", "rule", "cohort", "expiry", "fund")
"""What postings are summed by. ``all`` has every unit, ``fund`` budgets, the others the points of members."""

HASHED: LiteralString = """
SELECT set_config('enable_nestloop', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('jit', 'off', true), set_config('work_mem', '64MB', true)
"""

BETWEEN: LiteralString = "e.entry_id >= %(first)s AND e.entry_id < %(beyond)s"

DATED: LiteralString = """
dated AS (
    SELECT *, {step} AS step
      FROM (SELECT b.*, CASE WHEN booked_on > effective_on
                             THEN booked_on::timestamp AT TIME ZONE %(zone)s ELSE dated_at END AS booked_at
              FROM (SELECT c.*, greatest(c.effective_on, opened.first_open) AS booked_on
                      FROM (SELECT e.*, h.member_id, x.dated_at,
                                   (x.dated_at AT TIME ZONE %(zone)s)::date AS effective_on,
                                   (e.recorded_at AT TIME ZONE %(zone)s)::date AS recorded_on
                              FROM entries e
                             CROSS JOIN LATERAL (
                                   SELECT e.effective_at - CASE e.kind WHEN 'expire' THEN interval '1 microsecond'
                                                           ELSE interval '0' END AS dated_at) x
                             CROSS JOIN LATERAL (
                                   SELECT program_id, member_id FROM holders
                                    WHERE holder_id = e.holder_id OFFSET 0) h
                             WHERE h.program_id = %(program)s AND ({entries})) c
                      LEFT JOIN LATERAL (
                           -- Only what is posted by hand still reaches a month that is soft-closed.
                           SELECT CASE WHEN p.status = 'locked' OR p.status = 'soft_closed' AND c.kind <> 'adjust'
                                       THEN (p.period + interval '1 month')::date ELSE p.period END AS first_open
                             FROM period_events p
                            WHERE p.program_id = %(program)s AND p.event_id < c.entry_id
                            ORDER BY p.event_id DESC LIMIT 1) opened ON true) b) d
     WHERE {dates}
)
"""

MOVED: LiteralString = """
moved AS (
    SELECT d.entry_id, d.holder_id, d.member_id, d.kind, d.parent_entry_id, d.store, d.region, d.channel,
           d.effective_on, d.recorded_on, d.booked_on, d.step, p.unit, p.debit, p.credit, p.amount, p.lot_id
      FROM dated d
     CROSS JOIN LATERAL (
           SELECT * FROM postings WHERE entry_id = d.entry_id AND holder_id = d.holder_id OFFSET 0) p
)
"""

# Points that come to members from the house, or leave them for it.
CROSSING: LiteralString = (
    "unit = 1 AND (debit < 5) <> (credit < 5) AND debit NOT IN (5, 70, 71) AND credit <> 5"
)

TRACED: LiteralString = """
trace AS (
    SELECT holder_id, lot_id, holder_id AS from_holder, lot_id AS from_lot, 0 AS steps
      FROM (SELECT DISTINCT holder_id, lot_id FROM moved WHERE unit = 1 AND lot_id IS NOT NULL) m
    UNION ALL
    SELECT t.holder_id, t.lot_id, s.holder_id, s.lot_id, t.steps + 1
      FROM trace t
     CROSS JOIN LATERAL (
           SELECT p.entry_id, p.holder_id FROM postings p
            WHERE p.entry_id = entry_of_lot(t.from_lot) AND p.holder_id = t.from_holder
              AND p.lot_id = t.from_lot AND p.debit = 54 AND p.credit = 1 OFFSET 0) a
     CROSS JOIN LATERAL (
           SELECT * FROM entries WHERE entry_id = a.entry_id AND holder_id = a.holder_id OFFSET 0) o
     CROSS JOIN LATERAL (
           -- The lots of a transfer stand in the same order on both sides.
           (SELECT p.holder_id, p.lot_id FROM postings p
             WHERE o.kind IN ('transfer_in', 'merge_in')
               AND p.entry_id = o.parent_entry_id AND p.holder_id = o.peer_holder_id
               AND p.ordinal = ordinal_of_lot(t.from_lot))
           UNION ALL
           -- A lot of grace takes in what had lapsed: it is as old as the first of it.
           (SELECT p.holder_id, p.lot_id FROM postings p
             WHERE o.kind NOT IN ('transfer_in', 'merge_in') AND p.entry_id = o.entry_id AND p.holder_id = o.holder_id
               AND p.debit = 1 AND p.credit = 54
             ORDER BY p.ordinal LIMIT 1)) s
),
traced AS (
    SELECT t.holder_id, t.lot_id, date_trunc('month', o.effective_at AT TIME ZONE %(zone)s)::date AS cohort,
           CASE o.kind WHEN 'earn' THEN 'sale' ELSE 'award' END AS pool
      FROM (SELECT DISTINCT ON (holder_id, lot_id) * FROM trace ORDER BY holder_id, lot_id, steps DESC) t
     CROSS JOIN LATERAL (
           SELECT * FROM entries
            WHERE entry_id = entry_of_lot(t.from_lot) AND holder_id = t.from_holder OFFSET 0) o
)
"""

_SUMS: LiteralString = "unit, debit, credit, sum(amount), count(*)"
_DAYS: LiteralString = "effective_on, recorded_on, booked_on, step"

ALL: LiteralString = f"SELECT 'all', {_DAYS}, '', {_SUMS} FROM moved GROUP BY {_DAYS}, unit, debit, credit"

FUND: LiteralString = f"""
SELECT 'fund', {_DAYS}, substr(member_id, 6), {_SUMS} FROM moved
 WHERE unit = 1 AND (debit IN (5, 56, 57) OR credit IN (5, 56, 57)) AND member_id LIKE 'fund/%%'
 GROUP BY {_DAYS}, member_id, unit, debit, credit
"""


def by_place(column: LiteralString) -> LiteralString:
    """Sums by ``store``, ``region`` or ``channel`` of the entry; '' where it names none."""
    return f"""
    SELECT '{column}', {_DAYS}, coalesce({column}, ''), {_SUMS} FROM moved WHERE {CROSSING}
     GROUP BY {_DAYS}, {column}, unit, debit, credit
    """


# The tier by which it was judged; else the one that the books showed when the entry was made.
TIER: LiteralString = f"""
SELECT 'tier', {_DAYS}, tier, {_SUMS}
  FROM moved JOIN (
       SELECT d.entry_id, d.holder_id,
              coalesce(CASE WHEN d.kind = 'earn' THEN d.details ->> 'tier' END, t.to_tier, '') AS tier
         FROM dated d
         LEFT JOIN LATERAL (
              SELECT e.to_tier FROM tier_events e
               WHERE e.holder_id = d.holder_id AND e.effective_at <= d.effective_at
                 AND (e.entry_id < d.entry_id OR e.entry_id IS NULL AND e.recorded_at < d.recorded_at)
               ORDER BY e.ordinal DESC LIMIT 1) t ON true) x USING (entry_id, holder_id)
 WHERE {CROSSING}
 GROUP BY {_DAYS}, tier, unit, debit, credit
"""

# What an entry issues by its rules, and the rest of what it moves under no rule.
RULE: LiteralString = f"""
SELECT 'rule', {_DAYS}, rule, {_SUMS}
  FROM (SELECT {_DAYS}, unit, debit, credit, '' AS rule, amount FROM moved WHERE {CROSSING}
        UNION ALL
        SELECT {_DAYS}, 1, 50, 1, part.rule, part.amount
          FROM dated d
          CROSS JOIN LATERAL json_array_elements(d.details -> 'awards') a
          CROSS JOIN LATERAL (VALUES (a ->> 'rule', (a ->> 'amount')::bigint), ('', -(a ->> 'amount')::bigint)
               ) part (rule, amount)
         WHERE d.details -> 'awards' IS NOT NULL AND a ->> 'unit' = 'POINT') ruled
 GROUP BY {_DAYS}, rule, unit, debit, credit HAVING sum(amount) <> 0
"""

# What a return takes from another lot than the purchase's has been spent there: the purchase's own points are gone.
# What the member buys, rather than owe it, stays the purchase's.
COHORT: LiteralString = f"""
SELECT 'cohort', {_DAYS}, key, {_SUMS}
  FROM (SELECT {_DAYS}, unit, part.key, part.debit, part.credit, amount
          FROM (SELECT m.*, to_char(t.cohort, 'YYYY-MM/') || t.pool AS own, undone.key AS undone
                  FROM moved m
                  LEFT JOIN traced t USING (holder_id, lot_id)
                  LEFT JOIN LATERAL (
                       SELECT to_char(p.effective_at AT TIME ZONE %(zone)s, 'YYYY-MM/')
                              || CASE p.kind WHEN 'earn' THEN 'sale' ELSE 'award' END AS key
                         FROM entries p
                        WHERE p.entry_id = m.parent_entry_id AND p.holder_id = m.holder_id
                          AND (m.credit IN (50, 53) OR m.debit = 50 AND m.credit = 3)
                          AND m.kind IN ('return', 'reversal', 'reject') LIMIT 1) undone ON true
                 WHERE {CROSSING} OR unit = 1 AND debit = 1 AND credit = 3) c
          CROSS JOIN LATERAL (
               SELECT coalesce(own, undone, '') AS key, debit, credit WHERE coalesce(own = undone, true)
               UNION ALL SELECT own, 1, 3 WHERE own <> undone
               UNION ALL SELECT undone, 3, credit WHERE own <> undone) part) parts
 GROUP BY {_DAYS}, key, unit, debit, credit
"""

# By the day after which a lot is gone; one whose end moves with its member's activity has no day of its own.
EXPIRY: LiteralString = f"""
SELECT 'expiry', {_DAYS}, key, {_SUMS}
  FROM (SELECT m.*, CASE WHEN l.rolling THEN 'rolling' WHEN l.expires_at IS NULL THEN 'never'
                         ELSE ((l.expires_at - interval '1 microsecond') AT TIME ZONE %(zone)s)::date::text END AS key
          FROM moved m
         CROSS JOIN LATERAL (
               SELECT * FROM lots WHERE holder_id = m.holder_id AND lot_id = m.lot_id OFFSET 0) l
         WHERE m.unit = 1 AND (m.debit IN (1, 2)) <> (m.credit IN (1, 2))) lotted
 GROUP BY {_DAYS}, key, unit, debit, credit
"""

# How late an entry may be recorded before somebody asks: the end of the next day. The clock's own are never late.
FLAGGED: LiteralString = """
SELECT %(program)s, flag, entry_id, holder_id, effective_on, recorded_on, booked_on
  FROM dated CROSS JOIN LATERAL (
       SELECT 'late' AS flag WHERE (booked_on > effective_on OR recorded_on > effective_on + 1)
                               AND kind NOT IN ('expire', 'release')
       UNION ALL SELECT 'manual' WHERE kind IN ('adjust', 'reversal', 'reject', 'fund_grant')
                                    OR kind = 'award' AND operator IS NOT NULL) f
"""

DAYS: LiteralString = """
SELECT %(program)s, effective_on, recorded_on, booked_on, count(*),
       min(entry_id::text)::uuid, max(entry_id::text)::uuid, min(effective_at), max(effective_at),
       min(recorded_at), max(recorded_at), min(booked_at), max(booked_at)
  FROM dated GROUP BY effective_on, recorded_on, booked_on
"""


SUM_COLUMNS: LiteralString = (
    "dimension, effective_on, recorded_on, booked_on, step, key, unit, debit, credit, amount, postings"
)
"""The columns of ``select_of``."""


def dated(entries: LiteralString, dates: LiteralString = "true", step: LiteralString = "0") -> LiteralString:
    """The part ``dated``: entries ``e`` that fulfil one condition, and by their dates another.

    ``step`` numbers them by their times, where sums are to be told apart within a day.
    """
    return DATED.replace("{entries}", entries).replace("{dates}", dates).replace("{step}", step)


def select_of(dimension: str) -> LiteralString:
    """The sums of one dimension, its columns ``SUM_COLUMNS``."""
    return _SELECTS[dimension]


_SELECTS: Final[dict[str, LiteralString]] = {
    "all": ALL,
    "store": by_place("store"),
    "region": by_place("region"),
    "channel": by_place("channel"),
    "tier": TIER,
    "rule": RULE,
    "cohort": COHORT,
    "expiry": EXPIRY,
    "fund": FUND,
}
