"""Thresholds: what is raised, when, and once; and what is not."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from ledger.accounts.program import Program
from ledger.accounts.programs import find_program
from ledger.alerts.register import list_alerts
from ledger.alerts.settings import AlertSettings, alert_settings_of
from ledger.alerts.words import told
from ledger.cli import main
from ledger.finance.metrics.thresholds import Watched, alarms
from ledger.finance.metrics.watching import watch
from ledger.fx.band_settings import band_of
from tests.till import Till, day

MORNING = datetime.fromisoformat("2026-02-01T09:00:00+08:00")

PLAIN = Program(1, "shop", "CNY", "Asia/Shanghai", 1, "{}")
SETTINGS = alert_settings_of(PLAIN)
BAND = band_of(PLAIN)


def watched(**changes: Any) -> Watched:
    """A window with nothing to look at: 3,000 of 10,000 redeemed."""
    usual = Watched(date(2026, 1, 4), date(2026, 1, 31), 10_000, 3_000, 7_000, Decimal("0.0100"), "CNY")
    return usual._replace(**changes)


def codes(settings: AlertSettings, window: Watched) -> list[str]:
    return [alert.code for alert in alarms(settings, BAND, window)]


@pytest.mark.parametrize(
    ("redeemed", "found"),
    [
        (0, ["redemption_rate_low", "redemption_rate_outside_band"]),
        (1_499, ["redemption_rate_low", "redemption_rate_outside_band"]),
        (1_500, ["redemption_rate_outside_band"]),
        (2_799, ["redemption_rate_outside_band"]),
        (2_800, []),
        (3_200, []),
        (3_201, ["redemption_rate_outside_band"]),
    ],
)
def test_rate_is_held_against_the_lowest_and_the_band(redeemed: int, found: list[str]) -> None:
    assert codes(SETTINGS, watched(redeemed=redeemed)) == found


@pytest.mark.parametrize(("issued", "is_enough"), [(9_999, False), (10_000, True), (0, False), (-5, False)])
def test_of_too_few_points_a_share_says_nothing(issued: int, is_enough: bool) -> None:
    assert bool(codes(SETTINGS, watched(issued=issued, redeemed=0))) is is_enough
    anything = SETTINGS._replace(minimum_sample=1)
    assert bool(codes(anything, watched(issued=issued, redeemed=0))) is (issued > 0)


@pytest.mark.parametrize(
    ("ceilings", "found"),
    [
        ({}, []),
        # 7,000 points at 0.01 are worth 7,000 fen.
        ({"liability_ceiling": 7_000}, []),
        ({"liability_ceiling": 6_999}, ["liability_ceiling"]),
        ({"issuance_ceiling": 10_000}, []),
        ({"issuance_ceiling": 9_999}, ["issuance_ceiling"]),
        ({"liability_ceiling": 1, "issuance_ceiling": 1}, ["liability_ceiling", "issuance_ceiling"]),
    ],
)
def test_ceilings_are_exceeded_by_the_first_above_them(ceilings: dict[str, Any], found: list[str]) -> None:
    settings = SETTINGS._replace(**ceilings)
    assert codes(settings, watched()) == found
    assert codes(settings, watched(bid=None, issued=1)) == []


@given(
    st.builds(
        Watched,
        st.just(date(2026, 1, 4)),
        st.just(date(2026, 1, 31)),
        st.integers(-(10**6), 10**12),
        st.integers(-(10**6), 10**12),
        st.integers(-(10**6), 10**12),
        st.none() | st.decimals("0.0001", 9, places=6),
        st.sampled_from(("CNY", "JPY", "KWD")),
    ),
    st.integers(1, 10**6),
    st.none() | st.integers(1, 10**12),
)
def test_every_alarm_can_be_told_in_both_languages(
    window: Watched, minimum: int, ceiling: int | None
) -> None:
    settings = SETTINGS._replace(minimum_sample=minimum, liability_ceiling=ceiling, issuance_ceiling=ceiling)
    found = alarms(settings, BAND, window)
    assert len({alert.code for alert in found}) == len(found)
    for alert in found:
        assert alert.subject == "2026-01"
        assert all("{" not in text for text in told(alert.code, dict(alert.details)).values())


def raised(till: Till) -> list[tuple[str, str]]:
    def work(connection: Any) -> list[tuple[str, str]]:
        program = find_program(connection, till.program.name)
        assert program is not None
        return [(alert.code, alert.subject) for alert in watch(connection, program, till.now)]

    return till.database.run(work)


def test_window_is_whole_days_up_to_yesterday_and_each_code_is_raised_once_in_its_month(till: Till) -> None:
    till.change_terms(alerts={"minimum_sample": 100, "window_days": 7})
    # Of the seven days from the 25th to the 31st where the shop is: the first moment and the last.
    first = datetime.fromisoformat("2026-01-25T00:00:00+08:00")
    till.at(first - timedelta(microseconds=1)).award("m-1", 5_000)
    till.at(first).award("m-1", 600)
    till.at(MORNING - timedelta(hours=9, microseconds=1)).redeem("m-1", 60)
    till.at(MORNING).award("m-1", 200)
    till.redeem("m-1", 500)

    assert raised(till) == [("redemption_rate_low", "2026-01"), ("redemption_rate_outside_band", "2026-01")]
    assert raised(till) == []
    with till.reading() as connection:
        shown = list_alerts(connection, till.program).items
    by_code = {alert["code"]: alert for alert in shown}
    assert by_code["redemption_rate_low"]["text"]["en"] == (
        "60 of 600 points were redeemed from 2026-01-25 to 2026-01-31: the rate of 0.1000 is below 0.15."
    )
    # The next day the window ends in February, and has 560 of 200.
    till.at(MORNING + timedelta(days=1))
    assert raised(till) == [("redemption_rate_outside_band", "2026-02")]
    assert raised(till) == []


def test_ceilings_of_the_terms_are_watched(till: Till) -> None:
    till.change_terms(alerts={"liability_ceiling": 999, "issuance_ceiling": 999, "minimum_sample": 10**6})
    till.at(day(1)).award("m-1", 1_000)
    # Outstanding at once, and issued in the window from tomorrow on.
    assert raised(till) == [("liability_ceiling", "2026-01")]
    till.at(day(2))
    assert raised(till) == [("issuance_ceiling", "2026-01")]
    with till.reading() as connection:
        text = list_alerts(connection, till.program).items[-1]["text"]["en"]
    assert text == "The 1000 outstanding points are worth 10.00 CNY, more than the ceiling of 9.99."


def test_what_the_terms_leave_out_has_its_default(till: Till) -> None:
    assert (SETTINGS.redemption_low, SETTINGS.minimum_sample, SETTINGS.window_days) == (
        Decimal("0.15"),
        10_000,
        28,
    )
    assert (SETTINGS.liability_ceiling, SETTINGS.issuance_ceiling) == (None, None)
    till.award("m-1", 9_999)
    till.at(day(2))
    assert raised(till) == []


def test_command_tells_what_is_new_in_each_program(
    till: Till, fresh_database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_DATABASE_URL", fresh_database.owner_url)
    till.change_terms(alerts={"liability_ceiling": 99})
    till.award("m-1", 100)
    first, second = (CliRunner().invoke(main, ["watch"]) for _ in range(2))
    assert (first.exit_code, first.stdout.startswith("shop: liability_ceiling 20")) == (0, True)
    assert second.stdout == "shop: nothing new\n"
    assert CliRunner().invoke(main, ["watch", "--program", "nobody"]).exit_code == 1
