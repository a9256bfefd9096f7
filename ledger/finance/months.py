"""Accounting months: named by their first day, told as ``2026-01``. Pure.

What the clock takes at the midnight that ends a month is booked a tick before it, and so in the month.
"""

from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from ledger.accounts.program import Program
from ledger.clock import local_date, start_of_day

TICK: Final = timedelta(microseconds=1)


class Bounds(NamedTuple):
    """The last moments before a month and of it."""

    before: datetime
    last: datetime


def bounds_of(program: Program, month: date) -> Bounds:
    """A month as reports take a period: from just after one moment up to and including the other."""
    return Bounds(
        start_of_day(month, program.timezone) - TICK,
        start_of_day(next_month(month), program.timezone) - TICK,
    )


def month_at(program: Program, at: datetime) -> date:
    """The month in which an instant lies, where the program is."""
    return local_date(at, program.timezone).replace(day=1)


def next_month(month: date) -> date:
    """The month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def previous_month(month: date) -> date:
    """The month before."""
    return date(month.year - (month.month == 1), (month.month - 2) % 12 + 1, 1)


def months_between(first: date, last: date) -> list[date]:
    """The months from one to another, both included."""
    months = [first]
    while months[-1] < last:
        months.append(next_month(months[-1]))
    return months


def read_month(text: str) -> date:
    """The month that is told as ``2026-01``."""
    return date.fromisoformat(f"{text}-01")


def show_month(month: date) -> str:
    """A month as it is told."""
    return f"{month:%Y-%m}"
