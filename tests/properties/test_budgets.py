"""Budgets by their law: whatever is granted, withdrawn and awarded in whatever batches, a fund pays what it has."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from ledger.accounts.chart import Account
from ledger.funds.commands import Authority, GrantFund, TopUpShare, WithdrawFund, granted_key
from ledger.journal.commands import Command
from ledger.rules.commands import Earning
from ledger.rules.terms import RegionShare
from tests.builders import Bench, fresh, program
from tests.model.invariants import check_books
from tests.model.memory import MemoryDriver
from tests.profiles import examples

BY = Authority("apr_1", "maker", "checker")
SHARE = RegionShare(20, "headquarters", "month")


class Step(NamedTuple):
    """Something that is asked of a fund. ``points`` of a top-up is what the share may come to in all."""

    what: str
    fund: str
    points: int

    def command(self) -> Command:
        if self.what == "pay":
            return Earning("m-1", self.points, "sorry", fresh("e"), fund=self.fund)
        if self.what == "top up":
            return TopUpShare(self.fund, self.points, self.points * 5, SHARE)
        change = GrantFund if self.what == "grant" else WithdrawFund
        return change(self.fund, self.points, fresh("g"), "a plan", BY)


class Budgets:
    """What every fund was granted and has left, by the plain rules."""

    def __init__(self) -> None:
        self.granted: Counter[str] = Counter()
        self.left: Counter[str] = Counter()

    def expect(self, step: Step) -> str | None:
        """The code of the refusal, or None; what succeeds moves."""
        what, fund, points = step
        if what == "withdraw" and fund not in self.left:
            return "fund_unknown"
        if what in ("withdraw", "pay") and self.left[fund] < points:
            return "budget_exhausted"
        if what == "top up":
            points = max(0, points - self.granted[fund])
        if what == "pay":
            self.left[fund] -= points
        elif points:
            change = -points if what == "withdraw" else points
            self.granted[fund] += change
            self.left[fund] += change
        return None


def steps_of(whats: Iterable[str], funds: Iterable[str]) -> st.SearchStrategy[list[Step]]:
    step = st.builds(Step, st.sampled_from(list(whats)), st.sampled_from(list(funds)), st.integers(1, 60))
    return st.lists(step, max_size=40)


FUND_STEPS = steps_of(["grant", "withdraw", "pay", "pay", "pay"], ["spring", "store:s-1"])
SHARE_STEPS = steps_of(["top up", "pay", "pay"], ["share:east:2026-01", "share:west:2026-01"])
SIZES = st.integers(1, 7)


def play(steps: list[Step], size: int) -> None:
    driver, budgets = MemoryDriver(program()), Budgets()
    bench = Bench(driver)
    for begin in range(0, len(steps), size):
        batch = steps[begin : begin + size]
        answers = bench.post(*(step.command() for step in batch))
        assert [answer.code for answer in answers] == [budgets.expect(step) for step in batch]
    books = bench.books()
    check_books(books)
    funds = {name.removeprefix("fund/"): row for name, row in books.holders.items() if name != "m-1"}
    assert {fund: row.points for fund, row in funds.items()} == dict(budgets.left)
    kept = {fund: driver.usages[granted_key(1, fund)].amount for fund in budgets.left}
    assert kept == {fund: budgets.granted[fund] for fund in kept}
    issued = sum(entry.points_after for entry in books.entries.get("m-1", [])[-1:])
    spent = Counter(
        posting.credit
        for name in books.entries
        for entry in books.entries[name]
        for posting in entry.postings
    )
    assert issued == sum(budgets.granted.values()) - sum(budgets.left.values())
    assert spent[Account.FUND_SPENT] == len(books.entries.get("m-1", []))


@examples(150)
@given(FUND_STEPS, SIZES)
def test_a_fund_pays_while_it_can_and_never_beyond(steps: list[Step], size: int) -> None:
    play(steps, size)


@examples(100)
@given(SHARE_STEPS, SIZES)
def test_a_share_is_topped_up_to_the_highest_that_it_came_to(steps: list[Step], size: int) -> None:
    play(steps, size)
