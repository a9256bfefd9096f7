"""The state of a holder: moved by postings and nothing else, and never to where no balance may be."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.accounts.chart import Account
from ledger.accounts.holder import GENESIS, Holder
from ledger.accounts.lots import EMPTY
from ledger.accounts.postings import Opening, Posting
from ledger.ids import lot_id
from ledger.money import MAX_AMOUNT

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ENTRY = bytes(14) + b"\0\0"
LOT, OTHER = lot_id(ENTRY, 1), lot_id(ENTRY, 2)
A = Account


def holder(*, sees_lots: bool = True) -> Holder:
    return Holder(b"h" * 16, 1, "m-1", lots={} if sees_lots else None)


def opening(*, ends: int | None = 10, available: int = 0, rolling: bool = False) -> Opening:
    return Opening(NOW, NOW + available * DAY, None if ends is None else NOW + ends * DAY, rolling)


def issue(amount: int, lot: bytes = LOT, terms: Opening | None = None) -> Posting:
    return Posting(A.ISSUED, A.POINTS, amount, lot, terms or opening())


def test_new_holder_has_nothing() -> None:
    new = holder()
    assert (new.version, new.head, new.points, new.held, new.debt, new.growth) == (0, GENESIS, 0, 0, 0, 0)
    assert new.standing == EMPTY
    assert not new.is_changed


@pytest.mark.parametrize(
    ("postings", "points", "debt", "growth", "remaining"),
    [
        ([issue(10)], 10, 0, 0, 10),
        ([issue(10), Posting(A.POINTS, A.REDEEMED, 4, LOT)], 6, 0, 0, 6),
        (
            [
                issue(10),
                Posting(A.POINTS, A.REDEEMED, 10, LOT),
                Posting(A.REDEEMED, A.POINTS, 3, LOT),
            ],
            3,
            0,
            0,
            3,
        ),
        ([issue(10), Posting(A.POINTS, A.ISSUED, 10, LOT), Posting(A.DEBT, A.ISSUED, 5)], 0, 5, 0, 0),
        ([Posting(A.DEBT, A.ISSUED, 5), issue(10), Posting(A.POINTS, A.DEBT, 5, LOT)], 5, 0, 0, 5),
        ([Posting(A.GROWTH_ISSUED, A.GROWTH, 7, LOT, opening())], 0, 0, 7, 7),
        ([issue(10), Posting(A.POINTS, A.EXPIRED, 10, LOT)], 0, 0, 0, 0),
    ],
)
def test_postings_move_balances_and_lots(
    postings: list[Posting], points: int, debt: int, growth: int, remaining: int
) -> None:
    moved = holder()
    moved.apply(postings, NOW)
    assert (moved.points, moved.debt, moved.growth) == (points, debt, growth)
    assert moved.is_changed
    if LOT in (moved.lots or {}):
        assert moved.require_lot(LOT).remaining == remaining


def test_only_what_expires_counts_as_expired() -> None:
    moved = holder()
    moved.apply([issue(10), Posting(A.POINTS, A.REDEEMED, 4, LOT), Posting(A.POINTS, A.EXPIRED, 5, LOT)], NOW)
    assert (moved.require_lot(LOT).remaining, moved.require_lot(LOT).expired) == (1, 5)


def test_lots_need_not_be_seen_to_add_one() -> None:
    blind, seeing = holder(sees_lots=False), holder()
    postings = [issue(10), issue(5, OTHER, opening(ends=3, available=1))]
    blind.apply(postings, NOW)
    seeing.apply(postings, NOW)
    assert blind.standing == seeing.standing
    assert [lot.lot_id for lot in blind.opened] == [LOT, OTHER]


def test_lot_that_is_dead_on_arrival_adds_nothing_to_the_standing() -> None:
    for sees_lots in (True, False):
        late = holder(sees_lots=sees_lots)
        late.apply([issue(10, terms=opening(ends=0))], NOW)
        assert late.points == 10
        assert late.standing == EMPTY


@pytest.mark.parametrize(
    "postings",
    [
        [Posting(A.POINTS, A.REDEEMED, 11, LOT)],  # more than there is
        [Posting(A.REDEEMED, A.POINTS, 1, LOT)],  # more than there ever was in the lot
        [Posting(A.POINTS, A.REDEEMED, 0, LOT)],
        [Posting(A.POINTS, A.REDEEMED, -1, LOT)],
        [Posting(A.POINTS, A.DEBT, 1, LOT)],  # a debt below nothing
        [issue(MAX_AMOUNT, OTHER)],
    ],
)
def test_postings_that_no_decision_makes_are_not_applied(postings: list[Posting]) -> None:
    moved = holder()
    moved.apply([issue(10)], NOW)
    with pytest.raises(AssertionError):
        moved.apply(postings, NOW)


def test_posting_on_a_lot_that_was_not_loaded_is_not_applied() -> None:
    with pytest.raises(AssertionError):
        holder(sees_lots=False).apply([Posting(A.POINTS, A.REDEEMED, 1, LOT)], NOW)


@pytest.mark.parametrize(
    ("terms", "wait", "moves"),
    [
        (opening(ends=10, rolling=True), 1, True),
        (opening(ends=10, rolling=True), 10, False),  # lapsed at this very instant: not revived
        (opening(ends=10, rolling=False), 1, False),
        (opening(ends=40, rolling=True), 1, False),  # never back
        (opening(ends=None, rolling=True), 1, False),
    ],
)
def test_activity_moves_only_live_rolling_lots_and_only_forward(
    terms: Opening, wait: int, moves: bool
) -> None:
    rolling = holder()
    rolling.apply([issue(10, terms=terms)], NOW)
    extended = NOW + 30 * DAY
    rolling.apply([], NOW + wait * DAY, extends_to=extended)
    assert rolling.require_lot(LOT).expires_at == (extended if moves else terms.expires_at)
    assert (LOT in rolling.touched) == moves


def test_spendable_leaves_out_pending_lapsed_empty_and_growth() -> None:
    lots = [lot_id(ENTRY, number) for number in range(1, 6)]
    mixed = holder()
    mixed.apply(
        [
            issue(1, lots[0]),
            issue(2, lots[1], opening(available=1)),
            issue(4, lots[2], opening(ends=0)),
            issue(8, lots[3]),
            Posting(A.GROWTH_ISSUED, A.GROWTH, 16, lots[4], opening()),
            Posting(A.POINTS, A.REDEEMED, 8, lots[3]),
        ],
        NOW,
    )
    assert [lot.remaining for lot in mixed.spendable(NOW)] == [1]
    assert [lot.remaining for lot in mixed.live(NOW)] == [1, 2]
