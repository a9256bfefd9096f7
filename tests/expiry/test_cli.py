"""``ledger expire``: which programs, until when, and what it says."""

from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ledger.accounts.programs import create_program, set_test_clock
from ledger.clock import show
from ledger.expiry.cli import expire
from ledger.rules.terms import DEFAULT_TERMS

from .conftest import START, Shop, day


@pytest.fixture
def call(shop: Shop, fresh_database: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LEDGER_DATABASE_URL", fresh_database.app_url)

    def expire_with(*arguments: str) -> Result:
        return CliRunner().invoke(expire, arguments)

    return expire_with


def set_clock(shop: Shop, days: int) -> None:
    shop.database.run(lambda connection: set_test_clock(connection, shop.program, day(days)))


def test_program_is_swept_by_its_own_clock(shop: Shop, call: Any) -> None:
    shop.award("m-1", 10, expires_at=day(10))
    shop.award("m-1", 20, expires_at=day(20))
    set_clock(shop, 15)
    result = call("--program", "shop")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"shop: 10 points and 0 growth in 1 lots expired by {show(day(15))}\n"


def test_every_program_is_swept_when_none_is_named(shop: Shop, call: Any) -> None:
    shop.database.run(
        lambda connection: create_program(
            connection, "another", currency="CNY", timezone="UTC", terms=DEFAULT_TERMS, now=START
        )
    )
    shop.award("m-1", 10, expires_at=day(10))
    set_clock(shop, 15)
    result = call()
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split(" and")[0] for line in lines] == ["another: 0 points", "shop: 10 points"]


def test_until_books_only_what_was_due_by_then(shop: Shop, call: Any) -> None:
    shop.award("m-1", 10, expires_at=day(10))
    shop.award("m-1", 20, expires_at=day(12))
    set_clock(shop, 15)
    assert call("--until", "2026-01-11T08:00:00+08:00").exit_code == 0
    assert shop.expiries() == [(day(10), 10)]


def test_until_beyond_the_clock_is_refused_before_anything_is_booked(shop: Shop, call: Any) -> None:
    shop.award("m-1", 10, expires_at=day(10))
    set_clock(shop, 15)
    result = call("--until", show(day(15) + timedelta(seconds=1)))
    assert result.exit_code == 2
    assert "the clock of shop stands at 2026-01-16T00:00:00.000000Z" in result.stderr
    assert shop.expiries() == []


@pytest.mark.parametrize("given", ["2026-01-11T08:00:00", "tomorrow", "2026-02-30T00:00:00Z"])
def test_time_that_is_none_or_has_no_offset_is_refused(call: Any, given: str) -> None:
    result = call("--until", given)
    assert result.exit_code == 2
    assert "Invalid value for '--until'" in result.stderr


def test_unknown_program_is_refused(call: Any) -> None:
    result = call("--program", "nowhere")
    assert result.exit_code == 1
    assert "There is no program 'nowhere'" in result.stderr
