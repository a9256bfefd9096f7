"""Bornhuetter–Ferguson: for young cohorts, what they have redeemed themselves and for the rest a prior.

A cohort of one or two months has redeemed so little that the chain ladder would multiply chance. Here only what is
already redeemed is its own; the share of redemption that lies still ahead, by the pattern of older cohorts, comes at
the prior rate (R. L. Bornhuetter and R. E. Ferguson, "The actuary and IBNR", 1972). The range joins what the ends of
the prior's own range make of it with what the cohort's open points may differ from any prior, as independent errors
are joined: by their squares. The error of the pattern is not in it.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from ledger.finance.breakage.aalen_johansen import own_variance
from ledger.finance.breakage.chain_ladder import Pattern, Projection
from ledger.finance.breakage.shares import Range, reach
from ledger.finance.breakage.triangles import Cohort


class Prior(NamedTuple):
    """The ultimate redemption rate that a cohort is expected to have before it has shown anything."""

    share: Range
    source: str
    """Where it comes from, in words: it stands in every estimate that uses it."""


def prior_of_mature(projections: Sequence[Projection]) -> Prior | None:
    """The chain ladder's rate of mature cohorts, weighted by what was issued; None where none is mature.

    Its range goes from the lowest end to the highest of theirs: a young cohort may turn out as any of them.
    """
    if not projections:
        return None
    issued = sum(each.cohort.issued for each in projections)
    value = sum((each.share.value * each.cohort.issued for each in projections), Fraction(0)) / issued
    low, high = min(each.share.low for each in projections), max(each.share.high for each in projections)
    first, last = projections[0].cohort.month, projections[-1].cohort.month
    source = (
        f"chain ladder of {len(projections)} mature cohorts, {first:%Y-%m} to {last:%Y-%m}, by points issued"
    )
    return Prior(Range(value, low, high), source)


def prior_given(value: Decimal, low: Decimal, high: Decimal, source: str) -> Prior:
    """A prior that finance decides, with its range. ValueError unless ``0 <= low <= value <= high <= 1``."""
    if not 0 <= low <= value <= high <= 1:
        raise ValueError("a prior lies between its low and its high end, and all within 0 and 1")
    return Prior(Range(Fraction(value), Fraction(low), Fraction(high)), source)


def blend(
    cohort: Cohort, pattern: Pattern, prior: Prior, dispersion: Decimal | None, known: Cohort | None = None
) -> Range:
    """The cohort's ultimate as a share of what was issued: redeemed, and the prior for what lies ahead.

    ``dispersion`` is that of Aalen–Johansen's curve; without one, the range is all that is possible. ``known`` is the
    same cohort with the running month in it, which bounds the estimate but does not enter it.
    """
    own, ahead = Fraction(cohort.redeemed_points, cohort.issued), 1 - pattern.developed(cohort.age)
    value, low, high = (own + ahead * end for end in prior.share)
    bounds = (known or cohort).bounds
    if dispersion is None:
        return bounds.unknown(value)
    variance = _own_variance(cohort, value - own, dispersion)
    return bounds.around(value, value - reach(value - low, variance), value + reach(high - value, variance))


def _own_variance(cohort: Cohort, expected: Fraction, dispersion: Decimal) -> Decimal:
    """Of what the open points will redeem, of which a share of ``expected`` of all that was issued is expected."""
    open_share = Fraction(max(cohort.outstanding, 0), cohort.issued)
    if not open_share:
        return Decimal(0)
    return own_variance(cohort.issued, open_share, expected / open_share, dispersion)
