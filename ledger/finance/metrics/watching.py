"""Watching the thresholds: reads the window that they are about, and raises what they call for."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.accounts.program import Program
from ledger.alerts.register import raise_alert
from ledger.alerts.settings import alert_settings_of
from ledger.clock import local_date, start_of_day
from ledger.finance.metrics.thresholds import Watched, alarms
from ledger.finance.roll_forward import movements_of, outstanding_of
from ledger.finance.totals.reading import Cut, read_sums
from ledger.fx.band_settings import band_of
from ledger.fx.rates import rate_at
from ledger.journal.commands import Alert


def watch(connection: Connection, program: Program, now: datetime) -> list[Alert]:
    """Raise what the thresholds call for now; those that are new. May be run at any time, and as often as one likes.

    Each code is raised once in the month that the window ends in.
    """
    found = alarms(alert_settings_of(program), band_of(program), read_watched(connection, program, now))
    return [alert for alert in found if raise_alert(connection, program, alert, now)]


def read_watched(connection: Connection, program: Program, now: datetime) -> Watched:
    """The whole local days of the window, as far as is known now, and what is outstanding now."""
    today = local_date(now, program.timezone)
    first_day = today - timedelta(days=alert_settings_of(program).window_days)
    begin, end = (start_of_day(day, program.timezone) for day in (first_day, today))
    sums = read_sums(connection, program, "all", Cut(now, now), steps=(begin, end))
    moved = movements_of((each.debit, each.credit, each.amount) for each in sums if each.step == 1)
    rate = rate_at(program.rules.rates, now)
    return Watched(
        first_day,
        today - timedelta(days=1),
        issued=moved.issued - moved.clawed_back,
        redeemed=moved.redeemed - moved.redemption_refunds,
        outstanding=outstanding_of((each.debit, each.credit, each.amount) for each in sums),
        bid=rate.bid if rate else None,
        currency=program.currency,
    )
