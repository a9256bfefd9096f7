"""The estimators beside `chainladder` and `lifelines`, which nothing but these tests imports.

Both compute in floating point, so figures agree to about a billionth of their size.
"""

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from ledger.finance.breakage.aalen_johansen import curve_of
from ledger.finance.breakage.bornhuetter_ferguson import blend, prior_given
from ledger.finance.breakage.chain_ladder import pattern_of, project
from ledger.finance.breakage.triangles import Cohort, Triangle
from tests.finance.breakage.cohorts import TOY, cohort, month, month_end, square
from tests.finance.breakage.test_aalen_johansen import kaplan_meier

RELATIVE = 1e-9
SEEDS = range(4)


@contextmanager
def their_warnings() -> Iterator[None]:
    """What the libraries warn of on their own account is no failure of ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.fixture(scope="module")
def libraries() -> SimpleNamespace:
    with their_warnings():
        names = ("pandas", "chainladder", "lifelines")
        return SimpleNamespace(**{name: importlib.import_module(name) for name in names})


def their_triangle(libraries: Any, triangle: Triangle) -> Any:
    rows = [
        {"issued_in": each.month, "until": month(number + age), "redeemed": points}
        for number, each in enumerate(triangle.cohorts)
        for age, points in enumerate(each.cumulative)
    ]
    raw = libraries.chainladder.Triangle(
        libraries.pandas.DataFrame(rows),
        origin="issued_in",
        development="until",
        columns="redeemed",
        cumulative=True,
    )
    return libraries.chainladder.Development(sigma_interpolation="mack").fit_transform(raw)


@pytest.mark.parametrize("seed", SEEDS)
def test_chain_ladder_and_its_errors_are_those_of_chainladder(libraries: Any, seed: int) -> None:
    triangle = square(seed)
    with their_warnings():
        model = libraries.chainladder.MackChainladder().fit(their_triangle(libraries, triangle))
        factors = model.ldf_.values[0, 0, 0]
        ultimates = model.ultimate_.values[0, 0, :, -1]
        errors = model.mack_std_err_.values[0, 0, :, -1]
    pattern = pattern_of(triangle)
    ours = [project(each, pattern) for each in triangle.cohorts]
    ours_factors = [float(factor.value or 0) for factor in pattern.factors]
    assert ours_factors == pytest.approx(list(factors[: len(ours_factors)]), rel=RELATIVE)
    assert [float(each.ultimate) for each in ours if each] == pytest.approx(list(ultimates), rel=RELATIVE)
    ours_errors = [float(each.standard_error) for each in ours if each and each.standard_error is not None]
    assert ours_errors[0] == 0  # the oldest has no error; theirs is not a number
    assert ours_errors[1:] == pytest.approx(list(errors[1:]), rel=RELATIVE)


def test_the_toy_triangle_is_that_of_chainladder(libraries: Any) -> None:
    with their_warnings():
        model = libraries.chainladder.Chainladder().fit(their_triangle(libraries, TOY))
        assert list(model.ultimate_.values[0, 0, :, 0]) == pytest.approx([250, 300, 275], rel=RELATIVE)


@pytest.mark.parametrize("seed", SEEDS)
def test_bornhuetter_ferguson_is_that_of_chainladder(libraries: Any, seed: int) -> None:
    triangle = square(seed)
    prior = prior_given(Decimal("0.37"), Decimal("0.30"), Decimal("0.40"), "plan")
    with their_warnings():
        theirs = their_triangle(libraries, triangle)
        issued = theirs.latest_diagonal.copy()
        issued.values = issued.values * 0 + [[[[each.issued] for each in triangle.cohorts]]]
        model = libraries.chainladder.BornhuetterFerguson(apriori=0.37).fit(theirs, sample_weight=issued)
        ultimates = model.ultimate_.values[0, 0, :, -1]
    pattern = pattern_of(triangle)
    ours = [float(blend(each, pattern, prior, None).value * each.issued) for each in triangle.cohorts]
    assert ours == pytest.approx(list(ultimates), rel=RELATIVE)


def lives(triangle: Triangle) -> list[tuple[int, int, int]]:
    """Points by how long they lived (months), how they ended (1 redeemed, 2 expired, 0 open), and how many."""
    return [
        life
        for each in triangle.cohorts
        for life in (
            *((age + 1, 1, points) for age, points in enumerate(each.redeemed)),
            *((age + 1, 2, points) for age, points in enumerate(each.expired)),
            (each.months, 0, each.outstanding),
        )
        if life[2]
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_incidence_and_variance_are_those_of_lifelines(libraries: Any, seed: int) -> None:
    """Redemptions for six months and then expiry: lifelines knows no two kinds of event at one time."""
    triangle = square(seed, expire_at=6)
    lifetimes, ends, weights = zip(*lives(triangle), strict=True)
    curve = curve_of(triangle)
    for event, ours in (
        (1, [each.redeemed for each in curve.path]),
        (2, [each.expired for each in curve.path]),
    ):
        with their_warnings():
            fitted = libraries.lifelines.AalenJohansenFitter().fit(lifetimes, ends, event, weights=weights)
        theirs = fitted.cumulative_density_.iloc[:, 0]
        times = [int(time) for time in theirs.index if time > 0]
        assert [float(ours[time - 1]) for time in times] == pytest.approx(list(theirs)[1:], rel=RELATIVE)
        if event == 1:
            outlook = curve.outlook(-1)
            assert outlook.variance is not None and curve.dispersion is not None
            of_points = float(outlook.variance / curve.dispersion)
            # Theirs is not a number once nothing is left; ours stays what it was when the last was redeemed.
            assert of_points == pytest.approx(fitted.variance_.loc[6], rel=RELATIVE)


def with_ties(seed: int) -> Triangle:
    """Redemption and expiry in every month."""
    plain = square(seed)
    return Triangle.of(
        (
            Cohort(each.month, each.issued, each.redeemed, tuple(points // 3 for points in each.redeemed))
            for each in plain.cohorts
        ),
        plain.through,
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_what_stays_open_is_the_survival_of_lifelines(libraries: Any, seed: int) -> None:
    triangle = with_ties(seed)
    lifetimes, ends, weights = zip(*lives(triangle), strict=True)
    with their_warnings():
        fitted = libraries.lifelines.KaplanMeierFitter().fit(
            lifetimes, [end > 0 for end in ends], weights=weights
        )
    theirs = list(fitted.survival_function_.iloc[:, 0])[1:]
    assert [float(each.open) for each in curve_of(triangle).path] == pytest.approx(theirs, rel=RELATIVE)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_negative_control_is_kaplan_meier_and_overstates(libraries: Any, seed: int) -> None:
    triangle = with_ties(seed)
    lifetimes, ends, weights = zip(*lives(triangle), strict=True)
    # Expired in a month are at risk in it, as here: they leave after it.
    left = [time + Fraction(1, 2) if end == 2 else time for time, end in zip(lifetimes, ends, strict=True)]
    with their_warnings():
        fitted = libraries.lifelines.KaplanMeierFitter().fit(
            [float(time) for time in left], [end == 1 for end in ends], weights=weights
        )
    overstated = kaplan_meier(triangle)
    assert float(overstated) == pytest.approx(1 - fitted.survival_function_.iloc[-1, 0], rel=RELATIVE)
    assert overstated > curve_of(triangle).ultimate.redeemed


def test_all_points_followed_to_the_end_are_counted(libraries: Any) -> None:
    triangle = Triangle.of(
        (cohort(0, 1_000, [300, 200], [0, 500]), cohort(1, 1_000, [300], [700])), month_end(1)
    )
    share = Fraction(800, 2_000)
    assert curve_of(triangle).ultimate.redeemed == share
    lifetimes, ends, weights = zip(*lives(triangle), strict=True)
    with their_warnings():
        seeded = libraries.lifelines.AalenJohansenFitter(seed=1).fit(lifetimes, ends, 1, weights=weights)
    assert seeded.cumulative_density_.iloc[-1, 0] == pytest.approx(float(share), rel=RELATIVE)
