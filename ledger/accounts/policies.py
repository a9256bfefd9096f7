"""Expiry policies: pure functions from the instant of earning to the instant of expiry.

Points expire at the end of a local day of the program: the instant that begins the next one. So "31
December" means 24:00 there, whatever the server's zone and whatever daylight saving does.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

from ledger.clock import local_date, start_of_day

Kind = Literal["never", "fixed_days", "end_of_month", "end_of_quarter", "end_of_year", "rolling"]
_PERIOD_MONTHS = {"end_of_month": 1, "end_of_quarter": 3, "end_of_year": 12}


@dataclass(frozen=True, slots=True)
class ExpiryPolicy:
    """How long points live.

    - ``never``
    - ``fixed_days``: to the end of the local day ``after`` days on
    - ``end_of_month`` / ``end_of_quarter`` / ``end_of_year``: to the end of the period that contains the
      day ``after`` months on
    - ``rolling``: to the end of the day ``after`` months after the member's last activity
    """

    kind: Kind
    after: int = 0

    @property
    def is_rolling(self) -> bool:
        """Whether activity moves the expiry of earlier lots."""
        return self.kind == "rolling"

    def expires_at(self, earned_at: datetime, timezone: str) -> datetime | None:
        """The first instant at which points earned then are gone; None for never."""
        if self.kind == "never":
            return None
        return _day_after_last(self, local_date(earned_at, timezone), timezone)

    def last_day(self, earned_on: date) -> date:
        """The last local day on which points earned on that day may be used."""
        if self.kind == "fixed_days":
            return earned_on + timedelta(days=self.after)
        day = add_months(earned_on, self.after)
        if self.kind == "rolling":
            return day
        return _end_of_period(day, _PERIOD_MONTHS[self.kind])


@lru_cache(maxsize=4_096)
def _day_after_last(policy: ExpiryPolicy, earned_on: date, timezone: str) -> datetime:
    # Everything earned on a day expires together, so a day's purchases need this once.
    return start_of_day(policy.last_day(earned_on) + timedelta(days=1), timezone)


def parse_policy(terms: Mapping[str, Any]) -> ExpiryPolicy:
    """The policy of its JSON form, such as ``{"kind": "end_of_month", "months": 12}``."""
    return ExpiryPolicy(terms["kind"], terms.get("days") or terms.get("months") or 0)


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or its last where it has no such day (31 January + 1: 28 or 29 February)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _end_of_period(day: date, months: int) -> date:
    last_month = (day.month - 1) // months * months + months
    return date(day.year, last_month, monthrange(day.year, last_month)[1])
