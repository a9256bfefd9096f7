"""Reads of the present: a balance from the stored standing or from the lots, and the lots by the clock."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from ledger.accounts.queries import read_balance, read_lots
from ledger.errors import InvalidRequest, MemberUnknown
from tests.till import START, Till, day, new_program


def balance(till: Till, member: str = "m-1") -> dict[str, Any]:
    with till.reading() as connection:
        return read_balance(connection, till.program, member, till.now)


def lots(till: Till, **options: Any) -> list[dict[str, Any]]:
    with till.reading() as connection:
        return read_lots(connection, till.program, "m-1", till.now, **options).items


def test_balance_read_is_the_balance_that_the_last_posting_answered(till: Till) -> None:
    till.buy("m-1", 10_000)
    till.award("m-1", 50, expires_at=day(90))
    answer = till.redeem("m-1", 20)
    assert balance(till) == answer["balance"]
    assert balance(till)["points"]["available"] == 130


def test_balance_follows_the_clock_where_the_stored_standing_has_ended(till: Till) -> None:
    till.award("m-1", 50, expires_at=day(10))
    till.award("m-1", 30, available_at=day(5), expires_at=day(20))
    assert balance(till)["points"]["pending"] == 30

    pending_over = balance(till.at(day(5)))["points"]
    assert (pending_over["available"], pending_over["pending"]) == (80, 0)
    assert pending_over["next_expiry"]["points"] == 50

    lapsed = balance(till.at(day(10)))["points"]
    assert lapsed["available"] == 30
    assert balance(till.at(day(20)))["points"] == {
        "available": 0,
        "pending": 0,
        "held": 0,
        "debt": 0,
        "next_expiry": None,
    }


def test_balance_needs_one_row_while_the_standing_is_fresh(till: Till) -> None:
    till.award("m-1", 50, expires_at=day(10))
    with till.reading() as connection:
        statements: list[str] = []
        event.listen(connection, "before_cursor_execute", lambda *args: statements.append(args[2]))
        read_balance(connection, till.program, "m-1", day(9))
        assert len(statements) == 1
        read_balance(connection, till.program, "m-1", day(10))
        assert len(statements) == 3


def test_balance_is_not_told_for_a_time_before_the_last_posting(till: Till) -> None:
    till.at(day(1)).award("m-1", 50)
    assert balance(till.at(START))["as_of"] == "2026-01-02T00:00:00.000000Z"


def test_unknown_member_and_another_programs_member_have_no_balance(till: Till) -> None:
    till.award("m-1", 50)
    with pytest.raises(MemberUnknown):
        balance(till, "m-2")
    elsewhere = Till(till.database, new_program(till.database, "other"))
    with pytest.raises(MemberUnknown):
        balance(elsewhere)
    with elsewhere.reading() as connection, pytest.raises(MemberUnknown):
        read_lots(connection, elsewhere.program, "m-1", START)


def test_each_lot_tells_its_state_by_the_clock(till: Till) -> None:
    till.award("m-1", 10, expires_at=day(1))
    till.redeem("m-1", 10)
    till.award("m-1", 20, expires_at=day(2))
    till.award("m-1", 30, expires_at=day(3))
    till.award("m-1", 40, available_at=day(30))
    till.award("m-1", 50)
    till.at(day(2)).sweep()
    till.at(day(4))

    shown = [
        (lot["original"], lot["remaining"], lot["expired"], lot["state"]) for lot in lots(till, state="all")
    ]
    assert shown == [
        (50, 50, 0, "available"),
        (40, 40, 0, "pending"),
        (30, 30, 0, "expired"),  # by the clock alone: no sweep has booked it
        (20, 0, 20, "expired"),
        (10, 0, 0, "spent"),
    ]
    assert [lot["original"] for lot in lots(till)] == [50, 40]


def test_lots_come_in_pages_that_later_lots_do_not_shift(till: Till) -> None:
    for points in range(1, 8):
        till.award("m-1", points)
    with till.reading() as connection:
        first = read_lots(connection, till.program, "m-1", till.now, limit=3)
    till.award("m-1", 8)
    with till.reading() as connection:
        second = read_lots(connection, till.program, "m-1", till.now, limit=3, cursor=first.next_cursor)
        third = read_lots(connection, till.program, "m-1", till.now, limit=3, cursor=second.next_cursor)
    pages = [[lot["original"] for lot in page.items] for page in (first, second, third)]
    assert pages == [[7, 6, 5], [4, 3, 2], [1]]
    assert third.next_cursor is None


@pytest.mark.parametrize(
    "cursor", ["", "x", "TA", "ÄÖ", "RQAAAAAAAAAC", "TAAAAAAAAAAAAAAAAAAAAAA=", "A" * 500]
)
def test_cursor_that_this_list_never_gave_is_refused_by_name(till: Till, cursor: str) -> None:
    till.award("m-1", 1)
    with till.reading() as connection, pytest.raises(InvalidRequest) as refusal:
        read_lots(connection, till.program, "m-1", till.now, cursor=cursor)
    assert refusal.value.details["errors"][0]["field"] == "cursor"


def test_a_lot_is_spendable_to_the_last_microsecond(till: Till) -> None:
    till.award("m-1", 10, expires_at=day(1))
    till.at(day(1) - timedelta(microseconds=1))
    assert (balance(till)["points"]["available"], lots(till)[0]["state"]) == (10, "available")
    till.at(day(1))
    assert (balance(till)["points"]["available"], lots(till)) == (0, [])
