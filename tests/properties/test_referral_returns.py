"""A referral's purchase may go back in any pieces: both sides end where one return would have left them."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.activities import Activity
from tests.builders import NOW, Bench, earning, give_back, program, purchase, redeem, reverse
from tests.model.memory import MemoryDriver
from tests.profiles import examples
from tests.rulesets import fixed, rule, ruled

RULES = (
    rule("base"),
    fixed("welcome", 31, on="referral"),
    fixed("thanks", 53, on="referrer"),
    fixed("kudos", 7, "GROWTH", on="referrer"),
    rule("share", "GROWTH", on="referrer"),
)


def end_of(paid: int, pieces: list[int], spent: int, *, is_reversed: bool = False) -> list[tuple[int, int]]:
    """What both have, less what they owe, and their growth, after the pieces went back."""
    bench = ruled(Bench(MemoryDriver(program())), *RULES)
    bench.must(earning(1, member="ann"))
    bench.must(Activity("a", "ben", "referral", NOW, {"referrer": "ann"}))
    bought = bench.must(purchase(paid, member="ben", purchase_id="p"))
    if spent:
        bench.must(redeem(spent, member="ann"))
    for piece in pieces:
        bench.must(give_back("p", piece))
    if is_reversed:
        bench.must(reverse(bought["entry_id"]))
    bench.check()
    holders = bench.books().holders
    return [(holders[name].points - holders[name].debt, holders[name].growth) for name in ("ann", "ben")]


@st.composite
def returns(draw: st.DrawFn) -> tuple[int, list[int]]:
    pieces = draw(st.lists(st.integers(0, 3_000), min_size=1, max_size=5))
    return sum(pieces) + draw(st.integers(0, 3_000)), pieces


@examples(100)
@given(returns(), st.integers(0, 54), st.randoms(use_true_random=False))
def test_any_order_and_split_of_returns_ends_the_same_on_both_sides(
    returned: tuple[int, list[int]], spent: int, random: Random
) -> None:
    paid, pieces = returned
    once = end_of(paid, [sum(pieces)], spent)
    shuffled = list(pieces)
    random.shuffle(shuffled)
    assert end_of(paid, shuffled, spent) == once


@examples(100)
@given(returns(), st.integers(0, 54))
def test_all_of_it_back_leaves_both_with_what_they_had(returned: tuple[int, list[int]], spent: int) -> None:
    paid, pieces = returned
    nothing = [(1 - spent, 0), (0, 0)]
    rest = paid - sum(pieces)
    if paid:
        assert end_of(paid, [*pieces, rest], spent) == nothing
    assert end_of(paid, pieces, spent, is_reversed=True) == nothing
