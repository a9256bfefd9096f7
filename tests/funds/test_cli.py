"""``ledger funds top-up``, and the nightly run that does the same."""

from typing import Any

import pytest
from click.testing import CliRunner

from ledger.accounts.programs import create_program, set_test_clock
from ledger.cli import main
from tests.till import START, Till, day, terms

from .regions import code_of, paid_by_share, region_share, with_regions


@pytest.fixture
def till(till: Till, fresh_database: Any, monkeypatch: pytest.MonkeyPatch) -> Till:
    """A test program with a clock of its own, besides the one that the system's clock moves."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", fresh_database.app_url)
    program = till.database.run(
        lambda connection: create_program(
            connection,
            "slow",
            currency="CNY",
            timezone="Asia/Shanghai",
            terms=terms(**region_share()),
            now=START,
            is_test=True,
            test_now=START,
        )
    )
    return with_regions(Till(till.database, program), "east", "west")


def run(*arguments: str) -> list[str]:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return [line for line in result.stdout.splitlines() if "issued by headquarters" in line]


def test_top_up_prints_what_each_share_has_come_to(till: Till) -> None:
    till.award("m-1", 80_000)
    lines = run("funds", "top-up", "--program", "slow")
    assert lines[2:] == [
        f"slow: share:{region}:2026-01 granted 16,000 points; 16,000 in all for 80,000 issued by headquarters"
        for region in ("east", "west")
    ]
    assert run("funds", "top-up", "--program", "slow")[2:] == [
        line.replace("16,000", "0", 1) for line in lines[2:]
    ]


def test_every_program_is_topped_up_by_its_own_clock(till: Till) -> None:
    till.award("m-1", 80_000)
    till.database.run(lambda connection: set_test_clock(connection, till.program, day(40)))
    lines = run("funds", "top-up")
    assert {line.split(":")[0] for line in lines} == {"shop", "slow"}
    # By then January is the period before: its last events may still arrive.
    assert any(line.startswith("slow: share:east:2026-01 granted 16,000") for line in lines)


def test_the_nightly_run_tops_up_after_its_sweep(till: Till) -> None:
    till.award("m-1", 1_000, expires_at=day(10))
    till.database.run(lambda connection: set_test_clock(connection, till.program, day(15)))
    result = CliRunner().invoke(main, ["expire", "--program", "slow"])
    assert result.exit_code == 0, result.output
    swept, *topped_up = result.stdout.splitlines()
    assert swept.startswith("slow: 1,000 points")
    # What the clock has taken was issued all the same.
    assert topped_up[-1].startswith(
        "slow: share:west:2026-01 granted 200 points; 200 in all for 1,000 issued"
    )
    (outcome,) = till.at(day(15)).try_post(paid_by_share(till, 200))
    assert code_of(outcome) is None


def test_programs_without_a_share_are_passed_over(till: Till) -> None:
    till.change_terms()
    assert run("funds", "top-up", "--program", "slow") == []


def test_a_program_that_is_not_there_is_named(till: Till) -> None:
    result = CliRunner().invoke(main, ["funds", "top-up", "--program", "nobody"])
    assert result.exit_code == 1
    assert "There is no program 'nobody'" in result.output
