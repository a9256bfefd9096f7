"""Redemption rates by every definition, in a story that can be checked by hand; and laws of them."""

from datetime import datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from ledger.accounts.chart import Account
from ledger.errors import InvalidRequest
from ledger.finance.metrics.definitions import (
    BASES,
    DEFINITIONS,
    GROSS,
    NET,
    Ratio,
    cohort_ratio,
    show_share,
)
from tests.finance.histories import MEMBERS, live_through
from tests.finance.reporting import bytes_of, report_of, table_of, total_up
from tests.till import START, Till, day

FEBRUARY = datetime.fromisoformat("2026-02-01T00:00:00+08:00")
BEFORE_FEBRUARY = FEBRUARY - timedelta(microseconds=1)


def rate(till: Till, definition: str = "period", **asked: Any) -> dict[str, Any]:
    return report_of(till, "redemption-rate", definition=definition, **asked)


def told(report: dict[str, Any]) -> tuple[int, int, str | None]:
    return report["numerator"], report["denominator"], report["rate"]


@pytest.fixture
def lived(till: Till) -> Till:
    """January: 1,000 issued to m-1 and 500 to m-2; 100 go back; 420 redeemed, 60 refunded; 50 of m-3 expire.

    February: 200 issued; of January's points another 140 are redeemed.
    """
    bought = till.buy("m-1", 50_000, 50_000)
    till.buy("m-2", 50_000)
    till.award("m-3", 50, expires_at=day(20))
    till.at(day(2)).give_back(bought, 1, 10_000)
    redeemed = till.at(day(5)).redeem("m-1", 420)
    till.at(day(6)).refund(redeemed, 60)
    till.at(day(25)).sweep()
    till.at(FEBRUARY + timedelta(days=3)).buy("m-1", 20_000)
    till.redeem("m-2", 140)
    return till


def test_period_divides_what_was_redeemed_by_what_was_issued(lived: Till) -> None:
    january: dict[str, Any] = {"end": BEFORE_FEBRUARY}
    # 420 - 60 of 1,550 - 100; and with nothing taken away.
    assert told(rate(lived, **january)) == (360, 1_450, "0.2483")
    assert told(rate(lived, **january, basis=GROSS)) == (420, 1_550, "0.2710")
    assert told(rate(lived, start=BEFORE_FEBRUARY)) == (140, 200, "0.7000")
    report = rate(lived, start=START - timedelta(days=1), **january)
    assert report["window"] == {"from": "2025-12-31T00:00:00.000000Z", "to": "2026-01-31T15:59:59.999999Z"}
    assert (report["band"], report["in_band"]) == ({"low": "0.28", "high": "0.32"}, False)
    assert report["label"]["en"] == (
        "Period redemption rate: points redeemed ÷ points issued, both after 2025-12-31T00:00:00.000000Z and up to "
        "2026-01-31T15:59:59.999999Z. Net of refunds, returns and reversals. All points issued, bought or given."
    )
    assert report["label"]["zh"].startswith("期间核销率：")


def test_cohort_follows_points_of_the_months_to_the_day_that_is_asked_for(lived: Till) -> None:
    january: dict[str, Any] = {"end": BEFORE_FEBRUARY}
    assert told(rate(lived, "cohort", **january)) == (360 + 140, 1_450, "0.3448")
    assert told(rate(lived, "cohort", **january, as_of=BEFORE_FEBRUARY)) == (360, 1_450, "0.2483")
    assert told(rate(lived, "cohort", **january, basis=GROSS)) == (420 + 140, 1_550, "0.3613")
    assert told(rate(lived, "cohort", start=BEFORE_FEBRUARY)) == (0, 200, "0.0000")
    assert "in 1970-01 to 2026-01" in rate(lived, "cohort", **january)["label"]["en"]
    # A window within a month takes the month: points are told apart by months.
    assert told(rate(lived, "cohort", start=day(3), end=day(4)))[1] == 1_450


def test_velocity_divides_by_the_mean_of_what_was_outstanding(lived: Till) -> None:
    # Nothing before, 1,040 at the end of January: 1,550 - 100 - 420 + 60 - 50.
    assert told(rate(lived, "velocity", end=BEFORE_FEBRUARY)) == (360, 520, "0.6923")
    # And 1,100 at the end: 1,040 + 200 - 140.
    assert told(rate(lived, "velocity", start=BEFORE_FEBRUARY)) == (140, 1_070, "0.1308")


