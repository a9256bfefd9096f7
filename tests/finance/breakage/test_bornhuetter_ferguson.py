"""Bornhuetter–Ferguson: what is redeemed, and a prior for what lies ahead."""

from decimal import Decimal
from fractions import Fraction

import pytest

from ledger.finance.breakage.bornhuetter_ferguson import blend, prior_given, prior_of_mature
from ledger.finance.breakage.chain_ladder import pattern_of, project
from tests.finance.breakage.cohorts import TOY, cohort

PRIOR = prior_given(Decimal("0.30"), Decimal("0.25"), Decimal("0.40"), "plan")


CERTAIN = Decimal(0)
"""A dispersion that leaves the prior alone to be uncertain."""


def test_the_youngest_toy_cohort_by_hand() -> None:
    """C has redeemed 110, two fifths of its ultimate: 0.11 + (1 − 0.4) × 0.30."""
    expected = (Fraction("0.29"), Fraction("0.26"), Fraction("0.35"))
    assert blend(TOY.cohorts[2], pattern_of(TOY), PRIOR, CERTAIN) == expected


def test_a_cohort_that_has_shown_nothing_yet_is_its_prior() -> None:
    assert blend(cohort(3, 1_000, []), pattern_of(TOY), PRIOR, CERTAIN) == PRIOR.share


def test_the_range_joins_the_prior_and_the_cohort_by_squares() -> None:
    """0.06 of the prior, and twice the root of 6.4 × 0.5 × 0.5 / 1,000, which is 0.08, make 0.1."""
    even = prior_given(Decimal("0.50"), Decimal("0.44"), Decimal("0.56"), "plan")
    joined = blend(cohort(3, 1_000, []), pattern_of(TOY), even, Decimal("6.4"))
    assert joined == (Fraction("0.5"), Fraction("0.4"), Fraction("0.6"))


def test_without_a_dispersion_the_range_is_all_that_is_possible() -> None:
    wide = blend(TOY.cohorts[2], pattern_of(TOY), PRIOR, None)
    assert wide == (Fraction("0.29"), Fraction("0.11"), Fraction(1))


def test_a_cohort_at_its_ultimate_takes_nothing_from_the_prior() -> None:
    assert blend(TOY.cohorts[0], pattern_of(TOY), PRIOR, Decimal(9)) == (Fraction(1, 4),) * 3


def test_the_prior_of_mature_cohorts_is_weighted_by_points_and_names_them() -> None:
    pattern = pattern_of(TOY)
    projections = [project(each, pattern) for each in (TOY.cohorts[0], cohort(1, 3_000, [120, 120]))]
    mature = [each for each in projections if each is not None]
    prior = prior_of_mature(mature)
    assert prior is not None
    assert prior.share.value == Fraction(250 + 300, 4_000)
    assert prior.share.low == min(each.share.low for each in mature)
    assert prior.share.high == max(each.share.high for each in mature)
    assert prior.source == "chain ladder of 2 mature cohorts, 2025-01 to 2025-02, by points issued"


def test_without_mature_cohorts_there_is_no_prior() -> None:
    assert prior_of_mature([]) is None


@pytest.mark.parametrize(
    ("value", "low", "high"), [("0.3", "0.4", "0.5"), ("0.3", "0.2", "0.25"), ("1.1", "1", "1.2")]
)
def test_a_prior_outside_its_range_is_refused(value: str, low: str, high: str) -> None:
    with pytest.raises(ValueError, match="prior"):
        prior_given(Decimal(value), Decimal(low), Decimal(high), "plan")
