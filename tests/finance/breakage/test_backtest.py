"""Backtests: what earlier estimates were worth, and which are refuted before their cohort has ended."""

from datetime import date
from decimal import Decimal

from ledger.finance.breakage.backtest import Backtest, Earlier, backtest, hindsight
from ledger.finance.breakage.estimation import Assumptions, Method
from ledger.finance.breakage.triangles import Triangle
from tests.finance.breakage.cohorts import TOY, cohort, month, month_end, square

MADE = month_end(0)
ENDED = Triangle.of(
    (
        cohort(0, 1_000, [100, 150], [0, 750]),
        cohort(1, 3_000, [900], [2_100]),
        cohort(2, 1_000, [300], [200]),
    ),
    month_end(2),
)
"""Two cohorts that have ended, at a quarter and at three tenths, and one that has redeemed 300 and may still 500."""


def earlier(number: int, expected: str) -> Earlier:
    return Earlier(month(number), MADE, Decimal(expected))


def judged(*expected: str) -> Backtest:
    return backtest([earlier(number, each) for number, each in enumerate(expected)], ENDED)


def test_a_perfect_estimate_is_1() -> None:
    perfect = judged("0.25", "0.30")
    assert [outcome.ratio for outcome in perfect.outcomes] == [1, 1]
    assert (perfect.ratio, perfect.bias) == (Decimal(1), Decimal(0))


def test_ratio_and_bias_by_hand() -> None:
    """Expected 200 and 1,200, came 250 and 900: 1,150 to 1,400, and 250 of 4,000 issued too many."""
    found = judged("0.20", "0.40")
    assert [str(outcome.ratio) for outcome in found.outcomes] == ["1.250000", "0.750000"]
    assert [str(outcome.error) for outcome in found.outcomes] == ["-0.050000", "0.100000"]
    assert (str(found.ratio), str(found.bias)) == ("0.821429", "0.062500")
    assert found.worst is found.outcomes[1]


def test_a_cohort_that_is_still_open_is_in_no_total() -> None:
    found = judged("0.20", "0.40", "0.50")
    still_open = found.outcomes[2]
    assert not still_open.is_final
    assert (str(found.ratio), str(found.bias)) == ("0.821429", "0.062500")


def test_an_estimate_that_has_failed_whatever_comes_is_told() -> None:
    possible = [
        judged("0.25", "0.30", each).outcomes[2].is_possible
        for each in ("0.299999", "0.3", "0.8", "0.800001")
    ]
    assert possible == [False, True, True, False]


def test_past_the_last_age_of_redemption_a_cohort_is_final_with_its_balance() -> None:
    given = [earlier(number, "0.25") for number in range(3)]
    found = backtest(given, TOY, last_redemption_age=2)
    assert [outcome.is_final for outcome in found.outcomes] == [True, False, False]
    assert found.ratio == 1
    running = Triangle.of(TOY.cohorts, date(2025, 3, 30))
    assert not any(outcome.is_final for outcome in backtest(given, running, last_redemption_age=2).outcomes)


def test_nothing_expected_and_nothing_redeemed_is_perfect_and_something_has_no_ratio() -> None:
    nothing = Triangle.of([cohort(0, 100, [0], [100])], MADE)
    assert backtest([earlier(0, "0")], nothing).ratio == 1
    something = Triangle.of([cohort(0, 100, [1], [99])], MADE)
    assert backtest([earlier(0, "0")], something).ratio is None


def test_without_a_final_cohort_there_is_no_total() -> None:
    assert backtest([earlier(2, "0.5")], ENDED)[1:] == (None, None, None, ())


def test_estimates_without_a_cohort_are_kept_apart() -> None:
    stray = earlier(9, "0.5")
    found = backtest([stray, earlier(0, "0.25")], ENDED)
    assert found.unmatched == (stray,)
    assert len(found.outcomes) == 1


def test_hindsight_is_what_the_method_would_have_said_then() -> None:
    said = hindsight(TOY, [month_end(1)], Method.CHAIN_LADDER, Assumptions(mature_after=1))
    assert said == [
        Earlier(month(0), month_end(1), Decimal("0.200000")),
        Earlier(month(1), month_end(1), Decimal("0.240000")),
    ]


def test_hindsight_comes_nearer_to_what_came_as_cohorts_grow_older() -> None:
    """The oldest of twelve cohorts has none to learn from: it expects what it has redeemed, and ends there."""
    triangle = square(11, months=12, expire_at=11)
    said = hindsight(triangle, [month_end(number) for number in range(12)], Method.CHAIN_LADDER)
    of_oldest = [each for each in said if each.cohort == month(0)]
    errors = [abs(outcome.error) for outcome in backtest(of_oldest, triangle).outcomes]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == 0 < errors[0]
