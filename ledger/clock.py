"""The one clock. Times inside are aware UTC; a program's time zone decides days and month ends.

Nothing else reads the system's time: the time of a posting is an argument, taken here at the edge, so
that a test program's clock (forward only) moves every rule that depends on time.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import orjson

MAX_SKEW = timedelta(minutes=5)
"""How far ahead of ours a caller's clock may be before its event counts as lying in the future."""

FAR_FUTURE = datetime(9999, 12, 31, tzinfo=UTC)
"""Stands for "never" where a time must be compared."""


def system_now() -> datetime:
    """The present, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)


def show(instant: datetime) -> str:
    """RFC 3339 in UTC with microseconds and ``Z``: the one form in which times leave the ledger."""
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    # Three times as fast as isoformat: a tenth of a batch, whose every answer shows several times.
    text = orjson.dumps(instant, option=orjson.OPT_UTC_Z)[1:-1].decode()
    return text if instant.microsecond else f"{text[:-1]}.000000Z"


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The time zone of that IANA name; KeyError-like ``ZoneInfoNotFoundError`` when there is none."""
    return ZoneInfo(name)


def local_date(instant: datetime, timezone: str) -> date:
    """The calendar day of an instant, where the program is."""
    return instant.astimezone(zone(timezone)).date()


def start_of_day(day: date, timezone: str) -> datetime:
    """The first instant of a local day, in UTC.

    Where the clock jumps over midnight, ``fold=0`` reads it with the offset before the jump, which is
    the very instant of the jump; where midnight comes twice, it is the first of the two (PEP 495).
    """
    return datetime(day.year, day.month, day.day, tzinfo=zone(timezone)).astimezone(UTC)
