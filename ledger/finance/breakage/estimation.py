"""Estimates of the ultimate redemption rate, one for each cohort: which method, what it says, and why that one.

The ultimate redemption rate is the share of a cohort's points that will have been redeemed in the end; breakage is the
rest. By default young cohorts are estimated by Bornhuetter–Ferguson and others by the chain ladder, with Aalen–Johansen
beside both as a cross-check. A cohort of which nothing can be redeemed any more has no estimate but what was observed.
No estimate is below what is redeemed or above what has not yet expired.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Final, NamedTuple

from ledger.finance.breakage.aalen_johansen import Curve, curve_of, expect
from ledger.finance.breakage.bornhuetter_ferguson import Prior, blend, prior_of_mature
from ledger.finance.breakage.chain_ladder import Pattern, pattern_of, project
from ledger.finance.breakage.shares import Range, above, below, nearest
from ledger.finance.breakage.triangles import Cohort, Triangle


class Method(Enum):
    """How an estimate is made. ``OBSERVED`` cannot be asked for: it is what is left when nothing is open any more."""

    CHAIN_LADDER = "chain_ladder"
    BORNHUETTER_FERGUSON = "bornhuetter_ferguson"
    AALEN_JOHANSEN = "aalen_johansen"
    OBSERVED = "observed"


BOUNDED: Final = "bounded"
"""The method led beyond what is possible; the bound stands."""

UNKNOWN_RANGE: Final = "unknown_range"
"""The range is all that is possible: too few cohorts tell an error, or they tell one as large as that."""

STUCK: Final = "stuck"
"""Older than any age of redemption, and still holding a balance: it would keep revenue deferred for ever."""

RUNNING_MONTH: Final = "running_month"
"""The present month is not over: it bounds the estimate and does not enter it."""

BEYOND_EXPERIENCE: Final = "beyond_experience"
"""The contract lets points live longer than any cohort here has lived: what comes then is the tail's alone."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What finance decides before anything is estimated."""

    mature_after: int = 12
    """Whole months, that of issue among them, from which on a cohort is estimated by its own redemptions."""
    last_redemption_age: int | None = None
    """The age in months after which the contract lets nothing be redeemed; None where points do not expire."""
    tail: Decimal = Decimal(1)
    """How redemptions grow after the last age of the triangle. Where a cohort has seen the last age by contract, it is
    1 whatever stands here."""
    prior: Prior | None = None
    """For young cohorts, in place of what mature ones show."""


class CohortEstimate(NamedTuple):
    """One cohort's estimate. Shares are of points issued net of claw-backs, in six places; points are whole."""

    cohort: date
    method: Method
    expected_redemption: Decimal
    low: Decimal
    high: Decimal
    expected_points: int
    """Ever to be redeemed, from the exact share, half to even; never fewer than are redeemed."""
    issued: int
    redeemed: int
    expired: int
    through: date
    """The data cut-off: the last day whose movements are counted."""
    why: str
    cross_check: Decimal | None
    """What Aalen–Johansen says beside it."""
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Basis:
    """Everything that the estimates of one triangle share."""

    triangle: Triangle
    whole: Triangle
    assumptions: Assumptions
    pattern: Pattern
    curve: Curve
    prior: Prior | None
    last_seen_redemption: int
    """The last age at which any cohort has redeemed."""


class _Answer(NamedTuple):
    method: Method
    share: Range
    why: str


@dataclass(frozen=True, slots=True)
class _Case:
    """One cohort before it is estimated: with all that is known, and with whole months alone."""

    known: Cohort
    whole: Cohort
    basis: Basis


DEFAULT_ASSUMPTIONS: Final = Assumptions()


def estimate(
    triangle: Triangle, method: Method | None = None, assumptions: Assumptions = DEFAULT_ASSUMPTIONS
) -> list[CohortEstimate]:
    """Every cohort that issued anything, oldest first, by the method asked for or by the default rule.

    A method that cannot tell gives way to the next that can, and the estimate says so. Empty where no month is over
    and no prior is given. ValueError for ``OBSERVED`` and for a tail below 1.
    """
    if method is Method.OBSERVED:
        raise ValueError("observed is not a method of estimating")
    basis = basis_of(triangle, assumptions)
    cases = (
        _Case(known, whole, basis)
        for known, whole in zip(triangle.cohorts, basis.whole.cohorts, strict=True)
        if known.issued > 0
    )
    answers = ((case, _answer(case, method)) for case in cases)
    return [_shown(case, answer) for case, answer in answers if answer is not None]


