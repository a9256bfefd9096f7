"""Lots: in which order they are drawn, and what they are worth at an instant."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.accounts.chart import Unit
from ledger.accounts.lots import EMPTY, Lot, Standing, consume, drawing_order, standing_of, with_lot
from ledger.clock import FAR_FUTURE
from tests.profiles import examples

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)


def days(number: int) -> datetime:
    return NOW + timedelta(days=number)


def lot(
    name: int,
    remaining: int = 10,
    *,
    ends: int | None = None,
    earned: int = -10,
    available: int = -10,
    unit: Unit = Unit.POINT,
) -> Lot:
    """A lot whose times are days from now."""
    return Lot(
        lot_id=bytes([name]),
        unit=unit,
        original=100,
        remaining=remaining,
        earned_at=days(earned),
        available_at=days(available),
        expires_at=None if ends is None else days(ends),
    )


EARLY, LATE, NEVER = lot(9, ends=1), lot(8, ends=2), lot(1)
OLD, YOUNG = lot(7, ends=2, earned=-20), lot(6, ends=2, earned=-5)
FIRST, SECOND = lot(2, ends=3), lot(3, ends=3)


@pytest.mark.parametrize(
    ("lots", "amount", "drawn"),
    [
        ([], 5, []),
        ([NEVER], 0, []),
        ([NEVER], 4, [(1, 4)]),
        ([NEVER], 10, [(1, 10)]),
        ([NEVER], 11, [(1, 10)]),  # less than asked for: the caller decides what that means
        ([NEVER, LATE, EARLY], 25, [(9, 10), (8, 10), (1, 5)]),  # earliest expiry first, never last
        ([YOUNG, OLD], 12, [(7, 10), (6, 2)]),  # the same expiry: the older first
        ([SECOND, FIRST], 12, [(2, 10), (3, 2)]),  # the same age as well: by id
        (
            [lot(1, 0, ends=1), lot(2, 1, ends=2), lot(3, ends=3)],
            2,
            [(2, 1), (3, 1)],
        ),  # empty ones give nothing
        ([EARLY, lot(9, 3, ends=1)], 12, [(9, 10), (9, 2)]),
    ],
)
def test_lots_are_drawn_by_expiry_then_age_then_id(
    lots: list[Lot], amount: int, drawn: list[tuple[int, int]]
) -> None:
    assert [(draw.lot.lot_id[0], draw.amount) for draw in consume(lots, amount)] == drawn


@st.composite
def some_lots(draw: st.DrawFn) -> list[Lot]:
    times = st.integers(-3, 3)
    return [
        replace(
            lot(
                number,
                draw(st.integers(0, 20)),
                ends=draw(st.none() | times),
                earned=draw(times),
                available=draw(times),
                unit=draw(st.sampled_from([Unit.POINT, Unit.POINT, Unit.GROWTH])),
            ),
            rolling=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 6)))
    ]


@examples(300)
@given(some_lots(), st.integers(0, 100), st.randoms(use_true_random=False))
def test_drawing_takes_all_it_can_from_the_front_and_changes_nothing(
    lots: list[Lot], amount: int, random: object
) -> None:
    before = [replace(each) for each in lots]
    draws = consume(lots, amount)
    assert lots == before
    assert sum(draw.amount for draw in draws) == min(amount, sum(each.remaining for each in lots))
    assert all(0 < draw.amount <= draw.lot.remaining for draw in draws)
    # Only the last one drawn from may keep something, and every lot before it in the order was drawn from.
    assert all(draw.amount == draw.lot.remaining for draw in draws[:-1])
    inorder = [each for each in sorted(lots, key=drawing_order) if each.remaining]
    assert [draw.lot for draw in draws] == inorder[: len(draws)]
    shuffled = list(lots)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert consume(shuffled, amount) == draws


@examples(300)
@given(some_lots(), st.integers(0, 60), st.integers(0, 60))
def test_drawing_twice_is_drawing_once(lots: list[Lot], first: int, second: int) -> None:
    once = {draw.lot.lot_id: draw.amount for draw in consume(lots, first + second)}
    twice: dict[bytes, int] = {}
    for amount in (first, second):
        for draw in consume(lots, amount):
            draw.lot.remaining -= draw.amount
            twice[draw.lot.lot_id] = twice.get(draw.lot.lot_id, 0) + draw.amount
    assert twice == once


@pytest.mark.parametrize(
    ("ends", "available", "remaining", "live", "spendable"),
    [
        (None, -1, 10, True, True),
        (None, 0, 10, True, True),  # available at this very instant
        (None, 1, 10, True, False),  # pending
        (1, -1, 10, True, True),
        (0, -1, 10, False, False),  # gone at this very instant
        (-1, -1, 10, False, False),
        (1, -1, 0, False, False),  # nothing left
    ],
)
def test_lot_is_spendable_from_its_first_instant_until_just_before_its_end(
    ends: int | None, available: int, remaining: int, live: bool, spendable: bool
) -> None:
    it = lot(1, remaining, ends=ends, available=available)
    assert (it.is_live(NOW), it.is_spendable(NOW)) == (live, spendable)


def test_last_microsecond_of_a_lot_counts() -> None:
    it = lot(1, ends=1)
    assert it.is_spendable(days(1) - timedelta(microseconds=1))
    assert not it.is_spendable(days(1))


@pytest.mark.parametrize(
    ("lots", "standing"),
    [
        ([], EMPTY),
        ([NEVER], Standing(10, 0, 0, None, 0, FAR_FUTURE)),
        ([lot(1, available=2)], Standing(0, 10, 0, None, 0, days(2))),  # until it is no longer pending
        ([lot(1, ends=3)], Standing(10, 0, 0, days(3), 10, days(3))),
        ([lot(1, ends=5, available=2)], Standing(0, 10, 0, days(5), 10, days(2))),
        ([lot(1, ends=2, available=3)], Standing(0, 10, 0, days(2), 10, days(2))),
        ([lot(1, 3, ends=3), lot(2, 4, ends=3), lot(3, 5, ends=4)], Standing(12, 0, 0, days(3), 7, days(3))),
        (
            [lot(1, ends=-1), lot(2, ends=0), lot(3, 0, ends=1)],
            EMPTY,
        ),  # the clock took them, or they are spent
        ([lot(1, unit=Unit.GROWTH)], Standing(0, 0, 10, None, 0, FAR_FUTURE)),
        ([lot(1, ends=3, unit=Unit.GROWTH)], Standing(0, 0, 10, None, 0, days(3))),  # no points expire
        (
            [lot(1, 1, ends=9), lot(2, 2, available=1), lot(3, 4, ends=5, unit=Unit.GROWTH)],
            Standing(1, 2, 4, days(9), 1, days(1)),
        ),
    ],
)
def test_standing_is_what_the_clock_leaves(lots: list[Lot], standing: Standing) -> None:
    assert standing_of(lots, NOW) == standing


@examples(300)
@given(some_lots(), st.randoms(use_true_random=False))
def test_adding_lots_one_by_one_in_any_order_gives_the_standing_of_all(
    lots: list[Lot], random: object
) -> None:
    shuffled = [each for each in lots if each.is_live(NOW)]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    standing = EMPTY
    for each in shuffled:
        standing = with_lot(standing, each, NOW)
    assert standing == standing_of(lots, NOW)


@examples(300)
@given(some_lots(), st.integers(0, 6 * 24))
def test_standing_holds_until_it_says_so_and_not_longer(lots: list[Lot], hours: int) -> None:
    standing = standing_of(lots, NOW)
    later = NOW + timedelta(hours=hours)
    if later < standing.fresh_until:
        assert standing_of(lots, later) == standing
    if standing.fresh_until < FAR_FUTURE:
        assert standing_of(lots, standing.fresh_until) != standing