def test_participation_counts_members(lived: Till) -> None:
    assert told(rate(lived, "participation", end=BEFORE_FEBRUARY)) == (1, 3, "0.3333")
    assert told(rate(lived, "participation", start=BEFORE_FEBRUARY)) == (1, 2, "0.5000")
    # What the clock takes makes nobody active, and neither does the other window's doing.
    assert told(rate(lived, "participation", start=day(10), end=BEFORE_FEBRUARY)) == (0, 0, None)


def test_member_whose_redemption_is_refunded_has_redeemed_nothing_net(till: Till) -> None:
    till.award("m-1", 100)
    till.refund(till.redeem("m-1", 40), 40)
    assert told(rate(till, "participation")) == (0, 1, "0.0000")
    assert told(rate(till, "participation", basis=GROSS)) == (1, 1, "1.0000")


def test_breakage_divides_what_expired_by_what_was_issued(lived: Till) -> None:
    assert told(rate(lived, "breakage", end=BEFORE_FEBRUARY)) == (50, 1_450, "0.0345")
    assert told(rate(lived, "breakage", end=BEFORE_FEBRUARY, basis=GROSS)) == (50, 1_550, "0.0323")


def test_band_is_of_the_terms_that_were_known_and_judged_by_the_exact_rate(till: Till) -> None:
    till.award("m-1", 10_000)
    till.redeem("m-1", 2_800)
    assert (rate(till)["rate"], rate(till)["in_band"]) == ("0.2800", True)
    till.at(day(1)).redeem("m-1", 401)
    # 0.3201 of 10,000.
    assert (rate(till)["rate"], rate(till)["in_band"]) == ("0.3201", False)
    before = bytes_of(till, "redemption-rate", end=till.now, known_as_of=till.now)
    asked: dict[str, Any] = {"end": till.now, "known_as_of": till.now}
    till.at(day(2)).change_terms(band={"low": "0.20", "high": "0.40"})
    assert bytes_of(till, "redemption-rate", **asked) == before
    assert (rate(till)["band"], rate(till)["in_band"]) == ({"low": "0.20", "high": "0.40"}, True)
    # Rounded it would lie at the edge; it lies beyond.
    till.award("m-1", 3_333)
    till.redeem("m-1", 2_133)
    assert (rate(till)["rate"], rate(till)["in_band"]) == ("0.4001", False)


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_of_nothing_there_is_no_rate(till: Till, definition: str) -> None:
    report = rate(till, definition)
    assert (told(report), report["in_band"]) == ((0, 0, None), None)


def test_rate_of_the_same_times_stays_the_same_when_something_comes_late(lived: Till) -> None:
    asked: list[dict[str, Any]] = [
        {"definition": definition, "basis": basis, "end": BEFORE_FEBRUARY, "known_as_of": lived.now}
        | ({"as_of": lived.now} if definition == "cohort" else {})
        for definition in DEFINITIONS
        for basis in BASES
    ]
    before = [bytes_of(lived, "redemption-rate", **each) for each in asked]
    lived.at(lived.now + timedelta(hours=1)).buy("m-9", 77_700, occurred_at=day(9))
    assert [bytes_of(lived, "redemption-rate", **each) for each in asked] == before
    assert told(rate(lived, end=BEFORE_FEBRUARY)) == (360, 1_450 + 777, "0.1617")
    assert told(rate(lived, "participation", end=BEFORE_FEBRUARY)) == (1, 4, "0.2500")


def test_csv_says_what_the_json_says(lived: Till) -> None:
    shown = {row["name"]: row["value"] for row in table_of(lived, "redemption-rate", "report")}
    report = rate(lived)
    assert (shown["numerator"], shown["rate"]) == (str(report["numerator"]), report["rate"])
    assert (shown["window.to"], shown["in_band"]) == (report["window"]["to"], "true")
    assert shown["label.zh"] == report["label"]["zh"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"start": day(2), "end": day(1)}, "to"),
        ({"end": day(99)}, "to"),
        ({"known_as_of": day(99)}, "known_as_of"),
        ({"definition": "cohort", "end": day(20), "as_of": day(19)}, "as_of"),
        ({"definition": "cohort", "as_of": day(99)}, "as_of"),
    ],
)
def test_windows_that_cross_or_lie_ahead_are_refused_by_name(
    till: Till, asked: dict[str, Any], field: str
) -> None:
    till.at(day(30))
    with pytest.raises(InvalidRequest) as refusal:
        rate(till, **asked)
    assert refusal.value.details["errors"][0]["field"] == field


