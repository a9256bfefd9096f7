"""The book by itself: the published arithmetic, its wrong relatives, and every row of every kind of measurement."""

from decimal import Decimal
from fractions import Fraction

import pytest

from ledger.finance.deferral.book import Facts, Measured, Rows, Step, measure
from ledger.finance.deferral.policy import Estimate
from ledger.finance.deferral.report import Line, lines_of
from tests.finance.deferral.cohorts import (
    award,
    estimate,
    give_back,
    issue,
    lapse,
    month,
    policy,
    redeem,
    rows_of,
    sale,
    step,
    through,
)

IFRS = [
    step(1, issue(10_000, 10_000_000, 867_580)),
    step(11, redeem(4_500)),
    step(23, redeem(4_000)),
    step(24),
]
IFRS_ESTIMATES = [estimate("0.95"), estimate("0.97", 24, 2)]


def after(number: int, steps: list[Step], estimates: list[Estimate]) -> Measured:
    return through([each for each in steps if each.month <= month(number)] + [step(number)], estimates)


def released(rows: Rows) -> int:
    return rows.released_on_redemption + rows.released_on_expiry - rows.estimate_trueup


def test_the_example_of_ifrs_15_to_the_fen() -> None:
    first, second = after(12, IFRS, IFRS_ESTIMATES), through(IFRS, IFRS_ESTIMATES)
    assert first.rows == rows_of(deferred=867_580, released_on_redemption=410_959)
    # 867,580 x 8,500/9,500 = 776,256 at the estimate then in force; x 8,500/9,700 = 760,251 once it is trued up.
    assert second.rows == rows_of(deferred=867_580, released_on_redemption=776_256, estimate_trueup=16_005)
    assert released(second.rows) - released(first.rows) == 349_292
    assert (first.rows.liability, second.rows.liability) == (456_621, 107_329)
    assert second.points_expected == 9_700
    assert second.points_to_come == 1_200


def test_the_wrong_relatives_of_the_example_never_come_out() -> None:
    """3,512 is a new rate for what is left, 3,904 divides by what was issued."""
    first, second = after(12, IFRS, IFRS_ESTIMATES).rows, through(IFRS, IFRS_ESTIMATES).rows
    prospective = round(Fraction(first.liability * 4_000, 5_200))
    by_issued = round(Fraction(867_580 * 4_500, 10_000))
    assert (prospective, by_issued) == (351_247, 390_411)
    seen = {released(first), released(second) - released(first), first.released_on_redemption}
    seen |= {second.released_on_redemption - first.released_on_redemption}
    assert not seen & {prospective, by_issued}
    assert all(abs(each - wrong) > 100 for each in seen for wrong in (351_247, 390_411))


def test_more_expected_redemption_leaves_more_to_release() -> None:
    book = through(IFRS, IFRS_ESTIMATES)
    shares = {"0.96": 99_410, "0.97": 107_329, "0.98": 115_087}
    assert {share: book.liability_if(Fraction(share)) for share in shares} == shares
    # The slope of the formula, L x R / N^2, for one per cent of the points: between the differences to either side.
    slope = Fraction(867_580 * 8_500 * 100, 9_700**2)
    assert 115_087 - 107_329 < slope < 107_329 - 99_410


def test_an_estimate_that_falls_releases_at_once() -> None:
    steps = [
        step(1, issue(10_000, 10_000_000, 900_000)),
        step(11, redeem(4_500)),
        step(23, redeem(4_000)),
        step(24),
    ]
    book = through(steps, [estimate("0.97"), estimate("0.92", 24, 2)])
    assert book.rows.liability == 68_478
    assert book.rows.estimate_trueup < 0


def test_estimates_that_rise_and_fall_and_return_leave_no_trace() -> None:
    steps = [step(1, issue(1_000, 100_000, 9_001)), step(2, redeem(333)), step(9)]
    moved = [estimate("0.5"), estimate("0.9", 3, 2), estimate("0.4", 5, 3), estimate("0.5", 8, 4)]
    assert through(steps, moved).rows == through(steps, [estimate("0.5")]).rows


