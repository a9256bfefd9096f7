"""The page on breakage: its worked example is what the estimators say, and its flags are theirs."""

import re
from decimal import Decimal
from fractions import Fraction
from typing import Final

import pytest

from ledger.finance.breakage import estimation
from ledger.finance.breakage.aalen_johansen import curve_of
from ledger.finance.breakage.bornhuetter_ferguson import prior_given
from ledger.finance.breakage.chain_ladder import pattern_of, project
from ledger.finance.breakage.estimation import Assumptions, Method, estimate
from ledger.finance.breakage.triangles import Triangle
from tests.docs.pages import text_of
from tests.finance.breakage.cohorts import TOY, cohort, month_end

PAGE: Final = text_of("docs/breakage.md")
PLAN: Final = prior_given(Decimal("0.30"), Decimal("0.25"), Decimal("0.40"), "the plan")


def cells(first: str) -> list[str]:
    """The cells of the one row of the page that begins so."""
    (row,) = re.findall(rf"(?m)^\| {re.escape(first)} \|(.*)\|$", PAGE)
    return [cell.strip() for cell in row.split("|")]


@pytest.mark.parametrize(("number", "name"), list(enumerate(["January (A)", "February (B)", "March (C)"])))
def test_the_triangle_is_the_one_that_the_estimators_are_tried_on(number: int, name: str) -> None:
    toy = TOY.cohorts[number]
    assert cells(name) == [f"{toy.issued:,}", *map(str, toy.cumulative), *[""] * (3 - toy.months)]


@pytest.mark.parametrize(("number", "name"), list(enumerate("ABC")))
def test_the_chain_ladder_comes_to_what_the_page_says(number: int, name: str) -> None:
    estimates = estimate(TOY, Method.CHAIN_LADDER)
    redeemed, _, ultimate, rate = cells(name)
    found = estimates[number]
    assert (redeemed, ultimate, rate) == (
        str(found.redeemed),
        str(found.expected_points),
        str(found.expected_redemption),
    )


def test_the_blend_and_the_incidence_of_the_youngest_are_those_of_the_page() -> None:
    youngest = estimate(TOY, assumptions=Assumptions(mature_after=2, prior=PLAN))[-1]
    assert youngest.method is Method.BORNHUETTER_FERGUSON
    assert f"0.11 + (1 − 0.4) × 0.30 = **{youngest.expected_redemption}**" in PAGE
    assert f"0.11 + 0.15875 =\n**{youngest.cross_check}**" in PAGE
    second = estimate(TOY, Method.AALEN_JOHANSEN)[1]
    assert f"0.24 + 0.76 × 0.0625 = {second.expected_redemption}" in PAGE


@pytest.mark.parametrize("age", range(3))
def test_the_curve_is_that_of_the_page(age: int) -> None:
    curve = curve_of(TOY)
    at_risk, redeemed, _, before, after = cells(str(age))
    assert at_risk.split(" = ")[-1] == f"{curve.months[age].at_risk:,}"
    assert redeemed.split(" = ")[-1] == str(curve.months[age].redeemed)
    assert Fraction(before) == (curve.path[age - 1].open if age else 1)
    assert Fraction(after) == curve.path[age].redeemed


def test_the_error_by_hand_is_the_error() -> None:
    triangle = Triangle.of(
        (cohort(0, 1_000, [10, 30]), cohort(1, 1_000, [30, 50]), cohort(2, 1_000, [20])), month_end(2)
    )
    projection = project(triangle.cohorts[2], pattern_of(triangle))
    assert projection is not None and projection.standard_error is not None
    assert round(projection.standard_error, 9) == 20
    third = estimate(triangle, Method.CHAIN_LADDER)[2]
    assert f"between {third.low} (what is redeemed) and {third.high}" in PAGE


def test_what_is_said_of_a_range_that_nothing_tells_is_so() -> None:
    second = estimate(TOY, Method.CHAIN_LADDER)[1]
    assert second.flags == (estimation.UNKNOWN_RANGE,)
    assert f"B's rate is {second.expected_redemption}" in PAGE


def test_every_flag_and_every_method_stands_on_the_page() -> None:
    flags = {value for name, value in vars(estimation).items() if name.isupper() and isinstance(value, str)}
    assert len(flags) == 5
    assert not [flag for flag in flags if f"| `{flag}` |" not in PAGE]
    by_itself = {Method.OBSERVED, Method.BORNHUETTER_FERGUSON, Method.CHAIN_LADDER}
    assert not [method for method in by_itself if f"`{method.value}`" not in PAGE]
    assert f"fewer than {Assumptions().mature_after} whole months" in PAGE
