"""Cohort triangles: what was issued in each month, and what became of it by age in months.

A cohort is all points issued in one calendar month of the program. Its age is 0 in that month and grows by one with
each month after. All figures are whole points, net: issued less clawed back, redeemed less refunded. Points that were
clawed back count as never issued, from age 0 on, for nobody could have redeemed them in the end.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import accumulate
from typing import Final, TypeAlias

from ledger.finance.breakage.shares import ALL, Bounds

Row: TypeAlias = tuple[date, date, str, int]
"""Day or month of issue, of the movement, the movement's name, and points signed as in the roll-forward."""

ISSUED: Final = {"issued": 1, "clawed_back": -1, "adjusted": 1, "transferred": 1}
"""Movements that make a cohort larger or smaller, with their sign; adjustments and transfers carry their own."""

REDEEMED: Final = {"redeemed": 1, "redemption_refunds": -1}
EXPIRED: Final = {"expired": 1, "forfeited": 1}
"""Movements after which points can no longer be redeemed: forfeited ones are gone just as expired ones are."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """One month of issue. ``redeemed`` and ``expired`` are the points of each age observed, 0 first, not cumulated.

    A month in which more was refunded than redeemed is negative. ValueError for a ``month`` that is not the first of
    a month, or for rows of unlike length.
    """

    month: date
    issued: int
    redeemed: tuple[int, ...]
    expired: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.month.day != 1:
            raise ValueError(f"a cohort is named by the first of its month, not {self.month}")
        if len(self.redeemed) != len(self.expired):
            raise ValueError(f"cohort {self.month} has ages without a figure")

    @property
    def months(self) -> int:
        """Months observed, the month of issue among them."""
        return len(self.redeemed)

    @property
    def age(self) -> int:
        """The last age observed; -1 before the end of the month of issue."""
        return len(self.redeemed) - 1

    @property
    def redeemed_points(self) -> int:
        """Redeemed to date."""
        return sum(self.redeemed)

    @property
    def expired_points(self) -> int:
        """Expired or forfeited to date."""
        return sum(self.expired)

    @property
    def outstanding(self) -> int:
        """What is neither redeemed nor expired."""
        return self.issued - self.redeemed_points - self.expired_points

    @property
    def cumulative(self) -> tuple[int, ...]:
        """Redeemed up to the end of each age."""
        return tuple(accumulate(self.redeemed))

    @property
    def bounds(self) -> Bounds:
        """Between what is redeemed and what is not yet expired, as shares of what was issued.

        Both are at most 1: more may be redeemed than issued net, where spent points were clawed back into debt.
        """
        redeemed = max(self.redeemed_points, 0)
        possible = max(redeemed, self.issued - self.expired_points)
        return Bounds(min(Fraction(redeemed, self.issued), ALL), min(Fraction(possible, self.issued), ALL))

    def first(self, months: int) -> "Cohort":
        """The cohort as it was after so many months; none before the month of issue."""
        kept = max(months, 0)
        return replace(self, redeemed=self.redeemed[:kept], expired=self.expired[:kept])


@dataclass(frozen=True, slots=True)
class Triangle:
    """Cohorts, oldest first, and the last day whose movements they count (the data cut-off).

    ``is_running``: the cut-off is not the end of its month, so the last age of every cohort is still growing. Use
    ``whole_months`` before comparing ages. ValueError for cohorts out of order or twice the same.
    """

    cohorts: tuple[Cohort, ...]
    through: date
    is_running: bool = False

    def __post_init__(self) -> None:
        months = [cohort.month for cohort in self.cohorts]
        if months != sorted(set(months)):
            raise ValueError("cohorts stand oldest first, each once")

    @classmethod
    def of(cls, cohorts: Iterable[Cohort], through: date) -> "Triangle":
        """Cohorts in any order."""
        return cls(
            tuple(sorted(cohorts, key=lambda cohort: cohort.month)), through, not is_month_end(through)
        )

    @property
    def ages(self) -> int:
        """Ages that any cohort has reached."""
        return max((cohort.months for cohort in self.cohorts), default=0)

    def cumulative(self, age: int) -> dict[date, int]:
        """Redeemed up to the end of an age, of the cohorts that have reached it."""
        return {each.month: sum(each.redeemed[: age + 1]) for each in self.cohorts if each.months > age}

    @property
    def latest(self) -> dict[date, int]:
        """Redeemed to date: the last diagonal."""
        return {each.month: each.redeemed_points for each in self.cohorts}

    def whole_months(self) -> "Triangle":
        """Without the month that is still running. Cohorts of that month stay, with no age observed."""
        if not self.is_running:
            return self
        cohorts = tuple(each.first(months_between(each.month, self.through)) for each in self.cohorts)
        return Triangle(cohorts, self.through.replace(day=1) - timedelta(days=1))

    def known_at(self, month_end: date) -> "Triangle":
        """What there was to see at the end of an earlier month, without cohorts issued since.

        Points issued are as known today: what was clawed back since counts as never issued, then as now.
        """
        cohorts = (
            each.first(months_between(each.month, month_end) + 1)
            for each in self.cohorts
            if each.month <= month_end
        )
        return Triangle(tuple(cohorts), month_end)


def triangle_of(rows: Iterable[Row], through: date) -> Triangle:
    """The triangle of daily or monthly totals, in any order; rows after ``through`` are left out.

    Every cohort has every age up to the cut-off, with nothing where no row is. KeyError for a movement that has no
    name here, ValueError for one before its cohort's month.
    """
    issued: dict[date, int] = defaultdict(int)
    moved: dict[tuple[date, int, bool], int] = defaultdict(int)
    for day_issued, day, movement, points in rows:
        if day > through:
            continue
        month, age = day_issued.replace(day=1), months_between(day_issued, day)
        if age < 0:
            raise ValueError(f"points of {month} moved before they were issued, on {day}")
        issued[month] += ISSUED.get(movement, 0) * points
        if movement not in ISSUED:
            sign = REDEEMED.get(movement) or EXPIRED[movement]
            moved[month, age, movement in EXPIRED] += sign * points
    return Triangle.of((_cohort(month, issued[month], moved, through) for month in issued), through)


def _cohort(month: date, issued: int, moved: dict[tuple[date, int, bool], int], through: date) -> Cohort:
    ages = range(months_between(month, through) + 1)
    redeemed = tuple(moved.get((month, age, False), 0) for age in ages)
    return Cohort(month, issued, redeemed, tuple(moved.get((month, age, True), 0) for age in ages))


def months_between(earlier: date, later: date) -> int:
    """Months from the month of one day to that of another."""
    return 12 * (later.year - earlier.year) + later.month - earlier.month


def is_month_end(day: date) -> bool:
    """Whether the month is over after this day."""
    return (day + timedelta(days=1)).day == 1
