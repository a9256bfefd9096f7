"""What comes after a soft close is booked in the first open month, and goes on having happened when it happened."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from ledger.clock import show
from ledger.errors import PeriodOutOfTurn
from ledger.finance.months import bounds_of
from ledger.finance.periods.events import read_events
from ledger.finance.roll_forward import Movements
from ledger.finance.verify import verify
from ledger.redemption.commands import RedeemOffline
from ledger.redemption.offline import Offline
from tests.finance.closing import (
    bytes_of_pack,
    closed,
    hash_of_pack,
    locked,
    pack_of,
    reopened,
    soft_closed,
)
from tests.finance.putting_right import adjust
from tests.finance.reporting import report_of, total_up
from tests.till import START, Till, day, new_program

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)


def moved(rolled: dict[str, Any]) -> dict[str, int]:
    """The movements that are not nothing."""
    return {name: rolled[name] for name in Movements.__slots__ if rolled[name]}


def happened(till: Till, month: date, known_as_of: datetime | None = None) -> dict[str, int]:
    """What moved the points in a month, by when it happened."""
    start, end = bounds_of(till.program, month)
    return moved(
        report_of(till, "points-roll-forward", start=start, end=end, known_as_of=known_as_of or till.now)
    )


def is_sound(till: Till) -> bool:
    with till.reading() as connection:
        return all(finding.is_sound for finding in verify(connection))


def test_late_purchase_return_redemption_and_expiry_are_booked_in_the_first_open_month(till: Till) -> None:
    till.change_terms(offline={"credit": 1_000})
    bought = till.at(day(3)).buy("m-1", 10_000)
    till.award("m-2", 40, expires_at=day(20))
    till.at(day(40))
    soft_closed(till, "2026-01")
    closed_at = till.now
    till.at(day(41))
    till.buy("m-1", 3_000, occurred_at=day(25))
    till.give_back(bought, 1, 2_000, occurred_at=day(26))
    till.post(RedeemOffline("m-1", 15, "x-late", Offline("d-1", day(27))))
    till.sweep()
    locked(till, "2026-01")

    january = pack_of(till, "2026-01")["points"]
    assert (moved(january), january["closing"]) == ({"issued": 140}, 140)
    # The sweep should have run before; the pack says what it would have booked.
    assert pack_of(till, "2026-01")["expiry_backlog"] == {"points": 40}
    late = {"issued": 30, "clawed_back": 20, "redeemed": 15, "expired": 40}
    # By when it happened, all of it is January's still; what was known at the close was not.
    # Points are redeemed when the books hear of it, wherever the till was.
    assert happened(till, JANUARY) == {"issued": 170, "clawed_back": 20, "expired": 40}
    assert happened(till, JANUARY, closed_at) == {"issued": 140}

    till.at(day(62))
    assert happened(till, FEBRUARY) == {"redeemed": 15}
    february = closed(till, "2026-02")
    assert (february["points"]["opening"], moved(february["points"])) == (140, late)
    assert february["expiry_backlog"] == {"points": 0}
    listed = february["late_entries"]
    assert listed["entries"] == 2
    assert [
        (row["kind"], row["effective_at"], row["points"], row["booked_on"]) for row in listed["data"]
    ] == [
        ("earn", show(day(25)), 30, "2026-02-01"),
        ("return", show(day(26)), -20, "2026-02-01"),
    ]
    assert pack_of(till, "2026-01")["late_entries"] == {"entries": 0, "data": []}
    assert is_sound(till)


def test_month_ends_at_the_midnight_of_the_program(till: Till) -> None:
    tick = timedelta(microseconds=1)
    ends = bounds_of(till.program, JANUARY).last + tick
    assert show(ends) == "2026-01-31T16:00:00.000000Z"
    till.at(ends - tick).buy("m-1", 1_000)
    with pytest.raises(PeriodOutOfTurn):
        soft_closed(till, "2026-01")
    till.at(ends).buy("m-1", 200)
    assert moved(closed(till, "2026-01")["points"]) == {"issued": 10}
    elsewhere = Till(till.database, new_program(till.database, "elsewhere"))
    elsewhere.award("m-1", 5, expires_at=ends)
    elsewhere.at(ends + timedelta(days=1)).sweep()
    # What the clock takes at the midnight that ends a month belongs to the month.
    assert moved(closed(elsewhere, "2026-01")["points"]) == {"issued": 5, "expired": 5}


def test_adjustment_under_way_at_the_soft_close_reaches_the_month_and_no_locked_one(till: Till) -> None:
    till.buy("m-1", 10_000)
    till.award("m-2", 7)
    ended = day(40)
    till.at(ended)
    soft_closed(till, "2026-01")
    # Its present was read before the end of the month.
    adjust(till.at(day(30)), "m-1", 9)
    till.at(ended)
    locked(till, "2026-01")
    january = pack_of(till, "2026-01")
    assert moved(january["points"]) == {"issued": 107, "adjusted": 9}
    assert [(row["kind"], row["maker"], row["checker"]) for row in january["manual_entries"]["data"]] == [
        ("adjust", "maker", "checker")
    ]
    adjust(till.at(day(30)), "m-2", 4)
    till.at(ended)
    kept = bytes_of_pack(till, "2026-01")
    assert bytes_of_pack(till, "2026-01") == kept
    february = closed(till.at(day(62)), "2026-02")
    assert moved(february["points"]) == {"adjusted": 4}
    assert is_sound(till)


def test_clock_that_stands_still_tells_nothing_apart_and_the_order_does(till: Till) -> None:
    still = day(40)
    till.at(still).buy("m-1", 10_000, occurred_at=day(20))
    soft_closed(till, "2026-01")
    till.buy("m-1", 500, occurred_at=day(20))
    total_up(till)
    locked(till, "2026-01")
    till.buy("m-1", 200, occurred_at=day(20))
    total_up(till)
    assert moved(pack_of(till, "2026-01")["points"]) == {"issued": 100}
    assert happened(till, JANUARY) == {"issued": 107}
    assert is_sound(till)
    assert moved(closed(till.at(day(62)), "2026-02")["points"]) == {"issued": 7}
    assert is_sound(till)


def test_month_opened_again_takes_events_again_and_both_packs_stay(till: Till) -> None:
    till.buy("m-1", 10_000)
    closed(till.at(day(40)), "2026-01")
    first = hash_of_pack(till, "2026-01")
    till.at(day(41)).buy("m-1", 500, occurred_at=day(20))
    assert reopened(till.at(day(42)), "2026-01")["status"] == "open"
    till.buy("m-1", 200, occurred_at=day(21))
    again = closed(till.at(day(43)), "2026-01")
    # What came while it was closed stays where it was booked.
    assert moved(again["points"]) == {"issued": 102}
    assert moved(closed(till.at(day(62)), "2026-02")["points"]) == {"issued": 5}
    assert hash_of_pack(till, "2026-01") != first
    with till.reading() as connection:
        kept = [event.pack_hash for event in read_events(connection, till.program) if event.pack_hash]
    assert kept[0] == first
    assert len(kept) == 3
    assert is_sound(till)


def test_packs_name_the_one_before_and_tie(till: Till) -> None:
    till.buy("m-1", 10_000)
    closed(till.at(day(40)), "2026-01")
    till.redeem("m-1", 30)
    february = closed(till.at(day(62)), "2026-02")
    assert february["previous_pack_hash"] == hash_of_pack(till, "2026-01").hex()
    ties = {(tie["what"], tie["against"]): tie for tie in february["ties"]}
    assert not [tie for tie in ties.values() if tie["difference"]]
    opening = ties["points, opening", "closing of the month before"]
    assert (opening["figure"], opening["other"]) == (100, 100)
    assert ties["points roll-forward, closing", "trial balance"]["other"] == 70
    assert february["redemption_rate"] == [
        {"window": "period", "redeemed_net": 30, "issued_net": 0, "rate": None},
        {"window": "since_the_beginning", "redeemed_net": 30, "issued_net": 100, "rate": "0.300000"},
    ]


def test_month_before_the_start_of_the_books_can_be_closed_and_is_empty(till: Till) -> None:
    pack = closed(till.at(START), "2025-12")
    assert (pack["points"]["closing"], pack["trial_balance"], pack["deferral"]["cohorts"]) == (0, [], [])
    assert not [tie for tie in pack["ties"] if tie["difference"]]
    assert is_sound(till)


def test_approval_of_a_reopening_that_is_late_is_refused(till: Till) -> None:
    closed(till.at(day(40)), "2026-01")
    till.at(day(62))
    with pytest.raises(PeriodOutOfTurn) as refused:
        reopened(closing_february_first(till), "2026-01")
    assert refused.value.details["next"] == "2026-02"


def closing_february_first(till: Till) -> Till:
    closed(till, "2026-02")
    return till
