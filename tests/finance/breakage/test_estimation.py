"""Estimates: which method answers for which cohort, what it says of itself, and what is flagged."""

from datetime import date
from decimal import Decimal

import pytest

from ledger.finance.breakage.bornhuetter_ferguson import prior_given
from ledger.finance.breakage.estimation import (
    BEYOND_EXPERIENCE,
    BOUNDED,
    RUNNING_MONTH,
    STUCK,
    UNKNOWN_RANGE,
    Assumptions,
    CohortEstimate,
    Method,
    estimate,
)
from ledger.finance.breakage.triangles import Triangle
from tests.finance.breakage.cohorts import TOY, cohort, month, month_end, square

MATURE_AT_ONCE = Assumptions(mature_after=1)
PLAN = prior_given(Decimal("0.30"), Decimal("0.25"), Decimal("0.40"), "the plan for 2025")


def rates(estimates: list[CohortEstimate]) -> list[str]:
    return [str(each.expected_redemption) for each in estimates]


def test_the_toy_triangle_is_expected_to_be_redeemed_as_the_page_says() -> None:
    estimates = estimate(TOY, assumptions=MATURE_AT_ONCE)
    assert rates(estimates) == ["0.250000", "0.300000", "0.275000"]
    assert [each.expected_points for each in estimates] == [250, 300, 275]
    assert {each.method for each in estimates} == {Method.CHAIN_LADDER}


def test_the_figures_of_the_page_by_the_default_rule() -> None:
    oldest, second, youngest = estimate(TOY, assumptions=Assumptions(mature_after=2, prior=PLAN))
    assert (oldest.why, second.why) == ("mature: 3 months observed", "mature: 2 months observed")
    assert youngest == CohortEstimate(
        cohort=date(2025, 3, 1),
        method=Method.BORNHUETTER_FERGUSON,
        expected_redemption=Decimal("0.290000"),
        low=Decimal("0.247660"),
        high=Decimal("0.357028"),
        expected_points=290,
        issued=1_000,
        redeemed=110,
        expired=0,
        through=date(2025, 3, 31),
        why="young: 1 of 2 months observed; prior: the plan for 2025",
        cross_check=Decimal("0.268750"),
        flags=(),
    )


def test_without_a_given_prior_the_mature_cohorts_are_it() -> None:
    youngest = estimate(TOY, assumptions=Assumptions(mature_after=2))[-1]
    assert (youngest.method, youngest.expected_redemption) == (
        Method.BORNHUETTER_FERGUSON,
        Decimal("0.275000"),
    )
    assert "prior: chain ladder of 2 mature cohorts, 2025-01 to 2025-02" in youngest.why


def test_where_no_cohort_is_mature_the_chain_ladder_answers_and_says_so() -> None:
    estimates = estimate(TOY)
    assert rates(estimates) == ["0.250000", "0.300000", "0.275000"]
    assert {each.why for each in estimates} == {"bornhuetter_ferguson cannot tell here"}


def test_a_method_that_cannot_tell_gives_way() -> None:
    late = Triangle.of((cohort(0, 100, [0, 40]), cohort(1, 100, [5])), month_end(1))
    second = estimate(late, Method.CHAIN_LADDER)[1]
    assert (second.method, second.why) == (Method.AALEN_JOHANSEN, "chain_ladder cannot tell here")
    second = estimate(late, Method.CHAIN_LADDER, Assumptions(mature_after=2))[1]
    assert second.method is Method.BORNHUETTER_FERGUSON
    assert second.expected_redemption == Decimal("0.450000")


@pytest.mark.parametrize("method", [Method.CHAIN_LADDER, Method.BORNHUETTER_FERGUSON, Method.AALEN_JOHANSEN])
def test_the_method_asked_for_is_used(method: Method) -> None:
    estimates = estimate(square(1), method, Assumptions(mature_after=3))
    assert {each.method for each in estimates} == {method}
    assert {each.why.split(";")[0] for each in estimates} == {"as asked for"}


def test_what_is_observed_is_not_a_method() -> None:
    with pytest.raises(ValueError, match="observed"):
        estimate(TOY, Method.OBSERVED)


def test_a_cohort_with_nothing_outstanding_is_what_was_observed() -> None:
    done = Triangle.of((cohort(0, 1_000, [100, 150], [0, 750]), cohort(1, 1_000, [120])), month_end(1))
    first = estimate(done, Method.BORNHUETTER_FERGUSON)[0]
    assert (first.method, first.why) == (Method.OBSERVED, "nothing is outstanding")
    assert (first.low, first.expected_redemption, first.high) == (Decimal("0.250000"),) * 3