def test_beyond_the_estimate_everything_is_released_and_no_more() -> None:
    steps = [step(1, issue(100, 10_000, 999)), step(2, redeem(60)), step(3, redeem(10))]
    book = through(steps, [estimate("0.5")])
    assert book.rows == rows_of(deferred=999, released_on_redemption=999)
    assert book.rows.liability == book.points_to_come == 0
    # A better estimate takes back what was released too early, and defers it again.
    again = through([*steps, step(4)], [estimate("0.5"), estimate("0.8", 4, 2)])
    assert again.rows.estimate_trueup == again.rows.liability == 999 - round(Fraction(999 * 70, 80))


def test_expiry_releases_the_rest_only_once_no_point_is_left() -> None:
    steps = [step(1, issue(100, 10_000, 1_000)), step(2, redeem(40)), step(3, lapse(30))]
    assert through(steps, [estimate("0.8")]).rows == rows_of(deferred=1_000, released_on_redemption=500)
    ended = through([*steps, step(4, lapse(30))], [estimate("0.8")])
    assert ended.rows == rows_of(deferred=1_000, released_on_redemption=500, released_on_expiry=500)
    assert ended.rows.liability == ended.points_to_come == ended.liability_if(Fraction(1)) == 0


def test_points_that_come_back_after_the_end_take_their_release_back() -> None:
    steps = [step(1, issue(100, 10_000, 1_000)), step(2, redeem(50)), step(3, lapse(50))]
    back = Facts(redeemed=-10, left=10)
    book = through([*steps, step(4, back)], [estimate("1")])
    assert book.rows == rows_of(deferred=1_000, released_on_redemption=400, released_on_expiry=0)
    assert book.rows.liability == 600
    gone = through([*steps, step(4, back), step(5, lapse(10))], [estimate("1")])
    assert gone.rows == rows_of(deferred=1_000, released_on_redemption=400, released_on_expiry=600)


def test_a_return_takes_its_part_of_the_allocation_and_of_the_points() -> None:
    steps = [step(1, issue(100, 10_000, 1_000)), step(2, redeem(40)), step(3, give_back(50, 500))]
    book = through(steps, [estimate("0.9")])
    # 1,000 x 40/90 = 444; then 500 x 40/45 = 444: what was released stays, and half of the rest goes back.
    assert book.rows == rows_of(deferred=1_000, released_on_redemption=444, issue_reversals=500)
    assert (book.facts.allocation, book.rows.liability) == (500, 56)


def test_a_change_of_the_price_is_a_row_of_its_own() -> None:
    steps = [step(1, issue(100, 10_000, 1_000)), step(2, give_back(20, 200, 100))]
    rows = through(steps, [estimate("0.9")]).rows
    assert rows == rows_of(deferred=1_000, issue_reversals=200, transaction_price_changes=-100)
    assert rows.liability == 700


def test_what_has_gone_back_whole_leaves_nothing() -> None:
    steps = [
        step(1, issue(100, 10_000, 1_000)),
        step(2, redeem(100)),
        step(3, Facts(clawed=100, reversed=1_000)),
    ]
    book = through(steps, [estimate("0.9")])
    assert book.rows == rows_of(deferred=1_000, released_on_redemption=0, issue_reversals=1_000)
    assert book.rows.liability == 0


def test_a_late_purchase_joins_its_cohort() -> None:
    steps = [step(1, issue(100, 10_000, 1_000)), step(2, redeem(50)), step(3, issue(100, 10_000, 1_000))]
    book = through(steps, [estimate("1")])
    # 2,000 x 50/200: the cohort is one pool, so that half of what had been released comes back.
    assert book.rows == rows_of(deferred=2_000, released_on_redemption=500)


def test_a_month_releases_at_the_estimate_before_it() -> None:
    estimates = [estimate("0.5"), estimate("0.8", 2, 2)]
    steps = [step(1, issue(100, 10_000, 1_000)), step(2, redeem(40))]
    assert through(steps, estimates).rows == rows_of(
        deferred=1_000, released_on_redemption=800, estimate_trueup=300
    )


def test_no_deferral_moves_with_the_rate() -> None:
    def at(bids: tuple[str, ...]) -> Rows:
        facts = (issue(100, 10_000, 1_000), redeem(30), None, redeem(20), lapse(5))
        steps = [step(n, each, bid=bid) for n, (each, bid) in enumerate(zip(facts, bids, strict=True), 1)]
        return through(steps, [estimate("0.7")]).rows

    assert at(("1", "1", "1", "1", "1")) == at(("1", "9", "0.1", "7", "0.003"))


