"""Laws of every estimator on any triangle: bounds, sums, scale, order, and what a closed cohort must say."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ledger.finance.breakage.aalen_johansen import curve_of, expect
from ledger.finance.breakage.backtest import Earlier, backtest
from ledger.finance.breakage.bornhuetter_ferguson import blend, prior_given
from ledger.finance.breakage.chain_ladder import pattern_of, project
from ledger.finance.breakage.estimation import Assumptions, Method, estimate
from ledger.finance.breakage.triangles import Triangle
from tests.finance.breakage.cohorts import cohort, month_end, scaled, triangles, untidy_triangles
from tests.profiles import examples

METHODS = (None, Method.CHAIN_LADDER, Method.BORNHUETTER_FERGUSON, Method.AALEN_JOHANSEN)
PRIOR = prior_given(Decimal("0.3"), Decimal("0.2"), Decimal("0.5"), "plan")
ASSUMED = Assumptions(mature_after=3)
MILLIONTH = Decimal("0.000001")


@examples(100)
@given(method=st.sampled_from(METHODS), triangle=triangles())
def test_an_estimate_lies_in_its_range_and_the_range_within_what_is_possible(
    method: Method | None, triangle: Triangle
) -> None:
    estimates = estimate(triangle, method, ASSUMED)
    assert [each.cohort for each in estimates] == [each.month for each in triangle.cohorts]
    for each in estimates:
        redeemed = Fraction(each.redeemed, each.issued)
        assert redeemed - Fraction(MILLIONTH) < each.low <= each.expected_redemption <= each.high <= 1
        assert each.redeemed <= each.expected_points <= each.issued - each.expired
        assert (
            abs(each.expected_points - each.expected_redemption * each.issued) <= MILLIONTH * each.issued + 1
        )


@examples(100)
@given(method=st.sampled_from(METHODS), triangle=triangles(is_closed=True))
def test_where_nothing_is_left_the_rate_is_the_share_redeemed(
    method: Method | None, triangle: Triangle
) -> None:
    for each in estimate(triangle, method, ASSUMED):
        assert each.expected_points == each.redeemed
        assert each.method is Method.OBSERVED


@examples(100)
@given(triangles(is_closed=True))
def test_every_method_by_itself_says_the_share_redeemed_where_nothing_is_left(triangle: Triangle) -> None:
    pattern, curve = pattern_of(triangle), curve_of(triangle)
    for each in triangle.cohorts:
        redeemed = (Fraction(each.redeemed_points, each.issued),) * 3
        assert expect(each, curve) == redeemed
        assert blend(each, pattern, PRIOR, curve.dispersion) == redeemed
        projection = project(each, pattern)
        assert projection is None or projection.share == redeemed


@examples(200)
@given(method=st.sampled_from(METHODS), triangle=untidy_triangles(), horizon=st.none() | st.integers(0, 7))
def test_figures_that_no_tidy_history_has_are_still_answered_within_bounds(
    method: Method | None, triangle: Triangle, horizon: int | None
) -> None:
    assumed = Assumptions(mature_after=3, last_redemption_age=horizon, prior=PRIOR)
    estimates = estimate(triangle, method, assumed)
    assert [each.cohort for each in estimates] == [each.month for each in triangle.cohorts if each.issued > 0]
    assert all(0 <= each.low <= each.expected_redemption <= each.high <= 1 for each in estimates)
    for incidence in curve_of(triangle).path:
        assert sum(incidence) == 1


@examples(100)
@given(triangles())
def test_redeemed_expired_and_open_sum_to_all(triangle: Triangle) -> None:
    curve = curve_of(triangle)
    for incidence in (*curve.path, curve.ultimate):
        assert sum(incidence) == 1
        assert min(incidence) >= 0


@examples(100)
@given(triangles())
def test_an_outlook_from_any_age_continues_the_path(triangle: Triangle) -> None:
    curve = curve_of(triangle)
    for month, incidence in zip(curve.months, curve.path, strict=True):
        assert (
            incidence.redeemed + incidence.open * curve.outlook(month.age).chance == curve.ultimate.redeemed
        )


@examples(100)
@given(method=st.sampled_from(METHODS), triangle=triangles(), shuffled=st.randoms(use_true_random=False))
def test_the_order_of_cohorts_changes_nothing(
    method: Method | None, triangle: Triangle, shuffled: Random
) -> None:
    cohorts = list(triangle.cohorts)
    shuffled.shuffle(cohorts)
    assert estimate(Triangle.of(cohorts, triangle.through), method, ASSUMED) == estimate(
        triangle, method, ASSUMED
    )


@examples(100)
@given(method=st.sampled_from(METHODS), triangle=triangles(), times=st.integers(2, 1_000))
def test_so_many_times_the_points_are_the_same_shares(
    method: Method | None, triangle: Triangle, times: int
) -> None:
    plain, larger = estimate(triangle, method, ASSUMED), estimate(scaled(triangle, times), method, ASSUMED)
    for each, other in zip(plain, larger, strict=True):
        assert each.expected_redemption == other.expected_redemption
        assert each.method is other.method
        assert abs(times * each.expected_points - other.expected_points) <= times


@examples(100)
@given(triangle=triangles(), times=st.integers(2, 1_000))
def test_the_ranges_of_the_chain_ladder_do_not_depend_on_scale(triangle: Triangle, times: int) -> None:
    plain, larger = pattern_of(triangle), pattern_of(scaled(triangle, times))
    for each, other in zip(triangle.cohorts, scaled(triangle, times).cohorts, strict=True):
        first, second = project(each, plain), project(other, larger)
        assert (first is None) == (second is None)
        if first and second:
            assert abs(first.share.low - second.share.low) < Fraction(1, 10**20)
            assert abs(first.share.high - second.share.high) < Fraction(1, 10**20)


@examples(100)
@given(method=st.sampled_from(METHODS[1:]), triangle=triangles(), chosen=st.randoms(use_true_random=False))
def test_more_redeemed_in_the_last_month_is_never_less_expected_of_that_cohort(
    method: Method, triangle: Triangle, chosen: Random
) -> None:
    assumed = Assumptions(prior=PRIOR)
    position = chosen.randrange(len(triangle.cohorts))
    before = triangle.cohorts[position]
    more = chosen.randint(0, before.outstanding)
    after = replace(before, redeemed=(*before.redeemed[:-1], before.redeemed[-1] + more))
    others = [each for each in triangle.cohorts if each is not before]
    raised = Triangle.of((*others, after), triangle.through)
    first, second = estimate(triangle, method, assumed)[position], estimate(raised, method, assumed)[position]
    if Method.OBSERVED not in (first.method, second.method) and first.method is second.method:
        assert second.expected_redemption >= first.expected_redemption


@examples(100)
@given(st.lists(st.integers(0, 1_000_000), min_size=1, max_size=6))
def test_an_estimate_of_what_came_is_perfect(redeemed: list[int]) -> None:
    """Of a million points each, so that every share has six places."""
    ended = [cohort(number, 10**6, [points], [10**6 - points]) for number, points in enumerate(redeemed)]
    triangle = Triangle.of(ended, month_end(5))
    found = backtest(
        (Earlier(each.month, triangle.through, Decimal(each.redeemed_points).scaleb(-6)) for each in ended),
        triangle,
    )
    assert all(outcome.ratio == 1 and outcome.error == 0 for outcome in found.outcomes)
    assert all(outcome.is_final and outcome.is_possible for outcome in found.outcomes)
    assert (found.ratio, found.bias) == (Decimal(1), Decimal(0))
