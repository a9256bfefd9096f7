"""How far amounts go: 2^53-1 is counted exactly, and one more is refused, not rounded and not clamped."""

from ledger.money import MAX_AMOUNT
from tests.builders import Bench, earning, program, redeem, transfer
from tests.model.memory import MemoryDriver


def bench() -> Bench:
    return Bench(MemoryDriver(program()))


def test_the_greatest_balance_can_be_held_and_spent_whole() -> None:
    books = bench()
    books.must(earning(MAX_AMOUNT))
    assert books.available() == MAX_AMOUNT
    books.must(redeem(MAX_AMOUNT))
    assert books.available() == 0
    books.check()


def test_one_point_more_than_the_greatest_balance_is_refused() -> None:
    books = bench()
    books.must(earning(MAX_AMOUNT))
    assert books.refused(earning(1)) == "amount_too_large"


def test_a_transfer_that_would_overfill_the_recipient_moves_nothing() -> None:
    books = bench()
    books.must(earning(MAX_AMOUNT, member="m-2"))
    books.must(earning(5))
    assert books.refused(transfer(5)) == "amount_too_large"
    books.check()