PROVISION = [policy("cost_provision")]


def test_a_provision_is_remeasured_with_the_rate() -> None:
    steps = [step(1, issue(1_000)), step(2, redeem(100)), step(3, bid="1.2"), step(3, redeem(50), bid="0.9")]
    book = through(steps, [estimate("0.9")], PROVISION)
    # 900 x 1; 100 x 1 used; 800 x (1.2 - 1), then 800 x (0.9 - 1.2); 50 x 0.9 used.
    assert book.rows == rows_of(deferred=900, released_on_redemption=145, revalued=160 - 240)
    assert book.rows.liability == round(750 * Fraction("0.9")) == book.liability_if(Fraction("0.9"))


def test_a_provision_with_a_cost_of_its_own_moves_with_no_rate() -> None:
    fixed = [policy("cost_provision", unit_cost=Decimal("0.006"))]
    steps = [step(1, issue(1_000)), step(2, bid="7"), step(3, redeem(100), bid="0.2")]
    assert through(steps, [estimate("0.5")], fixed).rows == rows_of(deferred=300, released_on_redemption=60)


def test_a_provision_has_a_row_for_every_cause() -> None:
    steps = [
        step(1, issue(1_000)),
        step(2, Facts(clawed=200, left=-200)),
        step(3, redeem(300)),
        step(4, bid="2"),
        step(5, lapse(100), bid="2"),
        step(6, lapse(400), bid="2"),
    ]
    book = through(steps, [estimate("0.5"), estimate("0.75", 5, 2)], PROVISION)
    assert book.rows == rows_of(
        deferred=500,
        issue_reversals=100,
        released_on_redemption=300,
        revalued=100,
        estimate_trueup=400,
        released_on_expiry=600,
    )
    assert book.rows.liability == 0


def test_points_that_nobody_bought_are_provided_for_whatever_the_policy() -> None:
    steps = [step(1, issue(1_000), award())]
    for method in ("deferral_relative_ssp", "deferral_residual_fv", "cost_provision"):
        book = through(steps, [estimate("0.5")], [policy(method)])
        assert (book.kind, book.rows) == ("provision", rows_of(deferred=500))


def test_an_agent_owes_the_partner_and_keeps_a_fee() -> None:
    agent = [policy("agent_net", settlement_price=Decimal("0.008"))]
    steps = [step(1, issue(1_000, 100_000, 990)), step(2, redeem(700)), step(3, give_back(250, 240, 10))]
    book = through(steps, [estimate("0.9")], agent)
    assert book.rows == rows_of(passed_on=600, agent_fees=140)
    assert (book.rows.liability, book.liability_if(Fraction(1))) == (0, 0)


def test_cohorts_are_measured_each_by_its_own_policy_and_estimate() -> None:
    policies = [policy(), policy("cost_provision", 2, applies_from=month(2))]
    facts = {sale(1): issue(100, 10_000, 1_000), sale(2): issue(100, 10_000, 0), award(2): issue(10)}
    book = measure([Step(month(2), Fraction(1), facts)], policies, [estimate("0.5", 1, 1, cohort=2)], 100)
    assert [(each.key, each.policy.version, each.kind, each.rows.deferred) for each in book] == [
        (sale(1), 1, "deferral", 1_000),
        (award(2), 2, "provision", 5),
        (sale(2), 2, "provision", 50),
    ]


def test_rounding_never_adds_up() -> None:
    steps = [step(1, issue(1_000, 10_000, 100))] + [step(n, redeem(1)) for n in range(2, 302)]
    book = through(steps, [estimate("0.3")])
    assert book.rows.released_on_redemption == 100


@pytest.mark.parametrize(
    ("amount", "line"),
    [
        (5, Line("estimate_trueup", "deferral", "sales", "contract_liability", 5)),
        (-5, Line("estimate_trueup", "deferral", "contract_liability", "sales", 5)),
    ],
)
def test_a_movement_the_other_way_swaps_the_accounts(amount: int, line: Line) -> None:
    assert lines_of([("deferral", rows_of(estimate_trueup=amount))]) == [line]


def test_lines_of_a_kind_are_put_together_and_nothing_is_no_line() -> None:
    moved = [("deferral", rows_of(deferred=5)), ("deferral", rows_of(deferred=-5)), ("provision", Rows())]
    assert lines_of(moved) == []
