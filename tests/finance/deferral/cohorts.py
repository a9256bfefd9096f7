"""Plain ways to make policies, estimates, steps and cohorts for the pure book. Money in fen, months by number."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ledger.finance.deferral.book import AWARD, SALE, CohortKey, Facts, Measured, Rows, Step, measure
from ledger.finance.deferral.policy import Estimate, Policy

MINOR = 100
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BEGINNING = date(1970, 1, 1)


def month(number: int) -> date:
    """The month that many after January 2026, which is month 1."""
    return date(2026 + (number - 1) // 12, (number - 1) % 12 + 1, 1)


def policy(method: str = "deferral_relative_ssp", version: int = 1, **changes: Any) -> Policy:
    """A policy from the beginning of time, unless told otherwise."""
    return Policy(version, BEGINNING, method, None, None, None, None, Decimal(0), NOW, "", "a", "b")._replace(  # type: ignore[arg-type]
        **changes
    )


def estimate(share: str | Decimal, applies: int = 1, version: int = 1, cohort: int | None = 1) -> Estimate:
    """An estimate for the cohort of a month, from a month on; for every cohort, if it names none."""
    of = cohort and month(cohort)
    return Estimate(
        version, b"", of or None, month(applies), Decimal(share), "judgement", {}, NOW, "", "a", "b"
    )


def sale(number: int = 1) -> CohortKey:
    return CohortKey(month(number), SALE)


def award(number: int = 1) -> CohortKey:
    return CohortKey(month(number), AWARD)


def issue(points: int, price: int = 0, allocated: int = 0) -> Facts:
    return Facts(price=price, allocated=allocated, issued=points, left=points)


def redeem(points: int) -> Facts:
    return Facts(redeemed=points, left=-points)


def lapse(points: int) -> Facts:
    return Facts(left=-points)


def give_back(points: int, reversed_: int, price_changed: int = 0) -> Facts:
    return Facts(clawed=points, left=-points, reversed=reversed_, price_changed=price_changed)


def step(number: int, facts: Facts | None = None, key: CohortKey | None = None, bid: str = "1") -> Step:
    """What happened to one cohort in a month, at a bid in fen."""
    return Step(month(number), Fraction(bid), {key or sale(): facts} if facts else {})


def through(
    steps: Sequence[Step], estimates: Sequence[Estimate] = (), policies: Sequence[Policy] | None = None
) -> Measured:
    """The one cohort after its steps; months that they leave out are put between them."""
    (measured,) = measure(filled(steps), policies or [policy()], estimates, MINOR)
    return measured


def filled(steps: Sequence[Step]) -> list[Step]:
    """The steps with the months between them, in which nothing happened."""
    found = [steps[0]]
    for each in steps[1:]:
        last = found[-1]
        number = (last.month.year - 2026) * 12 + last.month.month
        while month(number + 1) < each.month:
            number += 1
            found.append(Step(month(number), last.bid, {}))
        found.append(each)
    return found


def rows_of(**amounts: int) -> Rows:
    return Rows(**amounts)
