"""``ledger rates adjust``: where two approvals have allowed it, once a week, within floor, ceiling and step."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from click.testing import CliRunner

from ledger.accounts.programs import find_program
from ledger.cli import main
from ledger.db import Database
from ledger.fx.adjusting import adjust as adjust_program
from tests.fx.desk import Desk, open_desk
from tests.fx.test_band_routes import FIVE_LOW_WEEKS, fresh
from tests.whole_service import WholeService


@pytest.fixture
def willing(service: WholeService, cluster: Any, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A program in auto mode whose points are redeemed too little, and a place for the command."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", cluster.app_url(service.database))
    desk = open_desk(service, mode="auto")
    desk.turn_auto_on()
    return fresh(desk, *FIVE_LOW_WEEKS)


def adjust(desk: Desk, *arguments: str) -> str:
    """What the command says of the desk's program."""
    name = desk.tenant.program.name
    result = CliRunner().invoke(main, ["rates", "adjust", *(arguments or ("--program", name))])
    assert result.exit_code == 0, result.output
    lines = [line for line in result.stdout.splitlines() if line.startswith(f"{name}: ")]
    assert len(lines) == 1, result.stdout
    return lines[0].removeprefix(f"{name}: ")


def test_what_is_recommended_becomes_the_next_version_by_the_word_of_both_approvers(willing: Desk) -> None:
    assert adjust(willing) == "0.0100 becomes 0.01020201, version 2"
    newest = willing.get("/v1/rates")["data"][0]
    assert (newest["rate"], newest["ask"], newest["version"], newest["is_current"]) == (
        "0.01020201",
        "0.01020201",
        2,
        True,
    )
    assert newest["proposed_by"] == "band-controller"
    assert newest["approved_by"] == f"{willing.key_id('approver')}+{willing.key_id('second approver')}"
    assert newest["reason"] == "the band controller: the redemption rate is below its target"
    assert {name: newest[name] for name in ("floor", "ceiling", "max_step")} == {
        "floor": "0.0070",
        "ceiling": "0.0130",
        "max_step": "0.2000",
    }


def test_again_in_the_same_week_it_does_nothing(willing: Desk) -> None:
    adjust(willing)
    assert adjust(willing) == "not changed: cool_down"
    willing.later(days=1)
    assert adjust(willing) == "not changed: cool_down"
    assert willing.versions() == [2, 1]


def test_in_the_next_week_it_goes_on(willing: Desk) -> None:
    adjust(willing)
    fresh(willing, (100_000, 20_000))
    assert adjust(willing) == "0.01020201 becomes 0.0104081, version 3"
    fresh(willing, *[(100_000, 60_000)] * 4)
    assert adjust(willing) == "0.0104081 becomes 0.01020201, version 4"
    # Lowering the bid leaves the ask where it was: points are not made cheaper by it.
    newest = willing.get("/v1/rates")["data"][0]
    assert (newest["ask"], newest["reason"]) == (
        "0.0104081",
        "the band controller: the redemption rate is above its target",
    )


def test_a_rate_that_people_have_changed_this_week_is_left_alone(willing: Desk) -> None:
    willing.put_in_force("0.011")
    assert adjust(willing) == "not changed: cool_down"


def test_the_step_of_the_rate_in_force_holds(willing: Desk) -> None:
    willing.put_in_force("0.01", max_step="0.005")
    fresh(willing, (100_000, 20_000))
    assert adjust(willing) == "0.0100 becomes 0.01005, version 3"


def test_the_ceiling_of_the_rate_in_force_holds_and_at_it_nothing_moves(willing: Desk) -> None:
    willing.put_in_force("0.01", ceiling="0.0101")
    fresh(willing, (100_000, 20_000))
    assert adjust(willing) == "0.0100 becomes 0.0101, version 3"
    fresh(willing, (100_000, 20_000))
    assert adjust(willing) == "stays at 0.0101"


def test_what_does_not_fit_beside_a_scheduled_rate_is_refused_and_told(willing: Desk) -> None:
    later = (willing.now.replace(year=willing.now.year + 1)).isoformat()
    willing.put_in_force("0.0099", valid_from=later, max_step="0.011")
    assert adjust(willing) == "not changed: the rate lies too far from that of version 2"
    assert willing.versions() == [2, 1]


@pytest.mark.parametrize(
    ("code", "says"),
    [("auto", "not in auto mode"), ("controller", "not in auto mode"), ("changes", "not changed: frozen")],
)
def test_each_switch_stops_it(willing: Desk, code: str, says: str) -> None:
    willing.switch(code, on=False)
    assert adjust(willing) == says
    assert willing.versions() == [1]


def test_without_news_from_the_tills_it_does_nothing(willing: Desk) -> None:
    willing.later(days=3)
    assert adjust(willing) == "not changed: data_lag"


def test_content_it_leaves_the_rate_alone(willing: Desk) -> None:
    fresh(willing, *[(100_000, 30_000)] * 5)
    assert adjust(willing) == "stays at 0.0100"


def test_every_program_is_told_of_and_only_those_in_auto_mode_change(willing: Desk) -> None:
    other = fresh(open_desk(willing.service), *FIVE_LOW_WEEKS)
    assert adjust(other, "--program", other.tenant.program.name) == "not in auto mode"
    result = CliRunner().invoke(main, ["rates", "adjust"])
    assert result.exit_code == 0, result.output
    assert f"{willing.tenant.program.name}: 0.0100 becomes 0.01020201, version 2" in result.stdout
    assert f"{other.tenant.program.name}: not in auto mode" in result.stdout
    assert other.versions() == [1]


def test_a_program_that_is_not_there_is_told(willing: Desk) -> None:
    result = CliRunner().invoke(main, ["rates", "adjust", "--program", "nobody"])
    assert (result.exit_code, "There is no program 'nobody'" in result.output) == (1, True)


def test_two_runs_at_once_make_one_version(willing: Desk, cluster: Any) -> None:
    database = Database(cluster.app_url(willing.service.database), pool_size=2)

    def run(_number: int) -> str:
        with database.read() as connection:
            program = find_program(connection, willing.tenant.program.name)
        assert program is not None
        return database.run(lambda connection: adjust_program(connection, program, willing.now))

    try:
        with ThreadPoolExecutor(max_workers=2) as together:
            said = sorted(together.map(run, range(2)))
    finally:
        database.close()
    assert said == ["0.0100 becomes 0.01020201, version 2", "not changed: cool_down"]
    assert willing.versions() == [2, 1]


def test_an_alarm_is_raised_once_a_week_in_any_mode(willing: Desk) -> None:
    cautious = open_desk(willing.service)
    cautious.put_in_force("0.01", ceiling="0.01")
    fresh(cautious, *FIVE_LOW_WEEKS)
    for _ in range(2):
        assert adjust(cautious, "--program", cautious.tenant.program.name) == "not in auto mode"
    (alert,) = cautious.get("/v1/alerts")["data"]
    assert alert["code"] == "target_unreachable"
    assert alert["details"] == {"bound": "0.0100", "share": "0.200000", "target": "0.30"}
    fresh(cautious, (100_000, 20_000))
    adjust(cautious, "--program", cautious.tenant.program.name)
    assert len(cautious.get("/v1/alerts")["data"]) == 2
