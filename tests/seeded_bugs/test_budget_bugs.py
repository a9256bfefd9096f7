"""Bugs of thought about budgets: each is put into the ledger by one patch, and seen by the law of budgets."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, given

from ledger.accounts.chart import Account
from ledger.errors import BudgetExhausted, LedgerError
from ledger.funds import commands
from ledger.journal.commands import Books, Decision
from ledger.journal.wants import UNUSED, Wants
from ledger.rules import commands as earning
from tests.profiles import profile
from tests.properties import test_budgets as law

Patch = pytest.MonkeyPatch
# One bug is enough, and as it is first seen.
LOOK = profile(1_000, report_multiple_bugs=False, phases=(Phase.generate,))


@LOOK
@given(law.FUND_STEPS, law.SIZES)
def funds_pay(steps: list[law.Step], size: int) -> None:
    law.play(steps, size)


@LOOK
@given(law.SHARE_STEPS, law.SIZES)
def shares_are_topped_up(steps: list[law.Step], size: int) -> None:
    law.play(steps, size)


SEEN = (AssertionError, LedgerError, KeyError)


def the_last_point_stays(patch: Patch) -> None:
    def require(books: Books, fund: str, points: int) -> None:
        left = commands.available(books, fund)
        if left <= points:
            raise BudgetExhausted("", fund=fund, available=left, requested=points)

    patch.setattr(commands, "require_budget", require)
    patch.setattr(earning, "require_budget", require)


def what_is_left_is_what_was_granted(patch: Patch) -> None:
    def available(books: Books, fund: str) -> int:
        return books.usages.get(commands.granted_key(1, fund), UNUSED).amount

    patch.setattr(commands, "available", available)


def budgets_are_not_asked(patch: Patch) -> None:
    patch.setattr(earning, "require_budget", lambda *_: None)


def awards_are_not_paid(patch: Patch) -> None:
    real = earning.Earning.decide

    def decide(self: Any, books: Books) -> Decision:
        decision = real(self, books)
        return decision._replace(drafts=decision.drafts[:1])

    patch.setattr(earning.Earning, "decide", decide)


def funds_are_not_locked(patch: Patch) -> None:
    patch.setattr(earning.Earning, "wants", lambda *_: Wants())


def withdrawals_are_not_taken_from_what_was_granted(patch: Patch) -> None:
    real = commands._granting

    def granting(*arguments: Any) -> Decision:
        decision = real(*arguments)
        return decision._replace(uses=[use._replace(amount=abs(use.amount)) for use in decision.uses])

    patch.setattr(commands, "_granting", granting)


def withdrawals_are_not_asked(patch: Patch) -> None:
    patch.setattr(commands, "require_budget", lambda *_: None)


def a_top_up_grants_the_whole_share_again(patch: Patch) -> None:
    patch.setattr(commands.TopUpShare, "wants", lambda *_: Wants())


def payments_come_out_of_members(patch: Patch) -> None:
    patch.setattr(commands, "_SPENDING", (Account.POINTS, Account.FUND_SPENT))


@pytest.mark.parametrize("check", [funds_pay, shares_are_topped_up])
def test_nothing_is_seen_where_there_is_no_bug(check: Callable[[], None]) -> None:
    check()


@pytest.mark.parametrize(
    ("plant", "check"),
    [
        (the_last_point_stays, funds_pay),
        (what_is_left_is_what_was_granted, funds_pay),
        (budgets_are_not_asked, funds_pay),
        (awards_are_not_paid, funds_pay),
        (funds_are_not_locked, funds_pay),
        (withdrawals_are_not_taken_from_what_was_granted, funds_pay),
        (withdrawals_are_not_asked, funds_pay),
        (payments_come_out_of_members, funds_pay),
        (a_top_up_grants_the_whole_share_again, shares_are_topped_up),
    ],
)
def test_bug_is_seen_by_the_law(
    monkeypatch: Patch, plant: Callable[[Patch], None], check: Callable[[], None]
) -> None:
    plant(monkeypatch)
    with pytest.raises(SEEN):
        check()
