"""Holds in balances of the past: reserved while they last, and back by the clock, whether or not that is booked."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from ledger.accounts.queries import read_balance
from ledger.fx.quotes import MakeQuote
from ledger.journal.history import read_balance_at, times_of
from ledger.redemption.holds import CaptureHold, PlaceHold, ReleaseHold
from ledger.rules.commands import Line, Purchase
from ledger.rules.paying import PointsPart
from tests.finance.histories import MEMBERS, live_through
from tests.till import Till, day

DAY = 86_400

Told = tuple[int, int, int]


def told(till: Till, as_of: datetime, known_as_of: datetime | None = None) -> Told:
    """Available, held and owed points of m-1."""
    with till.reading() as connection:
        times = times_of(as_of, known_as_of, till.now)
        points = read_balance_at(connection, till.program, "m-1", times)["points"]
    return points["available"], points["held"], points["debt"]


def stored(till: Till) -> Told:
    """The same by the holder's row and the present clock."""
    with till.reading() as connection:
        points = read_balance(connection, till.program, "m-1", till.now)["points"]
    return points["available"], points["held"], points["debt"]


def hold(till: Till, points: int, days: int) -> str:
    reference = f"h-{next(till.numbers)}"
    answer: str = till.post(PlaceHold("m-1", points, None, reference, days * DAY))[0]["hold_id"]
    return answer


def test_lapse_shows_at_its_own_moment_before_it_is_booked_and_after(till: Till) -> None:
    till.award("m-1", 100)
    hold(till.at(day(1)), 60, days=4)
    asked = [day(0), day(1), day(5) - timedelta(microseconds=1), day(5), day(9)]
    expected = [(100, 0, 0), (40, 60, 0), (40, 60, 0), (100, 0, 0), (100, 0, 0)]
    till.at(day(9))
    assert [told(till, moment) for moment in asked] == expected
    assert stored(till) == (100, 0, 0)
    till.at(day(10)).award("m-1", 1)
    assert till.rows("SELECT kind, effective_at FROM entries ORDER BY version")[2] == ("release", day(5))
    assert [told(till, moment) for moment in asked] == expected
    assert told(till, day(9), day(9)) == (100, 0, 0)


def test_what_was_captured_or_released_was_held_until_then(till: Till) -> None:
    till.award("m-1", 100)
    captured, released = hold(till, 60, days=9), hold(till, 10, days=9)
    till.at(day(2)).post(CaptureHold(captured, 25))
    till.at(day(3)).post(ReleaseHold(released))
    till.at(day(20))
    asked = [day(0), day(2), day(3), day(9), day(20)]
    assert [told(till, moment) for moment in asked] == [
        (30, 70, 0),
        (65, 10, 0),
        (75, 0, 0),
        (75, 0, 0),
        (75, 0, 0),
    ]
    # As far as was known on day 1, both would lapse.
    assert told(till, day(9), day(1)) == (100, 0, 0)


def test_points_back_from_a_hold_lapse_with_their_lot(till: Till) -> None:
    till.award("m-1", 50, expires_at=day(3))
    till.award("m-1", 50, expires_at=day(30))
    hold(till, 60, days=5)
    till.at(day(9))
    asked = [day(2), day(3), day(5), day(9)]
    expected = [(40, 60, 0), (40, 60, 0), (50, 0, 0), (50, 0, 0)]
    assert [told(till, moment) for moment in asked] == expected
    till.sweep()
    assert [told(till, moment) for moment in asked] == expected


def test_purchase_that_says_it_happened_before_its_hold_has_taken_the_points_by_then(till: Till) -> None:
    till.award("m-1", 100)
    till.at(day(1))
    quote = till.post(MakeQuote("m-1", 80, "CNY", 60))[0]["quote_id"]
    till.post(PlaceHold("m-1", None, quote, "h-1", DAY))
    lines, earlier = (Line("1", 1, 80),), till.now - timedelta(hours=1)
    part = PointsPart(quote)
    till.post(Purchase("p-1", "m-1", earlier, "CNY", lines, points_part=part))
    assert told(till, earlier - timedelta(seconds=1)) == (100, 0, 0)
    assert told(till, earlier) == (40, 0, 0)
    assert told(till, day(1)) == (40, 0, 0)


def test_balance_of_the_present_is_the_same_on_both_ways_as_a_hold_ends(till: Till) -> None:
    till.award("m-1", 100)
    hold(till, 60, days=4)
    for now in (day(1), day(4), day(7)):
        till.at(now)
        assert told(till, now) == stored(till)


@pytest.mark.parametrize("seed", [7, 8])
def test_what_the_clock_will_have_done_is_what_the_books_say_it_did(till: Till, seed: int) -> None:
    live_through(till, seed, steps=90)
    last = till.now
    asked = [last + timedelta(hours=hours) for hours in (0, 1, 25, 300, 900)]
    till.at(asked[-1])
    before = balances(till, asked)
    till.at(asked[-1] + timedelta(hours=1)).sweep()
    assert balances(till, asked) == before


def balances(till: Till, asked: list[datetime]) -> list[dict[str, Any]]:
    with till.reading() as connection:
        return [
            read_balance_at(connection, till.program, member, times_of(moment, None, till.now))["points"]
            for moment in asked
            for member in MEMBERS
        ]