def basis_of(triangle: Triangle, assumptions: Assumptions) -> Basis:
    """Pattern, curve and prior of the cohorts that issued anything."""
    whole = triangle.whole_months()
    issuing = Triangle(tuple(each for each in whole.cohorts if each.issued > 0), whole.through)
    by_contract = assumptions.last_redemption_age
    has_seen_all = by_contract is not None and issuing.ages > by_contract
    pattern = pattern_of(issuing, Decimal(1) if has_seen_all else assumptions.tail)
    mature = [project(each, pattern) for each in issuing.cohorts if each.months >= assumptions.mature_after]
    return Basis(
        triangle,
        whole,
        assumptions,
        pattern,
        curve_of(issuing, by_contract),
        assumptions.prior or prior_of_mature([each for each in mature if each is not None]),
        max(
            (age for each in issuing.cohorts for age, points in enumerate(each.redeemed) if points),
            default=-1,
        ),
    )


def _answer(case: _Case, method: Method | None) -> _Answer | None:
    """The first that can tell, beginning with what was asked for or what the age of the cohort suggests."""
    if reason := _why_nothing_is_left(case):
        low = case.known.bounds.low
        return _Answer(Method.OBSERVED, Range(low, low, low), reason)
    wanted, why = (method, "as asked for") if method else _by_age(case)
    order = [wanted, *(each for each in _ESTIMATORS if each is not wanted)]
    for tried in order:
        share = _ESTIMATORS[tried](case)
        if share is not None:
            text = why if tried is wanted else f"{wanted.value} cannot tell here"
            return _Answer(tried, share, text + _source(case, tried))
    return None


def _why_nothing_is_left(case: _Case) -> str:
    last_age = case.basis.assumptions.last_redemption_age
    if case.known.outstanding <= 0:
        return "nothing is outstanding"
    if last_age is not None and case.whole.age >= last_age:
        return f"by contract nothing is redeemed after age {last_age}"
    return ""


def _by_age(case: _Case) -> tuple[Method, str]:
    months, mature_after = case.whole.months, case.basis.assumptions.mature_after
    if months < mature_after:
        return Method.BORNHUETTER_FERGUSON, f"young: {months} of {mature_after} months observed"
    return Method.CHAIN_LADDER, f"mature: {months} months observed"


def _source(case: _Case, method: Method) -> str:
    is_blended = method is Method.BORNHUETTER_FERGUSON and case.basis.prior is not None
    return f"; prior: {case.basis.prior.source}" if is_blended and case.basis.prior else ""


def _by_chain_ladder(case: _Case) -> Range | None:
    projection = project(case.whole, case.basis.pattern, case.known)
    return None if projection is None else projection.share


def _by_blending(case: _Case) -> Range | None:
    basis, prior = case.basis, case.basis.prior
    return (
        None if prior is None else blend(case.whole, basis.pattern, prior, basis.curve.dispersion, case.known)
    )


def _by_incidence(case: _Case) -> Range | None:
    return expect(case.whole, case.basis.curve, case.known) if case.basis.curve.months else None


_ESTIMATORS: Final = {
    Method.CHAIN_LADDER: _by_chain_ladder,
    Method.BORNHUETTER_FERGUSON: _by_blending,
    Method.AALEN_JOHANSEN: _by_incidence,
}
"""In the order in which one gives way to the next."""


def _shown(case: _Case, answer: _Answer) -> CohortEstimate:
    known, share = case.known, answer.share
    check = _by_incidence(case)
    return CohortEstimate(
        known.month,
        answer.method,
        nearest(share.value),
        below(share.low),
        above(share.high),
        max(known.redeemed_points, round(share.value * known.issued)),
        known.issued,
        known.redeemed_points,
        known.expired_points,
        case.basis.triangle.through,
        answer.why,
        None if check is None else nearest(check.value),
        tuple(flag for flag, is_raised in _flags(case, answer) if is_raised),
    )


def _flags(case: _Case, answer: _Answer) -> Sequence[tuple[str, bool]]:
    basis, known = case.basis, case.known
    by_contract = basis.assumptions.last_redemption_age
    last_age = basis.last_seen_redemption if by_contract is None else by_contract
    is_estimated = answer.method is not Method.OBSERVED
    projection = project(case.whole, basis.pattern, known) if answer.method is Method.CHAIN_LADDER else None
    return (
        (BOUNDED, projection is not None and projection.is_bounded),
        (UNKNOWN_RANGE, is_estimated and (answer.share.low, answer.share.high) == tuple(known.bounds)),
        (STUCK, known.outstanding > 0 and case.whole.age > last_age),
        (RUNNING_MONTH, basis.triangle.is_running),
        (BEYOND_EXPERIENCE, is_estimated and by_contract is not None and basis.whole.ages <= by_contract),
    )
