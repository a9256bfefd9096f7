"""Habits: which visit it is, how many days in a row, and whose month."""

from datetime import datetime
from typing import Any

import pytest

from ledger.journal.wants import UNUSED, Usage, UsageKey, Use
from ledger.rules.visits import (
    Visit,
    activity_visit,
    is_anniversary_month,
    is_birth_month,
    purchase_visit,
    visit_keys,
)
from tests.builders import moment

SHANGHAI = "Asia/Shanghai"
MEMBER = b"m" * 16


class Diary:
    """Usages, kept as the journal keeps them."""

    def __init__(self) -> None:
        self.usages: dict[UsageKey, Usage] = {}

    def note(self, uses: tuple[Use, ...]) -> None:
        for key, amount, times in uses:
            used = self.usages.get(key, UNUSED)
            self.usages[key] = Usage(used.amount + amount, used.times + times)

    def buys(self, day: str) -> Visit:
        visit = purchase_visit(self.usages, MEMBER, moment(day), SHANGHAI)
        self.note(visit.uses)
        return visit

    def does(self, activity: str, day: str) -> Visit:
        visit = activity_visit(self.usages, MEMBER, activity, moment(day), SHANGHAI)
        self.note(visit.uses)
        return visit


@pytest.mark.parametrize(
    ("days", "streaks"),
    [
        (["2026-01-01"], [1]),
        (["2026-01-01", "2026-01-01"], [1, 1]),
        (["2026-01-01", "2026-01-02", "2026-01-03"], [1, 2, 3]),
        (["2026-01-01", "2026-01-02", "2026-01-02", "2026-01-03"], [1, 2, 2, 3]),
        (["2026-01-01", "2026-01-03"], [1, 1]),
        (["2026-02-28", "2026-03-01"], [1, 2]),
        (["2028-02-28", "2028-03-01"], [1, 1]),  # the 29th lies between
        (["2026-12-31", "2027-01-01"], [1, 2]),
        (["2026-01-01 23:59:59", "2026-01-02 00:00:00"], [1, 2]),
        # Late: the day as it stood in the streak, then by itself; neither mends anything.
        (["2026-01-05", "2026-01-06", "2026-01-05", "2026-01-07"], [1, 2, 1, 3]),
        (["2026-01-05", "2026-01-04", "2026-01-06"], [1, 1, 2]),
        (["2026-01-05", "2026-01-06", "2026-01-01", "2026-01-07"], [1, 2, 1, 3]),
    ],
)
def test_days_in_a_row_are_counted_as_they_come(days: list[str], streaks: list[int]) -> None:
    diary = Diary()
    assert [diary.buys(day).streak for day in days] == streaks


def test_every_purchase_is_a_visit_and_no_activity_is() -> None:
    diary = Diary()
    assert [diary.buys(day).visits for day in ("2026-01-02", "2026-01-02", "2026-01-01")] == [1, 2, 3]
    assert diary.does("sign_in", "2026-01-03").visits == 3
    assert diary.buys("2026-01-03").visits == 4


def test_each_type_of_activity_has_a_streak_of_its_own() -> None:
    diary = Diary()
    diary.does("sign_in", "2026-01-01")
    assert diary.does("sign_in", "2026-01-02").streak == 2
    assert diary.does("share", "2026-01-02").streak == 1
    assert diary.buys("2026-01-02").streak == 1


def test_what_is_read_is_what_is_changed() -> None:
    diary = Diary()
    diary.buys("2026-01-01")
    assert diary.usages.keys() == set(visit_keys(MEMBER))
    diary.does("share", "2026-01-01")
    assert diary.usages.keys() == {*visit_keys(MEMBER), *visit_keys(MEMBER, "share")}


def test_the_day_of_the_last_visit_never_runs_back() -> None:
    diary = Diary()
    diary.buys("2026-01-05")
    before = diary.usages[visit_keys(MEMBER)[0]].amount
    diary.buys("2026-01-01")
    assert diary.usages[visit_keys(MEMBER)[0]] == Usage(before, 2)


@pytest.mark.parametrize(
    ("attributes", "day", "is_theirs"),
    [
        ({"birth_month": 3}, "2026-03-01", True),
        ({"birth_month": 3}, "2026-03-31 23:59:59", True),
        ({"birth_month": 3}, "2026-04-01", False),
        ({"birth_month": 1}, "2026-01-05", True),
        ({"birth_month": True}, "2026-01-05", False),
        ({"birth_month": "1"}, "2026-01-05", False),
        ({"birth_month": 13}, "2026-01-05", False),
        ({}, "2026-01-05", False),
    ],
)
def test_birth_month_is_a_number_and_the_program_says_when(
    attributes: dict[str, Any], day: str, is_theirs: bool
) -> None:
    assert is_birth_month(attributes, moment(day), SHANGHAI) is is_theirs


@pytest.mark.parametrize(
    ("enrolled", "day", "is_theirs"),
    [
        ("2025-05-20", "2026-05-01", True),
        ("2025-05-20", "2026-06-01", False),
        ("2026-05-01", "2026-05-31", False),  # the first year has no anniversary
        ("2024-02-29", "2026-02-01", True),
        ("2025-05-31 23:59:59", "2026-05-01", True),
        ("2027-05-01", "2026-05-01", False),
        (None, "2026-05-01", False),
    ],
)
def test_anniversary_is_the_month_of_enrolment_in_later_years(
    enrolled: str | None, day: str, is_theirs: bool
) -> None:
    since: datetime | None = moment(enrolled) if enrolled else None
    assert is_anniversary_month(since, moment(day), SHANGHAI) is is_theirs
