"""Opening and movements make the closing balance, which is the trial balance's, in total and for each member."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import orjson
import pytest

from ledger.accounts.chart import BUDGET_ACCOUNTS, MEMO_ACCOUNTS, Account, Unit
from ledger.errors import InvalidRequest, MemberUnknown
from ledger.finance.roll_forward import ARRIVES, LEAVES, Movements, movements_of, read_roll_forward
from ledger.finance.trial_balance import TrialBalance, read_trial_balance
from ledger.funds.commands import GrantFund, WithdrawFund
from ledger.journal.history import read_balance_at, times_of
from ledger.redemption.holds import CaptureHold, PlaceHold
from ledger.rules.commands import Earning
from tests.finance.histories import BY, MEMBERS, live_through
from tests.finance.paying import TERMS as PAYING
from tests.finance.paying import pay_with_points
from tests.till import START, Till, day, new_program


def trial_balance(till: Till, as_of: datetime, known_as_of: datetime | None = None) -> TrialBalance:
    with till.reading() as connection:
        return read_trial_balance(connection, till.program, times_of(as_of, known_as_of, till.now))


def roll_forward(
    till: Till,
    start: datetime,
    end: datetime,
    known_as_of: datetime | None = None,
    member: str | None = None,
) -> dict[str, Any]:
    with till.reading() as connection:
        return read_roll_forward(connection, till.program, start, end, known_as_of, till.now, member)


def moved(report: dict[str, Any]) -> dict[str, int]:
    """The movements that are not nothing."""
    return {name: report[name] for name in Movements.__slots__ if report[name]}


def test_each_event_moves_points_under_its_own_name(till: Till) -> None:
    bought = till.buy("m-1", 10_000)
    till.award("m-2", 50, expires_at=day(6))
    redeemed = till.at(day(1)).redeem("m-1", 90)
    till.at(day(2)).refund(redeemed, 10)
    till.at(day(3)).give_back(bought, 1, 3_000)
    till.at(day(4)).transfer("m-2", "m-1", 5)
    till.at(day(7)).sweep()

    total = roll_forward(till, START - timedelta(days=1), day(7))
    assert moved(total) == {
        "issued": 150,
        "redeemed": 90,
        "redemption_refunds": 10,
        "clawed_back": 30,
        "expired": 45,
    }
    # The member who gave goods back had spent their points: 10 are owed, and 5 of them came by transfer.
    assert (total["opening"], total["closing"]) == (0, -5)

    alone = roll_forward(till, START, day(4), member="m-2")
    assert (alone["opening"], moved(alone), alone["closing"]) == (50, {"transferred": -5}, 45)


def test_claw_back_of_spent_points_lowers_the_outstanding_below_what_members_hold(till: Till) -> None:
    bought = till.buy("m-1", 10_000)
    till.redeem("m-1", 100)
    till.at(day(1)).give_back(bought, 1, 4_000)
    till.at(day(2)).award("m-1", 100)

    report = roll_forward(till, START, day(1))
    assert (report["opening"], moved(report), report["closing"]) == (0, {"clawed_back": 40}, -40)
    # Repaying the debt moves points between the member's own accounts, and so moves nothing here.
    report = roll_forward(till, day(1), day(2))
    assert (report["opening"], moved(report), report["closing"]) == (-40, {"issued": 100}, 60)


def test_points_that_end_with_a_period_expire_in_it(till: Till) -> None:
    till.award("m-1", 50, expires_at=day(10))
    till.at(day(12)).sweep()
    assert moved(roll_forward(till, START, day(10))) == {"expired": 50}
    assert moved(roll_forward(till, day(10), day(12))) == {}
    assert moved(roll_forward(till, START, day(10) - timedelta(microseconds=1))) == {}


def test_trial_balance_shows_every_account_of_the_chart_and_balances(till: Till) -> None:
    bought = till.buy("m-1", 10_000)
    till.redeem("m-1", 100)
    till.give_back(bought, 1, 4_000)
    report = trial_balance(till, START).shown()
    points, growth, money, micros = report["units"]

    assert [unit["unit"] for unit in report["units"]] == ["POINT", "GROWTH", "CNY", "CNY_MICRO"]
    assert [line["account"] for unit in report["units"] for line in unit["accounts"]] == [
        account.name.lower() for unit in Unit for account in Account if account.unit is unit
    ]
    lines = {line["account"]: (line["debit"], line["credit"], line["balance"]) for line in points["accounts"]}
    assert lines["points"] == (100, 100, 0)
    assert lines["debt"] == (40, 0, 40)
    assert lines["issued"] == (100, 40, 60)
    assert lines["redeemed"] == (0, 100, 100)
    assert (points["total_debit"], points["total_credit"]) == (240, 240)
    assert (growth["total_debit"], growth["total_credit"]) == (140, 140)
    assert (money["total_debit"], money["total_credit"], micros["total_debit"]) == (0, 0, 0)
    assert (report["as_of"], report["known_as_of"]) == ("2026-01-01T00:00:00.000000Z",) * 2


def test_trial_balance_shows_what_was_paid_with_points_in_every_unit(till: Till) -> None:
    paying = Till(till.database, new_program(till.database, "paying", **PAYING))
    pay_with_points(paying)
    balance = trial_balance(paying, paying.now)

    for unit in balance.shown()["units"]:
        assert unit["total_debit"] == unit["total_credit"] > 0
    money = {name: balance.totals[name].balance for name in Account if name.unit in (Unit.MONEY, Unit.MICRO)}
    assert money == {
        # Of the 77 points worth 73 fen, 13 came back: 12.3 fen of it, and 60 stay given for the other 64, floored.
        Account.TENDER_CASH: 905 - 301 + 543 + 50,
        Account.SALES: 905 - 301 + 543,
        Account.POINTS_SOLD: 50,
        Account.POINTS_DISCOUNT: 95 - 32 + 73 - 13 + 38 + 57 - 50,
        Account.TRADING_MONEY: 95 - 32 + 73 - 13 + 38 + 57 - 50,
        Account.ROUNDING: 980_300 - 330_001 + 173_100 - 29_224 + 12_000 + 18_000 + 500_000,
        Account.TRADING_RESIDUE: 980_300 - 330_001 + 173_100 - 29_224 + 12_000 + 18_000 + 500_000,
    }


def test_held_points_are_outstanding_until_they_are_spent(till: Till) -> None:
    till.award("m-1", 100)
    hold = till.post(PlaceHold("m-1", 60, None, "h-1"))[0]["hold_id"]
    before = roll_forward(till, START - timedelta(days=1), START)
    assert (moved(before), before["closing"]) == ({"issued": 100}, 100)
    till.post(CaptureHold(hold, 45))
    after = roll_forward(till, START - timedelta(days=1), START)
    assert (moved(after), after["closing"]) == ({"issued": 100, "redeemed": 45}, 55)


def test_reports_of_the_same_times_stay_the_same_whatever_arrives_later(till: Till) -> None:
    till.buy("m-1", 10_000)
    till.at(day(10)).redeem("m-1", 20)

    def reports() -> bytes:
        return orjson.dumps(
            [trial_balance(till, day(9), day(10)).shown(), roll_forward(till, START, day(9), day(10))]
        )

    before = reports()
    till.at(day(11)).buy("m-2", 99_900, occurred_at=day(3))
    assert reports() == before
    assert moved(roll_forward(till, START, day(9))) == {"issued": 999}


def test_reports_tell_of_their_own_program_only(till: Till) -> None:
    till.award("m-1", 10)
    elsewhere = Till(till.database, new_program(till.database, "other"))
    elsewhere.award("m-1", 7)
    assert trial_balance(till, START).points_outstanding == 10
    assert roll_forward(elsewhere, START, START)["closing"] == 7


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_roll_forwards_of_any_history_tie_to_the_trial_balance(till: Till, seed: int) -> None:
    live_through(till, seed, steps=120)
    hours = int((till.now - START) / timedelta(hours=1))
    random = Random(seed)
    for _ in range(8):
        start, end = sorted(START + timedelta(hours=random.randrange(hours)) for _ in range(2))
        known = random.choice((None, end, till.now))
        total = roll_forward(till, start, end, known)
        balance = trial_balance(till, end, known)
        assert Movements(**{name: total[name] for name in Movements.__slots__}).net == (
            total["closing"] - total["opening"]
        )
        assert total["opening"] == trial_balance(till, start, known).points_outstanding
        assert total["closing"] == balance.points_outstanding
        assert total["transferred"] == 0
        shown = balance.shown()
        assert all(unit["total_debit"] == unit["total_credit"] for unit in shown["units"])
        # The members' reports add up to the program's, whoever of them was known by then.
        parts = [roll_forward(till, start, end, known, member) for member in MEMBERS]
        for name in ("opening", *Movements.__slots__, "closing"):
            assert sum(part[name] for part in parts) == total[name]


@pytest.mark.parametrize("seed", [4, 5])
def test_balances_of_members_add_up_to_the_trial_balance_less_what_the_sweep_has_not_booked(
    till: Till, seed: int
) -> None:
    live_through(till, seed, steps=120)
    till.sweep()
    balance = trial_balance(till, till.now)
    with till.reading() as connection:
        times = times_of(None, None, till.now)
        told = [read_balance_at(connection, till.program, member, times)["points"] for member in MEMBERS]
    assert balance.totals[Account.DEBT].balance == sum(points["debt"] for points in told)
    assert balance.totals[Account.HELD].balance == sum(points["held"] for points in told)
    assert balance.totals[Account.POINTS].balance == sum(
        points["available"] + points["pending"] for points in told
    )


def test_every_account_of_points_on_the_houses_side_has_a_movement_each_way() -> None:
    points = {account for account in Account if account.unit is Unit.POINT} - BUDGET_ACCOUNTS - MEMO_ACCOUNTS
    house = {account for account in points if not account.is_members}
    assert set(ARRIVES) == set(LEAVES) == house
    for account in house:
        there_and_back = movements_of([(account, Account.POINTS, 7), (Account.POINTS, account, 7)])
        assert there_and_back.net == 0
        assert movements_of([(account, Account.HELD, 7)]).net == 7


def test_budgets_are_no_points_of_members(till: Till) -> None:
    till.post(GrantFund("care", 500, "g-1", "a plan", BY))
    till.post(Earning("m-1", 30, "sorry", "a-1", fund="care"))
    till.post(WithdrawFund("care", 100, "g-2", "too much", BY))

    balance = trial_balance(till, START)
    shown = {name: balance.totals[name].balance for name in sorted(BUDGET_ACCOUNTS)}
    assert shown == {Account.FUND: 370, Account.FUND_GRANTED: 400, Account.FUND_SPENT: 30}
    assert all(unit["total_debit"] == unit["total_credit"] for unit in balance.shown()["units"])
    report = roll_forward(till, START - timedelta(days=1), START)
    assert (moved(report), report["closing"]) == ({"issued": 30}, 30)
    assert balance.points_outstanding == 30


def test_growth_and_moves_between_a_members_own_accounts_move_no_points() -> None:
    pairs = [
        (Account.GROWTH_ISSUED, Account.GROWTH, 5),
        (Account.POINTS, Account.DEBT, 5),
        (Account.POINTS, Account.HELD, 5),
        (Account.HELD, Account.POINTS, 5),
    ]
    assert movements_of(pairs) == Movements()


def test_memos_and_money_move_no_points() -> None:
    pairs = [
        (Account.TRADING_POINTS, Account.CONVERTED, 5),
        (Account.CONVERTED, Account.TRADING_POINTS, 5),
        (Account.TENDER_CASH, Account.SALES, 5),
        (Account.POINTS_DISCOUNT, Account.TRADING_MONEY, 5),
        (Account.TENDER_CASH, Account.POINTS_SOLD, 5),
        (Account.TRADING_RESIDUE, Account.ROUNDING, 5),
    ]
    assert movements_of(pairs) == Movements()


def test_points_spent_out_of_a_hold_or_beyond_a_balance_are_redeemed_and_points_sold_are_issued() -> None:
    pairs = [
        (Account.HELD, Account.REDEEMED, 3),
        (Account.DEBT, Account.REDEEMED, 4),
        (Account.DEBT, Account.ISSUED, 5),
        (Account.ISSUED, Account.DEBT, 6),
    ]
    assert movements_of(pairs) == Movements(redeemed=7, clawed_back=5, issued=6)


@pytest.mark.parametrize(
    ("start", "end", "field"), [(day(2), day(1), "to"), (START, day(4), "to"), (day(4), day(5), "to")]
)
def test_period_that_is_upside_down_or_not_over_is_refused(
    till: Till, start: datetime, end: datetime, field: str
) -> None:
    till.at(day(3))
    with pytest.raises(InvalidRequest) as refusal:
        roll_forward(till, start, end)
    assert refusal.value.details["errors"][0]["field"] == field


def test_roll_forward_of_nobody_is_refused(till: Till) -> None:
    with pytest.raises(MemberUnknown):
        roll_forward(till, START, START, member="m-9")
