"""The region's share: how much a region's own rules may give out, measured by what headquarters gave out.

Each region has a fund of its own for each period, which begins with nothing. Top-ups grant it what the share
allows by then, and never take back; what is granted can only be spent once. So a region never exceeds its share
of what headquarters had issued when the last top-up counted.
"""

from datetime import date, datetime
from typing import Final, NamedTuple

from ledger.clock import local_date, start_of_day
from ledger.money import MAX_AMOUNT
from ledger.rules.terms import RegionShare, Terms

SHARE_PREFIX: Final = "share:"
"""What the codes of these funds begin with. Nobody else grants them anything."""

_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


class Period(NamedTuple):
    """A calendar period of the program: from its first instant up to the first of the next one."""

    key: str
    begins_at: datetime
    ends_at: datetime


def share_fund(owner: str, at: datetime, terms: Terms, timezone: str) -> str | None:
    """The fund that pays for what a region's rules give for an event of that time.

    None for headquarters, whose owner is empty, and where the terms know no share.
    """
    if not owner or terms.region_share is None:
        return None
    return fund_of(owner, _key(_first_day(at, terms.region_share, timezone), terms.region_share))


def fund_of(region: str, key: str) -> str:
    """The code of a region's fund for the period of that key, such as ``share:east:2026-11``."""
    return f"{SHARE_PREFIX}{region}:{key}"


def is_share(fund: str) -> bool:
    """Whether a fund is a region's share."""
    return fund.startswith(SHARE_PREFIX)


def period_of(at: datetime, share: RegionShare, timezone: str) -> Period:
    """The period that an instant belongs to."""
    first = _first_day(at, share, timezone)
    months = first.year * 12 + first.month - 1 + _MONTHS[share.period]
    following = date(months // 12, months % 12 + 1, 1)
    return Period(_key(first, share), start_of_day(first, timezone), start_of_day(following, timezone))


def allowed(share: RegionShare, issued: int) -> int:
    """The points that a region may give out in a period in which headquarters has issued so many, rounded down.

    Of ``headquarters`` the share is a part of what headquarters issued; of ``total`` it is a part of what the two
    issued together: region : headquarters = percent : 100 - percent.

    >>> allowed(RegionShare(20, "headquarters", "month"), 80_000)
    16000
    >>> allowed(RegionShare(20, "total", "month"), 80_000)
    20000
    """
    whole = 100 if share.of == "headquarters" else 100 - share.percent
    return min(issued * share.percent // whole, MAX_AMOUNT) if whole else MAX_AMOUNT


def _first_day(at: datetime, share: RegionShare, timezone: str) -> date:
    day = local_date(at, timezone)
    months = _MONTHS[share.period]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _key(first: date, share: RegionShare) -> str:
    if share.period == "month":
        return f"{first.year:04}-{first.month:02}"
    return f"{first.year:04}-Q{first.month // 3 + 1}" if share.period == "quarter" else f"{first.year:04}"
