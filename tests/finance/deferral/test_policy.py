"""Which policy and which estimate holds for a cohort in a month."""

from decimal import Decimal
from fractions import Fraction

import pytest

from ledger.finance.deferral.policy import (
    NOTHING_BREAKS,
    Estimate,
    estimate_at_issue,
    estimate_for,
    expected,
    plain,
    policy_for,
)
from tests.finance.deferral.cohorts import estimate, month, policy


def version(found: Estimate | None) -> int | None:
    return found and found.version


def test_a_policy_holds_from_its_month_on_and_a_later_version_takes_its_place() -> None:
    policies = [
        policy(),
        policy("cost_provision", 2, applies_from=month(3)),
        policy("deferral_residual_fv", 3, applies_from=month(5)),
        policy("deferral_relative_ssp", 4, applies_from=month(3)),
    ]
    assert [policy_for(policies[:1], month(n)).version for n in (1, 9)] == [1, 1]
    assert [policy_for(policies[:2], month(n)).version for n in (2, 3, 9)] == [1, 2, 2]
    assert [policy_for(policies[:3], month(n)).version for n in (2, 3, 4, 5)] == [1, 2, 2, 3]
    # The last word on March counts for everything after it as well.
    assert [policy_for(policies, month(n)).version for n in (2, 3, 5, 9)] == [1, 4, 4, 4]


def test_a_cohorts_own_estimate_goes_before_the_general_one_whichever_is_newer() -> None:
    estimates = [estimate("0.9", version=1, cohort=1), estimate("0.8", version=2, cohort=None)]
    assert version(estimate_for(estimates, month(1), month(4))) == 1
    assert version(estimate_for(estimates, month(2), month(4))) == 2


def test_an_estimate_counts_from_the_month_that_it_names() -> None:
    estimates = [estimate("0.9", 1, 1), estimate("0.8", 4, 2), estimate("0.7", 3, 3)]
    found = [version(estimate_for(estimates, month(1), month(n))) for n in (1, 2, 3, 4, 5)]
    assert found == [1, 1, 3, 3, 3]
    assert estimate_for(estimates, month(2), month(5)) is None


def test_a_cohort_begins_with_the_first_estimate_of_its_own() -> None:
    own = [estimate("0.9", 1, 2, cohort=2), estimate("0.8", 2, 3, cohort=2)]
    assert version(estimate_at_issue([estimate("0.5", 1, 1, cohort=None), *own], month(2))) == 2
    assert estimate_at_issue(own, month(1)) is None


def test_a_cohort_without_one_begins_with_the_general_estimate_that_held_before_it() -> None:
    general = [
        estimate("0.9", 1, 1, cohort=None),
        estimate("0.8", 2, 2, cohort=None),
        estimate("0.7", 3, 3, cohort=None),
    ]
    assert version(estimate_at_issue(general, month(3))) == 2
    assert version(estimate_at_issue(general, month(1))) == 1
    assert version(estimate_at_issue(general[2:], month(3))) == 3


def test_what_nobody_has_estimated_does_not_break() -> None:
    assert expected(None) == NOTHING_BREAKS == 1
    assert expected(estimate("0.125")) == Fraction(1, 8)


@pytest.mark.parametrize(
    ("number", "told"), [("0.9500", "0.95"), ("100", "100"), ("0", "0"), ("1E+3", "1000"), ("0.10", "0.1")]
)
def test_decimals_are_told_in_plain_digits(number: str, told: str) -> None:
    assert plain(Decimal(number)) == told
    assert plain(None) is None