def test_claw_back_of_spent_points_moves_what_was_spent_to_the_points_that_repay_it() -> None:
    """100 of January are spent, and 40 of them go back with goods; 40 of February's points repay the debt."""
    january = [
        (Account.ISSUED, Account.POINTS, 100),
        (Account.POINTS, Account.REDEEMED, 100),
        (Account.DEBT, Account.ISSUED, 40),
    ]
    february = [(Account.ISSUED, Account.POINTS, 90), (Account.POINTS, Account.DEBT, 40)]
    assert cohort_ratio(NET, january) == Ratio(60, Fraction(60))
    assert cohort_ratio(NET, february) == Ratio(40, Fraction(90))
    assert cohort_ratio(NET, january + february) == Ratio(100, Fraction(150))
    assert cohort_ratio(GROSS, january) == Ratio(100, Fraction(100))
    assert cohort_ratio(GROSS, february) == Ratio(0, Fraction(90))


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (Fraction(3, 10), "0.3000"),
        (Fraction(1, 3), "0.3333"),
        (Fraction(5, 100_000), "0.0000"),
        (Fraction(15, 100_000), "0.0002"),
        (Fraction(-1, 3), "-0.3333"),
        (Fraction(7, 2), "3.5000"),
    ],
)
def test_rates_are_rounded_half_to_even(share: Fraction, shown: str) -> None:
    assert show_share(share) == shown


@pytest.mark.parametrize("seed", [21, 22])
def test_rates_of_any_history_follow_from_its_roll_forward_and_not_from_its_totals(
    till: Till, seed: int
) -> None:
    live_through(till, seed, steps=90)
    random, hours = Random(seed), int((till.now - START) / timedelta(hours=1))
    windows = [
        tuple(sorted(START + timedelta(hours=random.randrange(hours)) for _ in range(2))) for _ in range(4)
    ]
    shown: list[tuple[str, str, dict[str, Any]]] = []
    for start, end in [*windows, (START - timedelta(days=400), till.now)]:
        asked: dict[str, Any] = {"start": start, "end": end, "known_as_of": till.now}
        books = report_of(till, "points-roll-forward", **asked)
        net = rate(till, **asked)
        assert net["numerator"] == books["redeemed"] - books["redemption_refunds"]
        assert net["denominator"] == books["issued"] - books["clawed_back"]
        assert rate(till, "breakage", **asked)["numerator"] == books["expired"]
        taking_part = rate(till, "participation", basis=GROSS, **asked)
        redeeming = [
            member
            for member in MEMBERS
            if report_of(till, "points-roll-forward", **asked, member_id=member)["redeemed"]
        ]
        assert taking_part["numerator"] == len(redeeming) <= taking_part["denominator"] <= len(MEMBERS)
        shown += [(definition, basis, asked) for definition in DEFINITIONS for basis in BASES]
    whole: dict[str, Any] = {"start": START - timedelta(days=400), "known_as_of": till.now}
    issued = {basis: rate(till, basis=basis, **whole)["denominator"] for basis in BASES}
    cohorts = {basis: rate(till, "cohort", basis=basis, **whole)["denominator"] for basis in BASES}
    # Points that were bought to make good what was gone never were in a lot, and are of no cohort.
    sold = till.rows("SELECT coalesce(sum(amount), 0) FROM postings WHERE debit = 50 AND credit = 3")[0][0]
    assert cohorts[GROSS] == issued[GROSS] - sold
    before = [bytes_of(till, "redemption-rate", definition=d, basis=b, **each) for d, b, each in shown]
    total_up(till)
    after = [bytes_of(till, "redemption-rate", definition=d, basis=b, **each) for d, b, each in shown]
    assert before == after
