"""Streaks: what was done on one day counts once, in whatever order and however often it is told."""

from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ledger.journal.wants import UNUSED, Usage, UsageKey
from ledger.rules.visits import purchase_visit, streak_key, visits_key
from tests.builders import NOW
from tests.profiles import examples

MEMBER = b"m" * 16
ZONES = st.sampled_from(["Asia/Shanghai", "America/New_York", "Pacific/Apia"])


def told(
    days: list[int], timezone: str, minutes: Random | None = None
) -> tuple[dict[UsageKey, Usage], list[int]]:
    """The usages after visits on these days, one after the other, and the streak that each of them saw."""
    usages: dict[UsageKey, Usage] = {}
    streaks = []
    for day in days:
        # From six to nine in the morning of a day in UTC it is one day in all of these zones.
        at = NOW + timedelta(days=day, hours=2, minutes=minutes.randint(0, 180) if minutes else 0)
        visit = purchase_visit(usages, MEMBER, at, timezone)
        streaks.append(visit.streak)
        for key, amount, times in visit.uses:
            used = usages.get(key, UNUSED)
            usages[key] = Usage(used.amount + amount, used.times + times)
    return usages, streaks


def longest_run_to_the_end(days: set[int]) -> int:
    last = max(days)
    length = 0
    while last - length in days:
        length += 1
    return length


@examples(200)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=40), ZONES, st.randoms(use_true_random=False))
def test_a_streak_is_the_run_of_days_whatever_repeats_within_them(
    days: list[int], timezone: str, random: Random
) -> None:
    usages, streaks = told(sorted(days), timezone, random)
    assert usages[streak_key(MEMBER)].times == streaks[-1] == longest_run_to_the_end(set(days))
    assert usages[visits_key(MEMBER)].times == len(days)
    once, _ = told(sorted(set(days)), timezone)
    assert usages[streak_key(MEMBER)] == once[streak_key(MEMBER)]


@examples(200)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=40), ZONES)
def test_late_visits_change_no_streak_and_never_see_a_longer_one(days: list[int], timezone: str) -> None:
    usages, streaks = told(days, timezone)
    latest = [day for n, day in enumerate(days) if day == max(days[: n + 1])]
    in_order, _ = told(latest, timezone)
    assert usages[streak_key(MEMBER)] == in_order[streak_key(MEMBER)]
    assert all(1 <= streak <= n for n, streak in enumerate(streaks, 1))
    assert usages[visits_key(MEMBER)].times == len(days)
