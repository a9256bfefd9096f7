"""What the band controller reads from the books, and how it is shown: the weeks, the switches, the rate in force.

One statement reads the postings of the last weeks by the program's local calendar. Events count in the week in which
they happened, as far as they are recorded by now, so a recommendation can be worked out again later.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from ledger.accounts.program import Program, Rules
from ledger.clock import local_date, show
from ledger.fx.band import (
    COOL_DOWN,
    DATA_LAG,
    ELASTICITY,
    FROZEN,
    INTEGRAL,
    LOG_STEP_MAX,
    PROPORTIONAL,
    SERIES_WEEKS,
    SWITCHED_OFF,
    WINDOW_WEEKS,
    Recommendation,
    Situation,
    Week,
    recommend,
)
from ledger.fx.band_settings import band_of
from ledger.fx.band_switches import CHANGES, CONTROLLER, is_auto, is_on
from ledger.fx.rates import digits_max, require_rate_of, show_rate
from ledger.fx.reasoning import alarms_of, shown_share, steps_of
from ledger.fx.weeks import starts_of_weeks

# The accounts by their codes: 50 issued, 51 redeemed. What goes back stands on their other side.
_WEEKS: Final = text(
    """
    SELECT width_bucket(e.effective_at, CAST(:starts AS timestamptz[])) AS week,
           sum(CASE 50 WHEN p.debit THEN p.amount WHEN p.credit THEN -p.amount ELSE 0 END) AS issued,
           sum(CASE 51 WHEN p.credit THEN p.amount WHEN p.debit THEN -p.amount ELSE 0 END) AS redeemed,
           max(e.recorded_at) AS newest
      FROM holders h
      JOIN entries e USING (holder_id)
      JOIN postings p USING (holder_id, entry_id)
     WHERE h.program_id = :program_id AND e.effective_at >= :first AND e.recorded_at <= :now
       AND p.unit = 1 AND (p.debit IN (50, 51) OR p.credit IN (50, 51))
     GROUP BY 1
    """
)


class Books(NamedTuple):
    """The whole weeks, oldest first, and when the newest entry was recorded that issued or redeemed anything."""

    starts: Sequence[datetime]
    """Where each week begins, and last of all the present one."""
    weeks: Sequence[Week]
    newest: datetime | None


def read_weeks(connection: Connection, program: Program, now: datetime) -> Books:
    """The last whole weeks of the program's calendar, as far as is known now."""
    starts = starts_of_weeks(now, program.timezone, SERIES_WEEKS)
    asked = {"starts": starts, "program_id": program.program_id, "first": starts[0], "now": now}
    rows = {row.week: row for row in connection.execute(_WEEKS, asked)}
    # A sum of bigints is a numeric to PostgreSQL.
    weeks = [
        Week(int(rows[number].issued), int(rows[number].redeemed)) if number in rows else Week(0, 0)
        for number in range(1, SERIES_WEEKS + 1)
    ]
    return Books(starts, weeks, max((row.newest for row in rows.values()), default=None))


def situation_of(program: Program, rules: Rules, books: Books, now: datetime) -> Situation:
    """All that a recommendation follows from, now. ``rate_unknown`` where no rate is in force."""
    rate = require_rate_of(rules, now)
    settings = band_of(program)
    blocks = {
        SWITCHED_OFF: not is_on(rules, CONTROLLER),
        FROZEN: not is_on(rules, CHANGES),
        DATA_LAG: books.newest is None or now - books.newest > settings.lag_max,
        COOL_DOWN: rate.valid_from >= books.starts[-1],
    }
    return Situation(
        settings,
        books.weeks,
        rate,
        frozenset(block for block, holds in blocks.items() if holds),
        digits_max(program.currency),
    )


def show_recommendation(
    connection: Connection, program: Program, rules: Rules, now: datetime
) -> dict[str, Any]:
    """The recommendation with what went in, each step in words, what blocks it and what is alarming."""
    books = read_weeks(connection, program, now)
    situation = situation_of(program, rules, books, now)
    said = recommend(situation)
    end = books.starts[-1]
    start = books.starts[-1 - WINDOW_WEEKS]
    first_day = local_date(start, program.timezone)
    last_day = local_date(end, program.timezone) - timedelta(days=1)
    return {
        "as_of": show(now),
        "mode": "auto" if is_auto(program, rules) else "recommend",
        "inputs": {
            "window": {"from": show(start), "to": show(end), "weeks": WINDOW_WEEKS},
            **_inputs(situation, said),
        },
        "recommended_rate": show_rate(said.bid),
        "differs": said.bid != situation.rate.bid,
        "blocked_by": list(said.blocked_by),
        "alarms": alarms_of(said),
        "steps": steps_of(said, situation, first_day, last_day),
    }


def _inputs(situation: Situation, said: Recommendation) -> dict[str, Any]:
    settings, rate, reading = situation.settings, situation.rate, said.reading
    return {
        "issued": reading.issued,
        "redeemed": reading.redeemed,
        "rho": shown_share(reading.share),
        "target": f"{settings.target:f}",
        "low": f"{settings.low:f}",
        "high": f"{settings.high:f}",
        "minimum_volume": settings.minimum_volume,
        "e": shown_share(reading.error),
        "e_prev": shown_share(reading.previous),
        "awake": reading.is_awake,
        "log_step": shown_share(said.move.log_step),
        "rate": show_rate(rate.bid),
        "version": rate.version,
        "floor": show_rate(rate.floor),
        "ceiling": show_rate(rate.ceiling),
        "max_step": show_rate(rate.max_step),
        "gains": {
            "proportional": f"{PROPORTIONAL:f}",
            "integral": f"{INTEGRAL:f}",
            "log_step_max": f"{LOG_STEP_MAX:f}",
            "elasticity_assumed": f"{ELASTICITY:f}",
        },
    }
