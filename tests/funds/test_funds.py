"""Budgets in the books: what is granted can be spent once, by awards that it pays for whole, and by nothing else."""

import pytest

from ledger.accounts.chart import Account
from ledger.funds.commands import Authority, GrantFund, WithdrawFund
from ledger.journal.commands import Command
from ledger.rules.commands import Earning
from tests.builders import NOW, Bench, fresh, give_back, program, purchase, request, reverse
from tests.model.memory import MemoryDriver

BY = Authority("apr_1", "maker", "checker")


def grant(points: int, fund: str = "spring", reference: str | None = None) -> GrantFund:
    return GrantFund(fund, points, reference or fresh("g"), "a plan", BY)


def withdraw(points: int, fund: str = "spring") -> WithdrawFund:
    return WithdrawFund(fund, points, fresh("w"), "too much", BY)


def paid(points: int, fund: str = "spring", member: str = "m-1") -> Earning:
    return Earning(member, points, "sorry", fresh("e"), fund=fund)


def left(bench: Bench, fund: str = "spring") -> int:
    return bench.books().holders[f"fund/{fund}"].points


@pytest.fixture
def bench() -> Bench:
    return Bench(MemoryDriver(program()))


def test_a_fund_begins_with_its_first_grant_and_pays_for_awards(bench: Bench) -> None:
    answer = bench.must(grant(100))
    assert (answer["kind"], answer["fund"], answer["points"], answer["available"]) == (
        "fund_grant",
        "spring",
        100,
        100,
    )
    bench.must(paid(60))
    assert (bench.available(), left(bench)) == (60, 40)
    bench.check()


def test_the_payment_names_the_award_and_the_member(bench: Bench) -> None:
    bench.must(grant(100))
    award = bench.must(paid(60))
    books = bench.books()
    granted, spent = books.entries["fund/spring"]
    assert (spent.kind, spent.points_after) == ("fund_spend", 40)
    assert spent.parent_entry_id == bytes.fromhex(award["entry_id"].removeprefix("ent_"))
    assert spent.peer_holder_id == books.holders["m-1"].holder_id
    (posting,) = spent.postings
    assert (posting.debit, posting.credit, posting.amount) == (Account.FUND, Account.FUND_SPENT, 60)
    (posting,) = granted.postings
    assert (posting.debit, posting.credit, posting.amount) == (Account.FUND_GRANTED, Account.FUND, 100)


def test_an_award_beyond_the_budget_is_refused_whole_and_moves_nothing(bench: Bench) -> None:
    bench.must(grant(100))
    bench.must(paid(60))
    (answer,) = bench.post(paid(41))
    assert answer.code == "budget_exhausted"
    assert answer.details == {"fund": "spring", "available": 40, "requested": 41}
    assert bench.refused(paid(41, member="m-new")) == "budget_exhausted"
    assert "m-new" not in bench.books().holders
    bench.must(paid(40))
    assert (bench.available(), left(bench)) == (100, 0)
    bench.check()


def test_a_fund_that_nobody_granted_anything_has_nothing(bench: Bench) -> None:
    (answer,) = bench.post(paid(1, fund="autumn"))
    assert answer.code == "budget_exhausted"
    assert answer.details == {"fund": "autumn", "available": 0, "requested": 1}
    assert "fund/autumn" not in bench.books().holders


def test_awards_of_one_batch_see_what_the_ones_before_them_left(bench: Bench) -> None:
    bench.must(grant(100))
    answers = bench.post(paid(60), paid(60, member="m-2"), paid(40, member="m-3"))
    assert [answer.code for answer in answers] == [None, "budget_exhausted", None]
    assert left(bench) == 0
    bench.check()


def test_a_refusal_for_want_of_budget_is_remembered_and_the_reference_stays_free(bench: Bench) -> None:
    award = paid(60)
    first = request(award, "one-key")
    (refused,) = bench.send(first)
    bench.must(grant(100))
    (again,) = bench.send(first)
    assert refused.code == again.code == "budget_exhausted"
    bench.must(award)
    assert left(bench) == 40


def test_a_dry_run_spends_nothing(bench: Bench) -> None:
    bench.must(grant(100))
    (answer,) = bench.post(paid(60), dry_run=True)
    assert answer.code is None
    assert left(bench) == 100


def test_what_is_left_can_be_withdrawn_and_no_more(bench: Bench) -> None:
    bench.must(grant(100))
    bench.must(paid(60))
    (refused,) = bench.post(withdraw(41))
    assert refused.details == {"fund": "spring", "available": 40, "requested": 41}
    answer = bench.must(withdraw(30))
    assert (answer["kind"], answer["points"], answer["available"]) == ("fund_grant", 30, 10)
    bench.check()


def test_a_withdrawal_from_a_fund_that_is_not_there_is_refused(bench: Bench) -> None:
    assert bench.refused(withdraw(1)) == "fund_unknown"


def test_grants_and_withdrawals_take_their_references_once(bench: Bench) -> None:
    bench.must(grant(100, reference="plan-1"))
    assert bench.refused(grant(100, reference="plan-1")) == "reference_exists"
    assert bench.refused(WithdrawFund("spring", 1, "plan-1", "too much", BY)) == "reference_exists"
    # The names of direct awards are others.
    bench.must(Earning("m-1", 1, "sorry", "plan-1"))


@pytest.mark.parametrize("change", [grant(1), withdraw(1)])
def test_entries_of_a_fund_cannot_be_reversed(bench: Bench, change: Command) -> None:
    bench.must(grant(100))
    assert bench.refused(reverse(bench.must(change)["entry_id"])) == "entry_not_reversible"
    bench.must(paid(10))
    payment = bench.books().entries["fund/spring"][-1]
    assert bench.refused(reverse(f"ent_{payment.entry_id.hex()}")) == "entry_not_reversible"


def test_what_is_taken_back_from_a_member_does_not_come_back_to_the_fund(bench: Bench) -> None:
    bench.must(grant(100))
    award = bench.must(paid(60))
    bench.must(reverse(award["entry_id"]))
    assert (bench.available(), left(bench)) == (0, 40)
    bench.check()


def test_purchases_of_members_are_nothing_to_a_fund(bench: Bench) -> None:
    bench.must(grant(100))
    bought = bench.must(purchase(5_000))
    bench.must(give_back(bought["purchase_id"], 2_500))
    assert left(bench) == 100
    assert bench.books().holders["fund/spring"].recorded_at == NOW
    bench.check()


def test_a_budget_ends_where_counting_ends(bench: Bench) -> None:
    bench.must(grant(2**53 - 1))
    assert bench.refused(grant(1)) == "amount_too_large"
