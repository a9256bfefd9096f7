"""Ageing: the outstanding points by when they end, and what they are worth at the rate in force.

Days are the program's calendar days, from the day of ``as_of`` to the last day on which a lot is there. A lot whose
last day is over is gone by the clock, whether or not the sweep has booked it: it stands in a bucket of its own until
then. So does a lot whose end moves with its member's activity, and one that never ends. Points in lots less what
members owe are the outstanding points of the trial balance.

Values are minor units, floored: of all points up to and including a bucket, less that of the buckets before it. So
the buckets add up to the value of all points, which is floored once.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Connection

from ledger.accounts.chart import Account
from ledger.accounts.program import Program, RateVersion
from ledger.clock import local_date, show
from ledger.finance.roll_forward import outstanding_of
from ledger.finance.tables import Report, Table
from ledger.finance.totals.reading import Cut, Sum, read_sums
from ledger.fx.convert import value_of
from ledger.fx.rates import known_rates, rate_at, show_rate
from ledger.journal.history import Times, times_of

EXPIRED: Final = "expired_unposted"
DAYS: Final = (("0_30_days", 30), ("31_90_days", 90), ("91_180_days", 180), ("181_365_days", 365))
"""Buckets and the last day of each, counted from the day of ``as_of``."""
LATER: Final = "over_365_days"
ROLLING: Final = "rolling"
NEVER: Final = "never"
BUCKETS: Final = (EXPIRED, *(name for name, _ in DAYS), LATER, ROLLING, NEVER)

COLUMNS: Final = ("bucket", "points", "face_value.amount", "face_value.currency")


def bucket_of(key: str, today: date) -> str:
    """The bucket of a key of the dimension ``expiry``: a last day, ``rolling`` or ``never``."""
    if key in (ROLLING, NEVER):
        return key
    days = (date.fromisoformat(key) - today).days
    if days < 0:
        return EXPIRED
    return next((name for name, last in DAYS if days <= last), LATER)


def known_rate(program: Program, times: Times) -> RateVersion | None:
    """The rate in force at ``as_of``, of the versions that were known; None where there was none."""
    return rate_at(known_rates(program.rules.rates, times.known_as_of), times.as_of)


def ageing_report(
    connection: Connection,
    program: Program,
    now: datetime,
    *,
    as_of: datetime | None = None,
    known_as_of: datetime | None = None,
) -> Report:
    """The ageing as a report; the present for a time that is left out.

    Without a rate in force there are no values. ``difference`` is what points in lots less debt lack to be the trial
    balance's outstanding points.
    """
    times = times_of(as_of, known_as_of, now)
    cut = Cut(*times)
    points = _points_by_bucket(
        read_sums(connection, program, "expiry", cut), local_date(times.as_of, program.timezone)
    )
    books = [(each.debit, each.credit, each.amount) for each in read_sums(connection, program, "all", cut)]
    outstanding = outstanding_of(books)
    debt = sum(
        amount * ((debit is Account.DEBT) - (credit is Account.DEBT)) for debit, credit, amount in books
    )
    rate = known_rate(program, times)
    buckets, so_far = [], 0
    for name in BUCKETS:
        before, so_far = so_far, so_far + points[name]
        buckets.append({"bucket": name, "points": points[name], **_worth(program, rate, before, so_far)})
    body = {
        "as_of": show(times.as_of),
        "known_as_of": show(times.known_as_of),
        "rate": show_rate(rate.bid) if rate else None,
        "rate_version": rate.version if rate else None,
        "buckets": buckets,
        "lots": {"points": so_far, **_worth(program, rate, 0, so_far)},
        "debt": {"points": debt},
        "outstanding": {"points": outstanding, **_worth(program, rate, 0, outstanding)},
        "difference": so_far - debt - outstanding,
    }
    return Report(body, Table("buckets", COLUMNS, buckets))


def _points_by_bucket(sums: Iterable[Sum], today: date) -> Counter[str]:
    points: Counter[str] = Counter()
    for each in sums:
        points[bucket_of(each.key, today)] += each.into_lots
    return points


def _worth(program: Program, rate: RateVersion | None, before: int, upto: int) -> dict[str, Any]:
    """The value of the points from one number to another, as a member of a row."""
    if rate is None:
        return {"face_value": None}
    above, below = (value_of(points, rate.bid, program.currency).amount for points in (upto, before))
    return {"face_value": {"amount": above - below, "currency": program.currency}}
