"""Upkeep: every task for every program, and a task that fails keeps none of the others."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from ledger import upkeep
from ledger.accounts.program import Program
from ledger.cli import main
from ledger.clock import system_now
from ledger.command_line import Place
from ledger.config import Settings
from ledger.db import Database
from ledger.upkeep import keep_up
from tests.till import Till, day, open_till


def added(till: Till) -> int:
    return int(till.rows("SELECT coalesce(sum(entries), 0) FROM total_days")[0][0])


def test_totals_of_every_program_are_brought_up(fresh_database: Any) -> None:
    with open_till(fresh_database.app_url) as till, open_till(fresh_database.app_url, "other") as other:
        till.buy("m-1", 10_000)
        other.buy("m-1", 10_000)
        keep_up(till.database, system_now() + timedelta(hours=1))
        assert added(till) == 2


def test_alerts_are_raised_and_once(fresh_database: Any) -> None:
    thresholds = {"issuance_ceiling": 50, "minimum_sample": 1}
    with open_till(fresh_database.app_url, alerts=thresholds) as till:
        till.buy("m-1", 10_000)
        till.at(day(1))
        for _ in range(2):
            keep_up(till.database, day(1), [upkeep.look_out])
        assert till.rows("SELECT code FROM alerts WHERE code = 'issuance_ceiling'") == [("issuance_ceiling",)]


def test_a_task_that_fails_is_told_and_the_others_have_their_turn(till: Till, caplog: Any) -> None:
    done: list[str] = []

    def fail(_database: Database, _program: Program, _now: object) -> None:
        raise RuntimeError("out of paper")

    def work(_database: Database, program: Program, _now: object) -> None:
        done.append(program.name)

    keep_up(till.database, system_now(), [fail, work])
    assert done == ["shop"]
    assert "upkeep of shop failed: out of paper" in caplog.text


def test_the_thread_works_until_it_is_told_to_end(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    worked = threading.Event()
    monkeypatch.setattr(upkeep, "keep_up", lambda *_given: worked.set())
    url = till.database.engine.url.render_as_string(hide_password=False)
    place = Place(replace(Settings(), upkeep_seconds=1), url, url)
    ended = upkeep.start(place)
    assert worked.wait(30)
    ended.set()
    (thread,) = [each for each in threading.enumerate() if each.name == "upkeep"]
    thread.join(30)
    assert not thread.is_alive()


def test_where_it_is_turned_off_there_is_no_thread(till: Till) -> None:
    url = till.database.engine.url.render_as_string(hide_password=False)
    upkeep.start(Place(replace(Settings(), upkeep_seconds=0), url, url))
    assert not [each for each in threading.enumerate() if each.name == "upkeep"]


def test_the_command_brings_up_one_program_or_all(fresh_database: Any) -> None:
    environment = {"LEDGER_DATABASE_URL": fresh_database.app_url}
    with open_till(fresh_database.app_url) as till, open_till(fresh_database.app_url, "other"):
        till.buy("m-1", 10_000)
        run = CliRunner().invoke(main, ["totals"], env=environment)
        assert (run.exit_code, run.output) == (
            0,
            "other: the totals are up to the books.\nshop: the totals are up to the books.\n",
        )
        run = CliRunner().invoke(main, ["totals", "--rebuild", "--program", "shop"], env=environment)
        assert (run.exit_code, run.output) == (0, "shop: the totals are up to the books.\n")
        run = CliRunner().invoke(main, ["totals", "--program", "nobody"], env=environment)
        assert run.exit_code == 1
        assert "There is no program 'nobody'" in run.output
