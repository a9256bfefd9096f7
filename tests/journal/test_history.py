"""Balances of the past: what had happened by one time, as far as was known at another."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from ledger.accounts.chart import Account, Unit
from ledger.accounts.lots import standing_of
from ledger.accounts.queries import read_balance
from ledger.errors import InvalidRequest, MemberUnknown
from ledger.journal.history import Event, Move, Past, Reserved, read_balance_at, times_of
from tests.till import START, Till, day, terms

ROLLING = {"points_expiry": {"kind": "rolling", "months": 1}}


def past(
    till: Till, as_of: datetime, known_as_of: datetime | None = None, member: str = "m-1"
) -> dict[str, Any]:
    with till.reading() as connection:
        times = times_of(as_of, known_as_of, till.now)
        return read_balance_at(connection, till.program, member, times)


def points(till: Till, as_of: datetime, known_as_of: datetime | None = None) -> tuple[int, int, int]:
    told = past(till, as_of, known_as_of)["points"]
    return told["available"], told["pending"], told["debt"]


def test_balance_of_the_present_is_the_same_on_both_ways(till: Till) -> None:
    purchase = till.buy("m-1", 10_000, 5_000)
    till.at(day(1)).redeem("m-1", 120)
    till.at(day(2)).give_back(purchase, 1, 6_000)
    till.at(day(3)).award("m-1", 25, available_at=day(9), expires_at=day(40))
    for now in (day(3), day(9), day(40)):
        with till.at(now).reading() as connection:
            stored = read_balance(connection, till.program, "m-1", now)
        told = past(till, now)
        assert told.pop("known_as_of") == stored["as_of"]
        assert told == stored


def test_each_moment_has_the_balance_that_was_answered_then(till: Till) -> None:
    answers = [till.buy("m-1", 10_000)]
    answers.append(till.at(day(1)).redeem("m-1", 30))
    answers.append(till.at(day(2)).refund(answers[1], 10))
    answers.append(till.at(day(3)).award("m-1", 5))
    answers.append(till.at(day(4)).reverse(answers[0]))
    till.at(day(5))
    for number, answer in enumerate(answers):
        told = past(till, day(number))
        del told["known_as_of"]
        assert told == answer["balance"]
    assert past(till, START - timedelta(days=1))["account_version"] == 0


def test_late_event_changes_what_had_happened_but_never_what_was_known(till: Till) -> None:
    till.award("m-1", 100)
    till.at(day(10))
    asked = [(day(3), day(4)), (day(3), day(10)), (day(10), day(10)), (START, START)]
    before = [orjson.dumps(past(till, *times)) for times in asked]

    till.at(day(11)).buy("m-1", 7_000, occurred_at=day(2))
    till.at(day(12)).redeem("m-1", 150)

    assert [orjson.dumps(past(till, *times)) for times in asked] == before
    assert points(till, day(3), day(10)) == (100, 0, 0)
    assert points(till, day(3), day(11)) == (170, 0, 0)
    assert points(till, day(1), day(11)) == (100, 0, 0)
    assert past(till, day(3))["account_version"] == 2
    assert points(till, day(12)) == (20, 0, 0)


def test_lots_lapse_by_the_moment_asked_about_whether_or_not_a_sweep_has_run(till: Till) -> None:
    till.award("m-1", 40, expires_at=day(5))
    till.award("m-1", 60, available_at=day(3), expires_at=day(9))
    asked = [day(2), day(4), day(5), day(8), day(9)]
    expected = [(40, 60, 0), (100, 0, 0), (60, 0, 0), (60, 0, 0), (0, 0, 0)]
    till.at(day(20))
    assert [points(till, moment) for moment in asked] == expected
    till.sweep()
    assert [points(till, moment) for moment in asked] == expected


def test_activity_extends_rolling_lots_from_when_it_happened_and_revives_none(till: Till) -> None:
    till.change_terms(**ROLLING)
    first = till.award("m-1", 10)
    ends = datetime.fromisoformat(first["lots"][0]["expires_at"])
    till.at(day(20)).redeem("m-1", 1)
    till.at(day(200)).buy("m-1", 100)

    def expiry(as_of: datetime, known_as_of: datetime) -> str:
        told: str = past(till, as_of, known_as_of)["points"]["next_expiry"]["expires_at"]
        return told

    assert datetime.fromisoformat(expiry(day(19), day(19))) == ends
    assert datetime.fromisoformat(expiry(day(20), day(20))) > ends
    assert points(till, ends + timedelta(days=1), day(20)) == (9, 0, 0)
    assert points(till, day(199)) == (0, 0, 0)
    assert points(till, day(200)) == (1, 0, 0)


def test_a_lot_spent_to_nothing_is_not_extended_until_points_return_to_it(till: Till) -> None:
    till.change_terms(**ROLLING)
    till.award("m-1", 10)
    redemption = till.at(day(5)).redeem("m-1", 10)
    till.at(day(20)).buy("m-1", 100)
    till.at(day(21)).refund(redemption, 10)
    for now in (day(21), day(40), day(60)):
        with till.at(now).reading() as connection:
            stored = read_balance(connection, till.program, "m-1", now)
        assert past(till, now)["points"] == stored["points"]


def test_late_return_that_took_later_points_is_a_debt_at_the_moments_between(till: Till) -> None:
    purchase = till.buy("m-1", 10_000)
    till.at(day(2)).redeem("m-1", 100)
    till.at(day(5)).award("m-1", 100)
    # It happened on day 3 and comes in on day 6: the points that it takes were earned on day 5.
    till.at(day(6)).give_back(purchase, 1, 4_000, occurred_at=day(3))

    assert points(till, day(2)) == (0, 0, 0)
    assert points(till, day(3)) == (0, 0, 40)
    assert points(till, day(5)) == (60, 0, 0)
    assert points(till, day(4), day(5)) == (0, 0, 0)


def test_late_return_that_took_later_points_counts_against_the_points_of_the_moment(till: Till) -> None:
    purchase = till.buy("m-1", 10_000)
    till.at(day(2)).redeem("m-1", 100)
    till.award("m-1", 30, expires_at=day(4))
    till.at(day(5)).award("m-1", 100)
    till.at(day(6)).give_back(purchase, 1, 2_000, occurred_at=day(3))
    assert points(till, day(3)) == (10, 0, 0)
    assert points(till, day(4)) == (0, 0, 20)


def test_growth_and_debt_are_told_for_the_past(till: Till) -> None:
    till.change_terms(growth_expiry={"kind": "fixed_days", "days": 10})
    purchase = till.buy("m-1", 10_000)
    till.at(day(1)).redeem("m-1", 100)
    till.at(day(2)).give_back(purchase, 1, 10_000)
    till.at(day(30))
    assert [past(till, moment)["growth"]["value"] for moment in (START, day(2), day(20))] == [100, 0, 0]
    assert [past(till, moment)["points"]["debt"] for moment in (day(1), day(2))] == [0, 100]


@pytest.mark.parametrize("field", ["as_of", "known_as_of"])
def test_what_is_yet_to_come_is_refused_by_name(till: Till, field: str) -> None:
    asked = {"as_of": START, "known_as_of": START, field: START + timedelta(microseconds=1)}
    with pytest.raises(InvalidRequest) as refusal:
        times_of(**asked, now=START)
    assert refusal.value.details["errors"][0]["field"] == field
    assert refusal.value.detail.startswith(field)


def test_member_of_nobody_has_no_past(till: Till) -> None:
    with pytest.raises(MemberUnknown):
        past(till, START)


def test_terms_of_the_till_are_not_shared_between_tests() -> None:
    assert terms(pending_days=3)["pending_days"] == 3
    assert terms()["pending_days"] == 0


AWARD, HOLD, CLOSING, LOT = (uuid4() for _ in range(4))


def reserved(
    as_of: datetime, *, closed_at: datetime | None = None, known: bool = True, captured: int = 0
) -> tuple[int, int]:
    """What is available and held at a moment: 100 points from the start, 60 of them held from day 2 to day 5."""
    hold = Reserved(HOLD, day(5), CLOSING if closed_at else None)
    past_of = Past(as_of, [hold])
    past_of.add(event(AWARD, 1, START, (Account.ISSUED, Account.POINTS, 100)))
    past_of.add(event(HOLD, 2, day(2), (Account.POINTS, Account.HELD, 60)))
    if closed_at and known:
        moves = [(Account.HELD, Account.REDEEMED, captured), (Account.HELD, Account.POINTS, 60 - captured)]
        past_of.add(event(CLOSING, 3, closed_at, *(move for move in moves if move[2])))
    past_of.let_holds_lapse()
    return standing_of(past_of.lots_left()[0], as_of).available, past_of.held


def event(entry_id: UUID, version: int, at: datetime, *moves: tuple[Account, Account, int]) -> Event:
    opens = START if version == 1 else None
    postings = [
        Move(debit, credit, Unit.POINT, amount, LOT, opens, None, None) for debit, credit, amount in moves
    ]
    return Event(entry_id, version, at, at, None, postings)


def test_hold_reserves_points_from_when_it_is_made_until_its_time_is_up() -> None:
    moments = [day(1), day(2), day(5) - timedelta(microseconds=1), day(5), day(9)]
    assert [reserved(moment) for moment in moments] == [(100, 0), (40, 60), (40, 60), (100, 0), (100, 0)]


def test_lapse_is_the_same_before_it_is_booked_and_after() -> None:
    for moment in (day(4), day(5), day(9)):
        told = reserved(moment)
        assert reserved(moment, closed_at=day(5)) == told
        assert reserved(moment, closed_at=day(5), known=False) == told


def test_hold_that_was_captured_or_released_does_not_lapse_as_well() -> None:
    assert [reserved(moment, closed_at=day(3), captured=60) for moment in (day(2), day(3), day(5))] == [
        (40, 60),
        (40, 0),
        (40, 0),
    ]
    assert [reserved(moment, closed_at=day(3), captured=10) for moment in (day(3), day(5))] == [(90, 0)] * 2
    assert [reserved(moment, closed_at=day(3)) for moment in (day(3), day(5))] == [(100, 0)] * 2
    # As far as was known, it was open still, and so it lapsed.
    assert reserved(day(5), closed_at=day(3), captured=60, known=False) == (100, 0)


def test_hold_reserves_points_before_it_was_made_where_the_purchase_that_took_them_says_so() -> None:
    assert reserved(day(1), closed_at=day(1), captured=25) == (75, 0)
    assert reserved(day(2), closed_at=day(1), captured=25) == (75, 0)
    # The clock of a till may be ahead: what has been captured does not come back in between.
    assert reserved(day(5), closed_at=day(6), captured=25) == (40, 60)


def test_points_of_a_lapsed_hold_repay_a_debt_before_they_are_spent() -> None:
    past_of = Past(day(5), [Reserved(HOLD, day(5))])
    past_of.add(event(AWARD, 1, START, (Account.ISSUED, Account.POINTS, 100)))
    past_of.add(event(HOLD, 2, day(2), (Account.POINTS, Account.HELD, 60)))
    past_of.add(event(uuid4(), 3, day(3), (Account.POINTS, Account.ISSUED, 40)))
    past_of.debt = 50
    past_of.let_holds_lapse()
    lots, owed = past_of.lots_left()
    assert (standing_of(lots, day(5)).available, past_of.held, past_of.debt, owed) == (10, 0, 0, 0)