def test_past_the_last_age_by_contract_nothing_more_is_expected_and_a_balance_is_stuck() -> None:
    contract = Assumptions(mature_after=1, last_redemption_age=1)
    first, second, third = estimate(TOY, assumptions=contract)
    assert (first.method, first.expected_redemption) == (Method.OBSERVED, Decimal("0.250000"))
    assert first.why == "by contract nothing is redeemed after age 1"
    assert first.flags == (STUCK,)
    assert (second.method, second.flags) == (Method.OBSERVED, ())
    assert third.method is Method.CHAIN_LADDER


def test_a_tail_is_for_ages_that_the_contract_allows_and_nobody_has_reached() -> None:
    tail = Decimal("1.2")
    beyond = estimate(TOY, assumptions=Assumptions(mature_after=1, last_redemption_age=11, tail=tail))
    assert rates(beyond) == ["0.300000", "0.360000", "0.330000"]
    assert all(BEYOND_EXPERIENCE in each.flags for each in beyond)
    one_more = estimate(TOY, assumptions=Assumptions(mature_after=1, last_redemption_age=3))
    assert all(BEYOND_EXPERIENCE in each.flags for each in one_more)
    reached = estimate(TOY, assumptions=Assumptions(mature_after=1, last_redemption_age=2, tail=tail))
    assert rates(reached) == ["0.250000", "0.300000", "0.275000"]
    assert not any(BEYOND_EXPERIENCE in each.flags for each in reached)


def test_without_a_contract_a_balance_is_stuck_past_the_last_age_at_which_anyone_redeemed() -> None:
    quiet = Triangle.of((cohort(0, 1_000, [100, 50, 0]), cohort(1, 1_000, [90, 60])), month_end(2))
    assert [STUCK in each.flags for each in estimate(quiet, assumptions=MATURE_AT_ONCE)] == [True, False]
    emptied = Triangle.of(
        (cohort(0, 1_000, [100, 50, 0], [0, 0, 850]), cohort(1, 1_000, [90, 60])), month_end(2)
    )
    assert not any(STUCK in each.flags for each in estimate(emptied, assumptions=MATURE_AT_ONCE))


def test_a_bound_that_stood_is_flagged() -> None:
    greedy = Triangle.of((cohort(0, 1_000, [100, 500]), cohort(1, 1_000, [300])), month_end(1))
    second = estimate(greedy, Method.CHAIN_LADDER)[1]
    assert second.expected_redemption == 1
    assert second.flags == (BOUNDED, UNKNOWN_RANGE)


def test_the_running_month_bounds_an_estimate_and_does_not_enter_it() -> None:
    running = Triangle.of(
        (cohort(0, 1_000, [100, 100, 50]), cohort(1, 1_000, [120, 480]), cohort(2, 1_000, [400])),
        date(2025, 3, 15),
    )
    first, second, third = estimate(running, assumptions=Assumptions(mature_after=1, prior=PLAN))
    assert all(
        RUNNING_MONTH in each.flags and each.through == date(2025, 3, 15) for each in (first, second, third)
    )
    assert first.expected_redemption == Decimal("0.250000")
    # Two to one so far would be 0.24, but 0.6 are gone already.
    assert (second.expected_redemption, second.redeemed) == (Decimal("0.600000"), 600)
    # Nothing of March counts yet: its prior, and no less than what is redeemed by now.
    assert (third.method, third.expected_redemption) == (Method.BORNHUETTER_FERGUSON, Decimal("0.400000"))


def test_a_cohort_that_issued_nothing_has_no_estimate_and_disturbs_none() -> None:
    taken_back = cohort(3, 0, [])
    overdrawn = cohort(4, -20, [])
    more = Triangle.of((*TOY.cohorts, taken_back, overdrawn), TOY.through)
    assert estimate(more) == estimate(TOY)


def test_with_no_month_over_only_a_prior_can_tell() -> None:
    fresh = Triangle.of([cohort(0, 1_000, [100])], date(2025, 1, 20))
    assert estimate(fresh) == []
    (only,) = estimate(fresh, assumptions=Assumptions(prior=PLAN))
    assert (only.cohort, only.expected_redemption) == (month(0), Decimal("0.300000"))


def test_rounding_never_narrows_a_range() -> None:
    third = Triangle.of([cohort(0, 3, [1], [2])], month_end(0))
    (only,) = estimate(third)
    assert (only.low, only.expected_redemption, only.high) == (
        Decimal("0.333333"),
        Decimal("0.333333"),
        Decimal("0.333334"),
    )
    assert only.expected_points == 1
