"""Experiments: who falls into which arm, whether chance alone did it, and what the arms did."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from ledger.clock import FAR_FUTURE
from ledger.errors import ExperimentUnknown
from ledger.rules.definitions import Arm, Experiment
from ledger.rules.experiment_report import ArmFigures, read_experiment, report_of
from ledger.rules.experiments import arm_of
from ledger.rules.sample_ratio import check_ratio, chi_square_survival
from tests.rules.test_simulation import activate
from tests.rulesets import EVER, fixed, rule
from tests.till import Till, day, open_till

HALVES = Experiment("bonus", "s1", (Arm("A", 1), Arm("B", 1)))
THIRDS = Experiment("colour", "s1", (Arm("red", 1), Arm("green", 2), Arm("blue", 3)))
MEMBERS = [f"m-{number}" for number in range(10_000)]


@pytest.fixture
def till(fresh_database: Any) -> Iterator[Till]:
    with open_till(fresh_database.app_url) as till:
        yield till


@pytest.mark.parametrize(
    ("experiment", "expected"),
    [(HALVES, {"A": 5_016, "B": 4_984}), (THIRDS, {"red": 1_656, "green": 3_308, "blue": 5_036})],
)
def test_ten_thousand_members_fall_into_the_arms_as_they_always_have(
    experiment: Experiment, expected: dict[str, int]
) -> None:
    shuffled = MEMBERS.copy()
    Random(1).shuffle(shuffled)
    fallen = {member: arm_of(experiment, member) for member in shuffled}
    assert Counter(fallen.values()) == expected
    assert fallen == {member: arm_of(experiment, member) for member in MEMBERS}
    found = check_ratio(
        [expected[arm.code] for arm in experiment.arms], [arm.weight for arm in experiment.arms]
    )
    assert found is not None and not found.is_suspicious


def test_another_process_deals_the_same_arms() -> None:
    program = (
        "from ledger.rules.definitions import Arm, Experiment\n"
        "from ledger.rules.experiments import arm_of\n"
        "e = Experiment('colour', 's1', (Arm('red', 1), Arm('green', 2), Arm('blue', 3)))\n"
        "print(''.join(arm_of(e, f'm-{n}')[0] for n in range(1000)))\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "".join(arm_of(THIRDS, member)[0] for member in MEMBERS[:1_000])


def test_another_salt_deals_anew_and_experiments_are_independent() -> None:
    again = Experiment("bonus", "s2", HALVES.arms)
    other = Experiment("other", "s1", HALVES.arms)
    for second in (again, other):
        pairs = Counter((arm_of(HALVES, member), arm_of(second, member)) for member in MEMBERS)
        assert all(2_300 < pairs[pair] < 2_700 for pair in pairs) and len(pairs) == 4


@pytest.mark.parametrize(
    ("degrees", "statistic", "p_value"),
    # From the tables of the chi-square distribution.
    [
        (1, "3.841459", "0.050000"),
        (1, "10.827566", "0.001000"),
        (2, "5.991465", "0.050000"),
        (2, "13.815511", "0.001000"),
        (3, "7.814728", "0.050000"),
        (4, "9.487729", "0.050000"),
        (5, "20.515006", "0.001000"),
        (9, "16.918978", "0.050000"),
        (9, "2.087901", "0.990000"),
        (1, "0", "1.000000"),
        (2, "399", "0.000000"),
        (2, "1000000", "0.000000"),
    ],
)
def test_the_survival_function_is_that_of_the_tables(degrees: int, statistic: str, p_value: str) -> None:
    assert f"{chi_square_survival(Fraction(statistic), degrees):.6f}" == p_value


def test_arms_that_something_else_has_filled_are_suspicious() -> None:
    even = check_ratio([5_000, 5_050], [1, 1])
    assert even is not None and f"{even.p_value:.4f}" == "0.6180" and not even.is_suspicious
    uneven = check_ratio([5_000, 5_500], [1, 1])
    assert uneven is not None and uneven.is_suspicious and f"{uneven.statistic:.4f}" == "23.8095"
    assert check_ratio([0, 0], [1, 1]) is None


def test_an_arm_of_a_former_version_stands_last_and_outside_the_check() -> None:
    figures = {"A": ArmFigures(members=10), "B": ArmFigures(members=10), "C": ArmFigures(members=7)}
    report = report_of(HALVES, figures, "CNY")
    assert [(arm["arm"], arm["share_expected"], arm["share"]) for arm in report["arms"]] == [
        ("A", "0.5000", "0.5000"),
        ("B", "0.5000", "0.5000"),
        ("C", "0.0000", "0.0000"),
    ]
    assert report["sample_ratio"] == {
        "chi_square": "0.000000",
        "degrees_of_freedom": 1,
        "p_value": "1.000000",
        "is_suspicious": False,
    }


def test_the_report_counts_what_the_members_of_each_arm_did(till: Till) -> None:
    arms = [{"code": "A", "weight": 1}, {"code": "B", "weight": 1}]
    activate(
        till,
        rule("base"),
        rule("growth", "GROWTH"),
        fixed("bonus", 40, arm={"experiment": "bonus", "is": "B"}),
        experiments=[{"code": "bonus", "salt": "s1", "arms": arms}],
    )
    in_a, in_b = ([member for member in MEMBERS if arm_of(HALVES, member) == code][:2] for code in ("A", "B"))
    for number, member in enumerate((*in_a, *in_b)):
        till.at(day(1) + timedelta(hours=number)).buy(member, 10_000)
    till.at(day(3)).buy(in_b[0], 5_000)
    till.redeem(in_b[0], 30)
    till.redeem(in_a[1], 25)
    first, second = report(till)["arms"]
    assert first == {
        "arm": "A",
        "members": 2,
        "share_expected": "0.5000",
        "share": "0.5000",
        "purchases": 2,
        "spend": {"amount": 20_000, "currency": "CNY"},
        "points_issued": 200,
        "growth_issued": 200,
        "points_redeemed": 25,
        "members_returning": 0,
        "visits_per_member": "1.00",
    }
    assert second == {
        "arm": "B",
        "members": 2,
        "share_expected": "0.5000",
        "share": "0.5000",
        "purchases": 3,
        "spend": {"amount": 25_000, "currency": "CNY"},
        "points_issued": 370,
        "growth_issued": 250,
        "points_redeemed": 30,
        "members_returning": 1,
        "visits_per_member": "1.50",
    }
    later = report(till, start=day(2))
    assert [arm["members"] for arm in later["arms"]] == [0, 1]


def test_what_is_no_experiment_has_no_report(till: Till) -> None:
    activate(till, rule("base"))
    with pytest.raises(ExperimentUnknown):
        report(till)


def report(till: Till, start: Any = EVER) -> dict[str, Any]:
    with till.reading() as connection:
        return read_experiment(connection, till.program, "bonus", start, FAR_FUTURE)
