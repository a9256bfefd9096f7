"""Referrals: who may bring whom, what both have of it, and what goes back when the purchase does."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from ledger.funds.commands import Authority, GrantFund
from ledger.ids import holder_id
from ledger.journal.commands import Referral
from ledger.rules.activities import Activity
from tests.builders import (
    NOW,
    Bench,
    earning,
    fresh,
    give_back,
    moment,
    program,
    purchase,
    redeem,
    reverse,
)
from tests.ladders import tiers
from tests.model.memory import MemoryDriver
from tests.rulesets import fixed, rule, ruled

WELCOME = fixed("welcome", 30, on="referral")
THANKS = fixed("thanks", 50, on="referrer")
BASE = rule("base")


def referral(referee: str = "ben", referrer: str = "ann", activity_id: str | None = None) -> Activity:
    return Activity(activity_id or fresh("a"), referee, "referral", NOW, {"referrer": referrer})


def bench_under(*rules: dict[str, Any], **changes: Any) -> Bench:
    """A program under these rules, with a member, Ann, who may bring others."""
    bench = ruled(Bench(MemoryDriver(program(**changes))), *rules)
    bench.must(earning(1, member="ann"))
    return bench


@pytest.fixture
def bench() -> Bench:
    return bench_under(BASE, WELCOME, THANKS)


def recorded(bench: Bench, referee: str) -> Referral:
    driver = bench.driver
    assert isinstance(driver, MemoryDriver)
    return driver.referrals[holder_id(1, referee)]


def kinds(bench: Bench, member: str) -> list[str]:
    return [entry.kind for entry in bench.books().entries[member]]


def test_a_referral_enrols_and_earns_nothing_until_the_first_purchase(bench: Bench) -> None:
    answer = bench.must(referral())
    assert (answer["points"], answer["awards"]) == (0, [])
    assert (bench.available("ben"), bench.available("ann")) == (0, 1)
    assert recorded(bench, "ben").settled_entry_id is None
    bench.check()


def test_the_first_purchase_rewards_both_sides(bench: Bench) -> None:
    bench.must(referral())
    answer = bench.must(purchase(1_000, member="ben"))
    assert [(award["rule"], award["amount"]) for award in answer["awards"]] == [("base", 10), ("welcome", 30)]
    assert answer["points"] == 40
    assert (bench.available("ben"), bench.available("ann")) == (40, 51)
    bench.check()


def test_the_referrer_s_part_is_an_entry_of_his_own_that_follows_the_purchase(bench: Bench) -> None:
    bench.must(referral())
    bench.must(purchase(1_000, member="ben"))
    (bought,) = [entry for entry in bench.books().entries["ben"] if entry.kind == "earn"]
    reward = bench.books().entries["ann"][-1]
    assert (reward.kind, reward.parent_entry_id) == ("referral", bought.entry_id)
    assert (reward.peer_holder_id, bought.peer_holder_id) == (bought.holder_id, reward.holder_id)
    assert recorded(bench, "ben").settled_entry_id == bought.entry_id


def test_only_the_first_purchase_settles(bench: Bench) -> None:
    bench.must(referral())
    bench.must(purchase(1_000, member="ben"))
    assert bench.must(purchase(1_000, member="ben"))["points"] == 10
    assert bench.available("ann") == 51


def test_a_purchase_that_earns_nothing_settles_all_the_same(bench: Bench) -> None:
    bench.must(referral())
    bench.must(purchase(0, member="ben"))
    assert recorded(bench, "ben").settled_entry_id is not None
    assert (bench.available("ben"), bench.available("ann")) == (30, 51)
    bench.check()


def test_without_a_rule_for_the_referrer_there_is_no_entry_of_his() -> None:
    bench = bench_under(BASE, WELCOME)
    bench.must(referral())
    bench.must(purchase(1_000, member="ben"))
    assert kinds(bench, "ann") == ["award"]
    assert bench.books().entries["ben"][-1].peer_holder_id is None
    assert recorded(bench, "ben").settled_entry_id is not None


def test_rules_may_ask_about_the_purchase_that_settles() -> None:
    large = fixed("thanks", 50, on="referrer", when="purchase.amount >= 5000")
    share = rule("share", "GROWTH", on="referrer")
    bench = bench_under(BASE, large, share)
    bench.must(referral())
    bench.must(referral("cem"))
    bench.must(purchase(4_999, member="ben"))
    assert (bench.available("ann"), bench.books().holders["ann"].growth) == (1, 49)
    bench.must(purchase(5_000, member="cem"))
    assert (bench.available("ann"), bench.books().holders["ann"].growth) == (51, 99)
    bench.check()


def test_both_sides_wait_for_the_return_window() -> None:
    bench = bench_under(BASE, WELCOME, THANKS, pending_days=7)
    bench.must(referral())
    bench.must(purchase(1_000, member="ben"))
    assert (bench.pending("ben"), bench.pending("ann"), bench.available("ann")) == (40, 50, 1)
    bench.wait(days=7)
    assert (bench.available("ben"), bench.available("ann")) == (40, 51)
    bench.check()


def test_the_referrer_s_caps_are_his_own_and_last_from_referee_to_referee() -> None:
    bench = bench_under(BASE, fixed("thanks", 50, on="referrer", caps={"month": 80}))
    for referee in ("ben", "cem", "dan"):
        bench.must(referral(referee))
    bench.must(purchase(100, member="ben"))
    # Two of one batch, whose referrals are settled one after the other.
    bench.post(purchase(100, member="cem"), purchase(100, member="dan"))
    assert bench.available("ann") == 81
    last = bench.books().entries["ann"][-1]
    assert (last.kind, last.postings) == ("referral", ())  # what was kept back is told
    bench.now = moment("2026-02-01")
    bench.must(Activity(fresh("a"), "eve", "referral", bench.now, {"referrer": "ann"}))
    bench.must(purchase(100, member="eve", at=bench.now))
    assert bench.available("ann") == 131
    bench.check()


def test_referral_and_first_purchase_may_come_in_one_batch() -> None:
    bench = bench_under(BASE, WELCOME, fixed("thanks", 50, on="referrer", caps={"month": 80}))
    bench.post(referral("ben"), purchase(100, member="ben"))
    bench.post(
        referral("cem"), purchase(100, member="cem"), referral("dan", "cem"), purchase(100, member="dan")
    )
    assert (bench.available("ann"), bench.available("ben")) == (81, 31)
    assert (bench.available("cem"), bench.available("dan")) == (81, 31)
    bench.check()


def test_while_no_rule_is_about_referrals_they_wait_and_then_it_is_too_late_for_a_reward() -> None:
    bench = bench_under(BASE)
    bench.must(referral())
    # In one batch with a referral by the buyer: his own is seen, and his referrer is not locked.
    answers = bench.post(referral("cem", "ben"), purchase(100, member="ben"))
    assert [answer.code for answer in answers] == [None, None]
    assert recorded(bench, "ben").settled_entry_id is None
    ruled(bench, BASE, WELCOME, THANKS)
    answer = bench.must(purchase(100, member="ben"))
    assert (answer["points"], bench.available("ann")) == (1, 1)
    assert recorded(bench, "ben").settled_entry_id is not None
    bench.must(purchase(100, member="cem"))
    assert bench.available("ben") == 52
    bench.check()


def test_a_campaign_s_cap_holds_over_the_purchase_and_the_referral_that_it_settles() -> None:
    party = {"code": "party", "name": {"en": "Party", "zh": "派对"}, "caps": {"ever": 31}}
    rules = fixed("extra", 4, campaign="party"), fixed("welcome", 30, on="referral", campaign="party")
    bench = ruled(Bench(MemoryDriver(program())), *rules, campaigns=[party])
    bench.must(earning(1, member="ann"))
    bench.must(referral())
    assert [award["amount"] for award in bench.must(purchase(100, member="ben"))["awards"]] == [4, 27]


@pytest.mark.parametrize(
    ("budget", "ben", "ann", "left"),
    [(100, 41, 51, 10), (90, 41, 51, 0), (89, 41, 1, 49), (40, 41, 1, 0), (39, 11, 1, 29), (9, 1, 1, 9)],
)
def test_one_fund_pays_for_the_purchase_then_the_referee_then_the_referrer(
    budget: int, ben: int, ann: int, left: int
) -> None:
    bench = bench_under(
        BASE,
        fixed("extra", 10, funds=["spring"]),
        {**WELCOME, "funds": ["spring"]},
        {**THANKS, "funds": ["spring"]},
    )
    bench.must(GrantFund("spring", budget, "g", "a plan", Authority("apr_1", "maker", "checker")))
    bench.must(referral())
    bench.must(purchase(100, member="ben"))
    assert (bench.available("ben"), bench.available("ann")) == (ben, ann)
    assert bench.books().holders["fund/spring"].points == left
    bench.check()


def test_the_referrer_s_debt_is_repaid_first() -> None:
    bench = bench_under(BASE, THANKS)
    bought = bench.must(purchase(2_000, member="ann"))
    bench.must(redeem(21, member="ann"))
    bench.must(reverse(bought["entry_id"]))
    assert bench.debt("ann") == 20
    bench.must(referral())
    bench.must(purchase(100, member="ben"))
    assert (bench.debt("ann"), bench.available("ann")) == (0, 30)
    bench.check()


def test_a_purchase_that_comes_late_lifts_the_referrer_when_it_was_made() -> None:
    ladder = tiers({"member": 0, "silver": 100}, period={"kind": "fixed_days", "days": 30})
    bench = bench_under(rule("growth", "GROWTH"), fixed("kudos", 60, "GROWTH", on="referrer"), tiers=ladder)
    bench.must(referral())
    bench.wait(days=10)
    bench.must(purchase(5_000, member="ann", at=bench.now))
    bench.wait(days=1)
    # Told today, though it was made before Ann's own.
    bench.must(purchase(100, member="ben", at=NOW + timedelta(days=2)))
    answer = bench.must(purchase(0, member="ann", at=bench.now))
    assert answer["balance"]["tier"] == {"code": "silver", "since": "2026-01-25T04:00:00.000000Z"}
    bench.check()


# --- refusals ------------------------------------------------------------------------------------


def test_nobody_brings_himself(bench: Bench) -> None:
    assert bench.refused(referral("ann", "ann")) == "self_referral"
    (answer,) = bench.post(referral("new", "new"))
    assert (answer.code, answer.details) == ("self_referral", {"member_id": "new"})


def test_a_referrer_must_be_a_member(bench: Bench) -> None:
    (answer,) = bench.post(referral("ben", "nobody"))
    assert (answer.code, answer.details) == ("member_unknown", {"member_id": "nobody"})
    assert bench.books().holders.keys() == {"ann"}


def test_a_member_is_brought_once(bench: Bench) -> None:
    first = bench.must(referral())
    bench.must(earning(1, member="cem"))
    (answer,) = bench.post(referral("ben", "cem"))
    assert (answer.code, answer.details) == (
        "referral_exists",
        {"member_id": "ben", "entry_id": first["entry_id"]},
    )
    bench.must(purchase(100, member="ben"))
    assert bench.refused(referral("ben", "cem")) == "referral_exists"


@pytest.mark.parametrize("length", [1, 2, 5])
def test_who_was_brought_brings_nobody_above_him(bench: Bench, length: int) -> None:
    chain = ["ann", *(f"m-{n}" for n in range(length))]
    for above, below in pairwise(chain):
        bench.must(referral(below, above))
    (answer,) = bench.post(referral("ann", chain[-1]))
    assert (answer.code, answer.details) == ("circular_referral", {"member_id": "ann", "referrer": chain[-1]})
    assert bench.refused(referral("ann", chain[-1])) == "circular_referral"


def test_a_circle_within_one_batch_is_seen(bench: Bench) -> None:
    bench.post(earning(1, member="ben"), earning(1, member="cem"))
    answers = bench.post(referral("ben", "ann"), referral("cem", "ben"), referral("ann", "cem"))
    assert [answer.code for answer in answers] == [None, None, "circular_referral"]


def test_brothers_make_no_circle(bench: Bench) -> None:
    bench.must(referral("ben", "ann"))
    bench.must(referral("cem", "ann"))
    bench.must(earning(1, member="zoe"))
    bench.must(referral("ann", "zoe"))
    bench.must(referral("dan", "cem"))


def test_who_has_bought_is_brought_by_nobody(bench: Bench) -> None:
    bench.must(purchase(0, member="ben"))
    (answer,) = bench.post(referral())
    assert (answer.code, answer.details) == ("referral_too_late", {"member_id": "ben", "purchases": 1})


def test_a_gift_does_not_make_it_too_late(bench: Bench) -> None:
    bench.must(earning(5, member="ben"))
    bench.must(referral())


def test_a_purchase_from_before_anybody_counted_makes_it_too_late() -> None:
    bench = Bench(MemoryDriver(program()))
    bench.must(earning(1, member="ann"))
    bench.must(purchase(100, member="ben"))
    ruled(bench, BASE, WELCOME, THANKS)
    assert bench.refused(referral()) == "referral_too_late"


# --- going back ----------------------------------------------------------------------------------


def test_a_return_takes_the_same_part_from_both_sides(bench: Bench) -> None:
    bench.must(referral())
    bench.must(purchase(1_000, member="ben", purchase_id="p"))
    answer = bench.must(give_back("p", 500))
    assert answer["points_clawed_back"] == 20
    assert (bench.available("ben"), bench.available("ann")) == (20, 26)
    bench.must(give_back("p", 250))
    assert (bench.available("ben"), bench.available("ann")) == (10, 13)
    bench.must(give_back("p", 250))
    assert (bench.available("ben"), bench.available("ann")) == (0, 1)
    assert kinds(bench, "ann") == ["award", "referral", "return", "return", "return"]
    bench.check()


def test_a_reversal_takes_the_rest_from_both_sides(bench: Bench) -> None:
    bench.must(referral())
    bought = bench.must(purchase(1_000, member="ben", purchase_id="p"))
    bench.must(give_back("p", 500))
    bench.must(reverse(bought["entry_id"]))
    assert (bench.available("ben"), bench.available("ann")) == (0, 1)
    assert bench.refused(reverse(bought["entry_id"])) == "entry_already_reversed"
    assert bench.refused(give_back("p", 100)) == "entry_already_reversed"
    bench.check()


def test_what_the_referrer_has_spent_he_owes_whatever_the_limit() -> None:
    bench = bench_under(BASE, THANKS, debt_limit=10)
    bench.must(referral())
    bench.must(purchase(1_000, member="ben", purchase_id="p"))
    bench.must(redeem(51, member="ann"))
    answer = bench.must(give_back("p", 1_000))
    assert (answer["points_clawed_back"], answer["debt"]) == (10, 0)
    assert (bench.debt("ben"), bench.debt("ann")) == (0, 50)
    bench.check()


def test_neither_a_referral_nor_its_reward_is_reversed_by_itself(bench: Bench) -> None:
    brought = bench.must(referral())
    bench.must(purchase(1_000, member="ben"))
    assert bench.refused(reverse(brought["entry_id"])) == "entry_not_reversible"
    reward = bench.books().entries["ann"][-1]
    assert bench.refused(reverse(f"ent_{reward.entry_id.hex()}")) == "entry_not_reversible"


def test_purchase_and_return_in_one_batch_leave_nothing_on_either_side(bench: Bench) -> None:
    bench.must(referral())
    answers = bench.post(purchase(1_000, member="ben", purchase_id="p"), give_back("p", 1_000))
    assert [answer.code for answer in answers] == [None, None]
    assert (bench.available("ben"), bench.available("ann")) == (0, 1)
    bench.check()
