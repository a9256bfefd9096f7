"""Awards that are held for review: rejected, it is as if they had never been; released, as if nobody had held them."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger.accounts.holder import Verdict
from ledger.ids import read as read_id
from ledger.ids import show as show_id
from ledger.limits.verdicts import REJECTED, Judge
from ledger.redemption.holds import RELEASED
from tests.builders import NOW, Bench, earning, give_back, program, purchase, redeem, request
from tests.model.memory import MemoryDriver
from tests.profiles import examples

LIMIT = 500
"""A purchase that earns more than so many points is held."""
HOLDING = [{"of": "member", "operation": "purchase", "per": "operation", "points": LIMIT, "hold": True}]

Step = tuple[str, int, int]

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), st.integers(1, LIMIT), st.just(0)),
        st.tuples(st.just("suspicious"), st.integers(LIMIT + 1, 2 * LIMIT), st.just(0)),
        st.tuples(st.just("give"), st.integers(1, 300), st.just(0)),
        st.tuples(st.just("spend"), st.integers(1, 700), st.just(0)),
        st.tuples(st.just("return"), st.integers(0, 9), st.integers(1, 100)),
        st.tuples(st.just("judge"), st.integers(0, 9), st.just(0)),
    ),
    min_size=3,
    max_size=14,
)


class World:
    """The books of a member who lives through the steps, with or without what is suspicious."""

    def __init__(self, decision: str, *, is_holding: bool, is_suspicious: bool) -> None:
        self.driver = MemoryDriver(program(limits=HOLDING if is_holding else []))
        self.bench = Bench(self.driver, NOW)
        self.decision, self.is_suspicious = decision, is_suspicious
        self.left: dict[str, int] = {}
        self.bench.must(earning(1_000, member="m-1"))

    def may_spend(self, points: int) -> bool:
        return self.bench.post(redeem(points), dry_run=True)[0].code is None

    def live(self, step: Step, number: int) -> None:
        kind, size, percent = step
        name = f"p-{number}"
        if kind == "buy" or (kind == "suspicious" and self.is_suspicious):
            self.bench.must(purchase(size * 100, purchase_id=name))
        elif kind == "give":
            self.bench.must(earning(size))
        elif kind == "spend":
            self.bench.must(redeem(size))
        elif kind == "judge":
            self.judge(size)
        if kind in ("buy", "suspicious"):
            self.left[name] = size * 100
        if kind == "return" and self.left:
            bought = list(self.left)[size % len(self.left)]
            back = self.left[bought] * percent // 100
            self.left[bought] -= back
            if ("purchase", bought) in self.driver.claims:
                self.bench.must(give_back(bought, back))

    def judge(self, size: int) -> None:
        """Decide on one of the reviews, if any is open."""
        waiting = self.reviews()
        if waiting:
            review = waiting[size % len(waiting)]
            (answer,) = self.bench.send(request(review))
            assert answer.code is None

    def reviews(self) -> list[Judge]:
        """The verdicts on what is held."""
        is_open = {hold for holds in self.driver.holds.values() for hold in holds}
        return [
            Judge(
                show_id("hld", held.entry_id),
                held.entry_id,
                read_id("ent", held.details["review"]["entry_id"]) or b"",
                held.parent_entry_id or b"",
                Verdict(self.decision, "somebody"),
                "looked at",
            )
            for held in self.driver.entries.values()
            if held.kind == "hold" and held.entry_id in is_open
        ]

    def end(self) -> tuple[int, int]:
        """What the member has less what is owed, and the growth, once everything is decided."""
        while self.reviews():
            self.judge(0)
        self.bench.check()
        holder = self.bench.books().holders["m-1"]
        assert holder.held == 0
        return holder.points - holder.debt, holder.growth


def ends(steps: list[Step], *worlds: World) -> list[Any]:
    """How each world ends; points are spent where all of them have so many."""
    for number, step in enumerate(steps):
        if step[0] == "spend" and not all(world.may_spend(step[1]) for world in worlds):
            continue
        for world in worlds:
            world.live(step, number)
    return [world.end() for world in worlds]


@examples(150)
@given(STEPS)
def test_what_was_held_and_rejected_leaves_points_as_if_never_awarded(steps: list[Step]) -> None:
    rejected, never = ends(
        steps,
        World(REJECTED, is_holding=True, is_suspicious=True),
        World(REJECTED, is_holding=True, is_suspicious=False),
    )
    assert rejected == never


@examples(150)
@given(STEPS)
def test_what_was_held_and_released_leaves_points_as_if_never_held(steps: list[Step]) -> None:
    released, free = ends(
        steps,
        World(RELEASED, is_holding=True, is_suspicious=True),
        World(RELEASED, is_holding=False, is_suspicious=True),
    )
    assert released == free
