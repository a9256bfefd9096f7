"""Ranges against chance: simulated members who redeem in lumps, and how often what came lies in what was told.

The seeds are fixed, so the counts are facts and not chances. They say what ranges are worth in a world like this one,
in which cohorts are alike but for chance: not in a world that changes.
"""

import random
from collections import Counter
from fractions import Fraction

import pytest

from ledger.finance.breakage.estimation import Assumptions, CohortEstimate, Method, estimate
from ledger.finance.breakage.triangles import Cohort, Triangle
from tests.finance.breakage.cohorts import cohort, month_end

MONTHS = 24
LIFE = 12
"""The age in months at which what is left expires; nothing is redeemed in that month."""
MEMBERS = 150
SEEDS = range(12)
ASSUMED = Assumptions(mature_after=12, last_redemption_age=LIFE)


def lived(chance: random.Random, number: int) -> Cohort:
    """A cohort to its end. Fewer than half of its members ever redeem: all that they have, or half of it."""
    redeemed, expired, issued = [0] * (LIFE + 1), [0] * (LIFE + 1), 0
    for _ in range(MEMBERS):
        left = points = max(1, int(chance.lognormvariate(5, 1.2)))
        issued += points
        is_active = chance.random() < 0.45
        for age in range(LIFE):
            if is_active and chance.random() < 0.12:
                spent = left if chance.random() < 0.6 else left // 2
                redeemed[age] += spent
                left -= spent
        expired[LIFE] += left
    return cohort(number, issued, redeemed, expired)


def judged(method: Method) -> list[tuple[CohortEstimate, Fraction]]:
    """Estimates of cohorts that were still open, each with the share that came."""
    found = []
    for seed in SEEDS:
        chance = random.Random(seed)
        whole = [lived(chance, number) for number in range(MONTHS)]
        seen = Triangle.of(
            (each.first(MONTHS - number) for number, each in enumerate(whole)), month_end(MONTHS - 1)
        )
        came = {each.month: Fraction(each.redeemed_points, each.issued) for each in whole}
        found += [(each, came[each.cohort]) for each in estimate(seen, method, ASSUMED)]
    return [(each, share) for each, share in found if each.method is method]


@pytest.mark.parametrize("method", [Method.CHAIN_LADDER, Method.BORNHUETTER_FERGUSON, Method.AALEN_JOHANSEN])
def test_what_came_lies_in_the_range_about_19_times_in_20(method: Method) -> None:
    held = Counter(each.low <= share <= each.high for each, share in judged(method))
    assert held.total() == len(SEEDS) * LIFE
    assert 0.90 <= held[True] / held.total() < 1


def test_a_range_narrows_as_a_cohort_grows_older() -> None:
    widths: dict[int, list[Fraction]] = {}
    for each, _ in judged(Method.AALEN_JOHANSEN):
        age = 12 * (2026 - each.cohort.year) + 12 - each.cohort.month
        widths.setdefault(age, []).append(Fraction(each.high - each.low))
    means = [sum(widths[age], Fraction(0)) / len(widths[age]) for age in (0, 4, 8, 11)]
    assert means == sorted(means, reverse=True)


def test_a_young_cohort_is_estimated_nearer_by_a_prior_than_by_the_chain_ladder() -> None:
    def error(method: Method) -> Fraction:
        """The mean distance, of cohorts that have seen their month of issue alone."""
        newest = [
            abs(Fraction(each.expected_redemption) - share)
            for each, share in judged(method)
            if (each.cohort.year, each.cohort.month) == (2026, 12)
        ]
        return sum(newest, Fraction(0)) / len(newest)

    assert error(Method.BORNHUETTER_FERGUSON) * 3 < error(Method.CHAIN_LADDER) * 2
