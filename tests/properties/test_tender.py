"""What goes back of points and cash is a function of the goods that are back: its laws, and ways to break them."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import accumulate, pairwise
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ledger.fx.convert import MICRO, micros_per_point, value_of
from ledger.fx.quotes import Payment
from ledger.money import scale, split
from ledger.rules.tender import Back, due_back
from ledger.rules.terms import Tender
from tests.profiles import examples

TENDERS: Sequence[Tender] = ("pro_rata", "points_first", "cash_first")


class Order(NamedTuple):
    """Lines, how they were paid, and the pieces in which all of them go back, in the order in which they do."""

    lines: tuple[dict[str, Any], ...]
    payment: Payment
    pieces: tuple[tuple[str, int], ...]

    @property
    def states(self) -> list[dict[str, int]]:
        """What is back of each line: nothing at first, and all of it in the end."""
        nothing: dict[str, int] = {}
        return list(accumulate(self.pieces, _with_piece, initial=nothing))

    def due(self, tender: Tender, returned: dict[str, int]) -> Back:
        return due_back(self.lines, self.payment, tender, returned, "CNY")


Rule = Callable[[Order, Tender], list[Back]]
"""What each piece in turn gives back."""


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Few and many lines, cheap and dear points, mostly of an amount at which shares have fractions."""
    amounts = draw(st.lists(st.integers(0, 60) | st.integers(0, 5_000), min_size=1, max_size=9).filter(any))
    total, micros = sum(amounts), draw(st.sampled_from([300_000, 500_000, 900_000, 1_000_000, 3_100_000]))
    rate = Decimal(micros).scaleb(-8)
    least, most = -(-MICRO // micros), (total * MICRO + MICRO - 1) // micros
    assume(least <= most)
    points = draw(st.integers(least, most))
    value = value_of(points, rate, "CNY").amount
    pieces = [piece for number, amount in enumerate(amounts) for piece in draw(_pieces(str(number), amount))]
    lines = tuple({"line_id": str(number), "amount": amount} for number, amount in enumerate(amounts))
    payment = Payment(points, value, total - value, rate, 1)
    return Order(lines, payment, tuple(draw(st.permutations(pieces))))


def _pieces(line: str, amount: int) -> st.SearchStrategy[list[tuple[str, int]]]:
    cuts = st.lists(st.integers(0, amount), max_size=3).map(lambda some: [0, *sorted(some), amount])
    return cuts.map(lambda at: [(line, high - low) for low, high in pairwise(at)])


def _with_piece(returned: dict[str, int], piece: tuple[str, int]) -> dict[str, int]:
    line, amount = piece
    return {**returned, line: returned.get(line, 0) + amount}


def by_all_that_is_back(order: Order, tender: Tender) -> list[Back]:
    """The rule of the ledger."""
    due = [order.due(tender, returned) for returned in order.states]
    return [after - before for before, after in pairwise(due)]


def each_rounded_by_itself(order: Order, tender: Tender) -> list[Back]:
    """What a return would give if nothing were remembered of the others."""
    return [order.due(tender, {line: amount}) for line, amount in order.pieces]


def points_and_value_apart(order: Order, tender: Tender) -> list[Back]:
    """Pro rata as it would be if the points of a line knew nothing of its value."""
    amounts = [line["amount"] for line in order.lines]
    shares = dict(
        zip((line["line_id"] for line in order.lines), split(order.payment.points, amounts), strict=True)
    )
    whole = {line["line_id"]: line["amount"] for line in order.lines}
    due = []
    for returned in order.states:
        points = sum(scale(shares[line], back, whole[line]) for line, back in returned.items() if back)
        due.append(order.due(tender, returned)._replace(points=points))
    return [after - before for before, after in pairwise(due)]


def check_end(order: Order, tender: Tender, rule: Rule) -> None:
    """All goods back: exactly the points, the value and the cash that were paid."""
    end = [sum(amounts) for amounts in zip(*rule(order, tender), strict=True)]
    paid, whole = order.payment, order.payment.share(order.payment.points, "CNY")
    assert end == [paid.points, paid.points_value, paid.cash, whole.residue]


def check_nothing_leaves_as_more(order: Order, tender: Tender, rule: Rule) -> None:
    """At no moment is more back, in cash and in points at the rate they were paid at, than the goods came to.

    But for the residue of less than one minor unit, which the points were worth beyond their value.
    """
    micros, back, goods = micros_per_point(order.payment.rate, "CNY"), Back(), 0
    for (_, amount), piece in zip(order.pieces, rule(order, tender), strict=True):
        back, goods = Back(*map(sum, zip(back, piece, strict=True))), goods + amount
        assert back.cash * MICRO + back.points * micros < (goods + 1) * MICRO


@pytest.mark.parametrize("tender", TENDERS)
@examples(300)
@given(order=orders())
def test_all_of_it_back_is_exactly_what_was_paid(order: Order, tender: Tender) -> None:
    check_end(order, tender, by_all_that_is_back)


@pytest.mark.parametrize("tender", TENDERS)
@examples(300)
@given(order=orders())
def test_every_piece_gives_its_goods_back_and_takes_nothing(order: Order, tender: Tender) -> None:
    for (_, amount), back in zip(order.pieces, by_all_that_is_back(order, tender), strict=True):
        assert min(back) >= 0
        assert back.value + back.cash == amount


@pytest.mark.parametrize("tender", TENDERS)
@examples(150)
@given(order=orders(), random=st.randoms(use_true_random=False), stop=st.integers(0, 40))
def test_what_is_due_does_not_depend_on_the_order_of_the_pieces(
    order: Order, tender: Tender, random: Random, stop: int
) -> None:
    first, rest = list(order.pieces[:stop]), order.pieces[stop:]
    random.shuffle(first)
    shuffled = order._replace(pieces=(*first, *rest))
    due = [sum(amounts) for amounts in zip(Back(), *by_all_that_is_back(order, tender)[:stop], strict=True)]
    again = [
        sum(amounts) for amounts in zip(Back(), *by_all_that_is_back(shuffled, tender)[:stop], strict=True)
    ]
    assert due == again


@pytest.mark.parametrize("tender", TENDERS)
@examples(600)
@given(order=orders())
def test_points_never_leave_as_cash(order: Order, tender: Tender) -> None:
    check_nothing_leaves_as_more(order, tender, by_all_that_is_back)


@examples(300)
@given(order=orders())
def test_no_line_gives_back_more_than_it_bears(order: Order) -> None:
    amounts = [line["amount"] for line in order.lines]
    borne = split(order.payment.points_value, amounts)
    for line, value in zip(order.lines, borne, strict=True):
        of_line = [piece for piece in order.pieces if piece[0] == line["line_id"]]
        alone = by_all_that_is_back(order._replace(pieces=tuple(of_line)), "pro_rata")
        assert (sum(b.value for b in alone), sum(b.cash for b in alone)) == (value, line["amount"] - value)


@examples(300)
@given(order=orders())
def test_in_turn_one_of_both_goes_back_before_the_other(order: Order) -> None:
    for returned in order.states:
        points_first, cash_first = order.due("points_first", returned), order.due("cash_first", returned)
        assert points_first.cash == 0 or points_first.value == order.payment.points_value
        assert cash_first.value == 0 or cash_first.cash == order.payment.cash


def equal_lines(amount: int, count: int, points: int, rate: str) -> Order:
    """Lines of one amount that go back one by one, the last of them first."""
    lines = tuple({"line_id": str(number), "amount": amount} for number in range(count))
    value = value_of(points, Decimal(rate), "CNY").amount
    payment = Payment(points, value, amount * count - value, Decimal(rate), 1)
    return Order(lines, payment, tuple((str(number), amount) for number in reversed(range(count))))


def test_returns_that_are_rounded_each_by_itself_end_elsewhere() -> None:
    thirds = equal_lines(1_000, 1, 100, "0.01")._replace(pieces=(("0", 333), ("0", 333), ("0", 334)))
    with pytest.raises(AssertionError):
        check_end(thirds, "pro_rata", each_rounded_by_itself)


def test_points_spread_over_lines_apart_from_their_value_would_leave_as_cash() -> None:
    eight = equal_lines(5, 8, 8, "0.005")
    check_nothing_leaves_as_more(eight, "pro_rata", by_all_that_is_back)
    with pytest.raises(AssertionError):
        check_nothing_leaves_as_more(eight, "pro_rata", points_and_value_apart)
