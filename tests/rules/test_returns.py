"""Returns: what may go back, line by line, and what each one answers."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.rules.commands import Line
from ledger.rules.returns import Return, ReturnedLine
from tests.builders import NOW, Bench, give_back, program, purchase, reverse
from tests.model.memory import MemoryDriver

# Two cups and one bag.
LINES = (Line("cup", 2, 3_900, sku="A", category="coffee"), Line("bag", 1, 100))


@pytest.fixture
def bench() -> Bench:
    made = Bench(MemoryDriver(program()))
    made.must(purchase(lines=LINES, purchase_id="p"))
    return made


def back(number: int, *lines: tuple[str, int, int]) -> Return:
    return Return("p", f"t-{number}", NOW, tuple(ReturnedLine(*line) for line in lines))


def test_return_says_what_went_back_and_what_is_left(bench: Bench) -> None:
    answer = bench.must(back(1, ("cup", 1, 1_950)))
    assert {name: answer[name] for name in ("kind", "return_id", "purchase_id", "cash_refund")} == {
        "kind": "return",
        "return_id": "t-1",
        "purchase_id": "p",
        "cash_refund": {"amount": 1_950, "currency": "CNY"},
    }
    assert (answer["points_clawed_back"], answer["growth_clawed_back"], answer["shortfall"]) == (20, 20, 0)
    assert answer["balance"]["points"]["available"] == 20
    bench.check()


@pytest.mark.parametrize(
    ("returns", "line", "quantity", "amount"),
    [
        ([[("cup", 3, 3_900)]], "cup", 2, 3_900),
        ([[("cup", 2, 3_901)]], "cup", 2, 3_900),
        ([[("cup", 1, 1_000)], [("cup", 2, 1_000)]], "cup", 1, 2_900),
        ([[("cup", 1, 1_000)], [("cup", 1, 1_000)], [("cup", 1, 0)]], "cup", 0, 1_900),
        ([[("cup", 1, 3_000)], [("cup", 1, 901)]], "cup", 1, 900),
        ([[("cup", 1, 1_950), ("cup", 1, 1_951)]], "cup", 1, 1_950),  # twice within one return
        ([[("bag", 1, 100), ("cup", 3, 0)]], "cup", 2, 3_900),
        ([[("hat", 1, 1)]], "hat", 0, 0),
    ],
)
def test_no_more_goes_back_than_was_bought(
    bench: Bench, returns: list[list[tuple[str, int, int]]], line: str, quantity: int, amount: int
) -> None:
    for number, lines in enumerate(returns[:-1]):
        bench.must(back(number, *lines))
    before = bench.books()
    (answer,) = bench.post(back(len(returns), *returns[-1]))
    assert answer.code == "return_exceeds_purchase"
    assert answer.details == {
        "line_id": line,
        "returnable_quantity": quantity,
        "returnable_amount": amount,
    }
    assert bench.books()._replace(keys=before.keys) == before


def test_all_of_it_goes_back_in_pieces(bench: Bench) -> None:
    bench.must(back(1, ("cup", 1, 1_950)))
    bench.must(back(2, ("bag", 1, 100), ("cup", 1, 1_950)))
    holder = bench.books().holders["m-1"]
    assert (holder.points, holder.growth, holder.debt) == (0, 0, 0)
    assert bench.refused(back(3, ("bag", 1, 0))) == "return_exceeds_purchase"
    bench.check()


def test_return_of_nothing_takes_nothing(bench: Bench) -> None:
    answer = bench.must(back(1, ("cup", 0, 0)))
    assert (answer["points_clawed_back"], bench.available()) == (0, 40)


@pytest.mark.parametrize(
    ("when", "code"),
    [
        (timedelta(microseconds=-1), "return_before_purchase"),
        (timedelta(), None),
        (timedelta(minutes=5), None),
        (timedelta(minutes=5, microseconds=1), "occurred_in_future"),
    ],
)
def test_return_lies_between_its_purchase_and_now(bench: Bench, when: timedelta, code: str | None) -> None:
    (answer,) = bench.post(give_back("p", 1, line="cup", at=NOW + when))
    assert answer.code == code


def test_a_purchase_that_nobody_made_is_unknown(bench: Bench) -> None:
    (answer,) = bench.post(give_back("p-9", 1))
    assert (answer.code, answer.details) == ("purchase_unknown", {"purchase_id": "p-9"})


def test_a_reversed_purchase_does_not_go_back_as_well(bench: Bench) -> None:
    entry = bench.books().entries["m-1"][0]
    reversal = bench.must(reverse(f"ent_{entry.entry_id.hex()}"))
    (answer,) = bench.post(back(1, ("bag", 1, 100)))
    assert answer.code == "entry_already_reversed"
    assert answer.details["reversal_entry_id"] == reversal["entry_id"]


def test_a_purchase_that_went_back_in_part_is_reversed_for_the_rest(bench: Bench) -> None:
    bench.must(back(1, ("cup", 1, 1_950)))
    entry = bench.books().entries["m-1"][0]
    answer: dict[str, Any] = bench.must(reverse(f"ent_{entry.entry_id.hex()}"))
    assert (answer["points_clawed_back"], bench.available()) == (20, 0)
    bench.check()


def test_a_return_id_is_used_once_whatever_it_is_of(bench: Bench) -> None:
    bench.must(purchase(1_000, purchase_id="q"))
    first = bench.must(back(1, ("bag", 1, 100)))
    (answer,) = bench.post(give_back("q", 1, return_id="t-1"))
    assert answer.code == "return_exists"
    assert answer.details == {"return_id": "t-1", "entry_id": first["entry_id"]}
