"""Partial returns add up: however a purchase goes back, in whatever pieces and order, the end is the same."""

from random import Random
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.commands import Line
from ledger.rules.returns import Return, ReturnedLine
from tests.builders import NOW, Bench, earning, program, purchase, redeem
from tests.model.memory import MemoryDriver
from tests.profiles import examples


class Basket(NamedTuple):
    """A purchase, what was done with its points, and the pieces in which part of it goes back."""

    lines: tuple[Line, ...]
    pieces: tuple[ReturnedLine, ...]
    spent: int
    gift: int


class End(NamedTuple):
    """What is left when all pieces went back."""

    points: int
    growth: int
    clawed_back: int
    growth_clawed_back: int
    cash: int


@st.composite
def baskets(draw: st.DrawFn) -> Basket:
    lines, pieces = [], []
    for number, amount in enumerate(draw(st.lists(st.integers(0, 3_000), min_size=1, max_size=3)), 1):
        quantity = draw(st.integers(1, 4))
        lines.append(Line(str(number), quantity, amount))
        cuts = sorted(draw(st.lists(st.integers(0, amount), min_size=1, max_size=4)))
        amounts = [high - low for low, high in zip([0, *cuts], cuts, strict=False)]
        pieces += [ReturnedLine(str(number), 0, each) for each in amounts]
    return Basket(tuple(lines), tuple(pieces), draw(st.integers(0, 40)), draw(st.integers(0, 20)))


def end_of(basket: Basket, returns: list[tuple[ReturnedLine, ...]]) -> End:
    """Buy, get a gift, spend, and give the pieces back as they are grouped and ordered here."""
    bench = Bench(MemoryDriver(program()))
    bench.must(purchase(lines=basket.lines, purchase_id="p"))
    if basket.gift:
        bench.must(earning(basket.gift))
    if spent := min(basket.spent, bench.available()):
        bench.must(redeem(spent))
    answers = [bench.must(Return("p", f"t-{n}", NOW, lines)) for n, lines in enumerate(returns)]
    bench.check()
    holder = bench.books().holders["m-1"]
    return End(
        holder.points - holder.debt,
        holder.growth,
        sum(answer["points_clawed_back"] for answer in answers),
        sum(answer["growth_clawed_back"] for answer in answers),
        sum(answer["cash_refund"]["amount"] for answer in answers),
    )


@examples(150)
@given(baskets(), st.randoms(use_true_random=False))
def test_any_order_and_grouping_of_partial_returns_ends_the_same(basket: Basket, random: Random) -> None:
    once = end_of(basket, [basket.pieces])
    shuffled = list(basket.pieces)
    random.shuffle(shuffled)
    assert end_of(basket, [(piece,) for piece in shuffled]) == once
    middle = random.randint(0, len(shuffled))
    halves = [tuple(half) for half in (shuffled[:middle], shuffled[middle:]) if half]
    assert end_of(basket, halves) == once


@examples(100)
@given(baskets(), st.randoms(use_true_random=False))
def test_all_of_it_back_in_any_order_takes_all_of_it_back(basket: Basket, random: Random) -> None:
    rest = {line.line_id: line.amount for line in basket.lines}
    for piece in basket.pieces:
        rest[piece.line_id] -= piece.amount
    pieces = [*basket.pieces, *(ReturnedLine(line, 0, amount) for line, amount in rest.items())]
    random.shuffle(pieces)
    paid = sum(line.amount for line in basket.lines)
    end = end_of(basket, [(piece,) for piece in pieces])
    assert end.growth == 0
    assert (end.clawed_back, end.growth_clawed_back, end.cash) == (paid // 100, paid // 100, paid)
    assert end.points == basket.gift - min(basket.spent, basket.gift + paid // 100)
