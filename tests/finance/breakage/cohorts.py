"""Cohorts and triangles for the tests of estimators: the toy one, made ones, and any at all."""

import random
from datetime import date, timedelta
from typing import Final

from hypothesis import strategies as st

from ledger.finance.breakage.triangles import Cohort, Triangle

FIRST: Final = date(2025, 1, 1)


def month(number: int) -> date:
    """The first of the month so many months after ``FIRST``."""
    return date(FIRST.year + number // 12, number % 12 + 1, 1)


def month_end(number: int) -> date:
    return month(number + 1) - timedelta(days=1)


def cohort(number: int, issued: int, redeemed: list[int], expired: list[int] | None = None) -> Cohort:
    return Cohort(month(number), issued, tuple(redeemed), tuple(expired or [0] * len(redeemed)))


TOY: Final = Triangle.of(
    (cohort(0, 1_000, [100, 100, 50]), cohort(1, 1_000, [120, 120]), cohort(2, 1_000, [110])), month_end(2)
)
"""The worked example of the page: 1,000 issued to each of A, B, C; cumulated 100, 200, 250; 120, 240; 110."""


def square(seed: int, months: int = 9, *, expire_at: int | None = None) -> Triangle:
    """A full triangle of made figures. At age ``expire_at`` nothing is redeemed and all that is left expires."""
    chance = random.Random(seed)
    cohorts = []
    for number in range(months):
        issued = chance.randint(50_000, 90_000)
        redeemed = [int(issued * chance.uniform(0.02, 0.2) / (age + 1)) for age in range(months - number)]
        expired = [0] * len(redeemed)
        if expire_at is not None and len(redeemed) > expire_at:
            redeemed = redeemed[:expire_at] + [0] * (len(redeemed) - expire_at)
            expired[expire_at] = issued - sum(redeemed)
        cohorts.append(cohort(number, issued, redeemed, expired))
    return Triangle.of(cohorts, month_end(months - 1))


@st.composite
def histories(draw: st.DrawFn, months: int, is_closed: bool = False) -> Cohort:
    """A cohort of so many months that never redeems or expires more than it has; closed, nothing of it is left."""
    left = issued = draw(st.integers(1, 10_000_000))
    redeemed, expired = [], []
    for age in range(months):
        redeemed.append(draw(st.integers(0, left)))
        left -= redeemed[-1]
        expired.append(left if is_closed and age == months - 1 else draw(st.integers(0, left)))
        left -= expired[-1]
    return Cohort(FIRST, issued, tuple(redeemed), tuple(expired))


@st.composite
def triangles(draw: st.DrawFn, is_closed: bool = False) -> Triangle:
    """Up to eight cohorts whose last ages lie on one diagonal; months may be missing among them."""
    size = draw(st.integers(1, 8))
    numbers = sorted(draw(st.sets(st.integers(0, size - 1), min_size=1)))
    cohorts = []
    for number in numbers:
        plain = draw(histories(size - number, is_closed))
        cohorts.append(Cohort(month(number), plain.issued, plain.redeemed, plain.expired))
    return Triangle.of(cohorts, month_end(size - 1))


@st.composite
def untidy_triangles(draw: st.DrawFn) -> Triangle:
    """Any figures at all: months of refunds, cohorts taken back whole, more redeemed than issued, a running month."""
    cohorts = []
    for number in range(draw(st.integers(1, 6))):
        points = st.lists(st.integers(-1_000, 1_000), min_size=6 - number, max_size=6 - number)
        cohorts.append(cohort(number, draw(st.integers(-10, 2_000)), draw(points), draw(points)))
    return Triangle.of(cohorts, draw(st.sampled_from((month_end(5), month(5)))))


def scaled(triangle: Triangle, times: int) -> Triangle:
    """Every figure so many times over."""
    return Triangle.of(
        (
            Cohort(
                each.month,
                times * each.issued,
                tuple(times * points for points in each.redeemed),
                tuple(times * points for points in each.expired),
            )
            for each in triangle.cohorts
        ),
        triangle.through,
    )
