"""What rules give is paid by the funds that they name, and a region's rules by its share as well."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from ledger.finance.verify import verify
from ledger.funds.commands import GrantFund
from ledger.funds.queries import read_fund
from ledger.funds.top_up import top_up
from ledger.journal.commands import Source
from ledger.rules.commands import Line, Purchase
from tests.rulesets import fixed, rule
from tests.till import Till, day

from .regions import BY, with_rules

SOUTH = Source(region="south", store="s-1")
THREADS = 16


def grant(till: Till, points: int, fund: str) -> None:
    till.post(GrantFund(fund, points, f"g-{next(till.numbers)}", "a plan", BY))


def bought(till: Till, amount: int = 10_000, source: Source = SOUTH, member: str | None = None) -> Purchase:
    number = next(till.numbers)
    lines = (Line("1", 1, amount),)
    return Purchase(f"p-{number}", member or f"m-{number}", till.now, "CNY", lines, source)


def buy(till: Till, amount: int = 10_000, source: Source = SOUTH) -> dict[str, Any]:
    return till.post(bought(till, amount, source))[0]


def left(till: Till, fund: str) -> int:
    with till.reading() as connection:
        available: int = read_fund(connection, till.program, fund)["available"]
    return available


def given(answer: dict[str, Any]) -> dict[str, int]:
    return {award["rule"]: award["amount"] for award in answer["awards"]}


def fenced(answer: dict[str, Any]) -> dict[str, str]:
    return {fence["rule"]: fence["fence"] for fence in answer.get("fenced", [])}


def check(till: Till) -> None:
    with till.reading() as connection:
        assert [finding.told() for finding in verify(connection) if not finding.is_sound] == []


def test_a_rule_gives_while_its_fund_can_pay_the_whole(till: Till) -> None:
    till = with_rules(till, "", rule("base"), fixed("gift", 150, funds=["spring"]))
    grant(till, 400, "spring")
    assert [given(buy(till)) for _ in range(2)] == [{"base": 100, "gift": 150}] * 2
    third = buy(till)
    assert (given(third), fenced(third)) == ({"base": 100}, {"gift": "budget_exhausted"})
    assert left(till, "spring") == 100
    check(till)


def test_a_rule_without_its_fund_gives_nothing(till: Till) -> None:
    till = with_rules(till, "", rule("base"), fixed("gift", 150, funds=["spring"]))
    answer = buy(till)
    assert (given(answer), fenced(answer)) == ({"base": 100}, {"gift": "budget_exhausted"})
    check(till)


def test_two_funds_pay_the_whole_each_or_neither_pays(till: Till) -> None:
    till = with_rules(till, "", fixed("gift", 150, funds=["spring", "store:{store}"]))
    grant(till, 300, "spring")
    grant(till, 150, "store:s-1")
    assert given(buy(till)) == {"gift": 150}
    assert (left(till, "spring"), left(till, "store:s-1")) == (150, 0)
    assert fenced(buy(till)) == {"gift": "budget_exhausted"}
    assert left(till, "spring") == 150
    check(till)


def test_rules_that_one_fund_pays_for_do_not_spend_a_point_twice(till: Till) -> None:
    rules = (fixed(code, 60, funds=["spring"], priority=n) for n, code in enumerate(("last", "first")))
    till = with_rules(till, "", *rules)
    grant(till, 100, "spring")
    answer = buy(till)
    assert (given(answer), fenced(answer)) == ({"first": 60}, {"last": "budget_exhausted"})
    check(till)


def test_purchases_of_one_batch_share_what_is_left(till: Till) -> None:
    till = with_rules(till, "", fixed("gift", 150, funds=["spring"]))
    grant(till, 400, "spring")
    answers = till.post(*(bought(till) for _ in range(4)))
    assert [answer["points"] for answer in answers] == [150, 150, 0, 0]
    check(till)


def test_what_a_return_takes_back_does_not_come_back_to_the_fund(till: Till) -> None:
    till = with_rules(till, "", fixed("gift", 150, funds=["spring"]))
    grant(till, 200, "spring")
    answer = buy(till)
    assert till.give_back(answer, 1, 10_000)["points_clawed_back"] == 150
    assert left(till, "spring") == 50
    check(till)


def test_100_purchases_at_once_are_given_what_the_budget_holds(till: Till) -> None:
    till = with_rules(till, "", rule("base"), fixed("gift", 150, funds=["spring"]))
    grant(till, 10_000, "spring")
    barrier = Barrier(THREADS)
    purchases = [bought(till) for _ in range(100)]

    def crowd(number: int) -> list[int]:
        barrier.wait(60)
        return [till.post(each)[0]["points"] for each in purchases[number::THREADS]]

    with ThreadPoolExecutor(THREADS) as pool:
        points = Counter(each for some in pool.map(crowd, range(THREADS)) for each in some)
    # Nobody is refused his purchase: only the gift is kept back.
    assert points == {250: 66, 100: 34}
    assert left(till, "spring") == 100
    check(till)


def test_a_regions_rules_give_up_to_its_share_of_what_headquarters_issued(till: Till) -> None:
    till = with_rules(till, "", rule("base"))
    rate = {"kind": "per_amount", "per": 1, "amount": 1}
    till = with_rules(till, "west", rule("west:more", rate=rate))
    west = Source(region="west")
    buy(till, 8_000_000, Source(region="north"))
    assert fenced(buy(till, 1, west)) == {"west:more": "region_share"}
    (*_, share) = top_up(till.database, till.program, till.now)
    assert (share["fund"], share["allowed"]) == ("share:west:2026-01", 16_000)

    too_much = buy(till, 16_001, west)
    assert (given(too_much), fenced(too_much)) == ({"base": 160}, {"west:more": "region_share"})
    exact = buy(till, 16_000, west)
    assert given(exact) == {"base": 160, "west:more": 16_000}
    assert left(till, "share:west:2026-01") == 0
    # Headquarters' own part of the region's purchases gives the region more; what the region gave gives it nothing.
    (*_, share) = top_up(till.database, till.program, till.now)
    assert (share["issued"], share["allowed"], share["points"]) == (80_320, 16_064, 64)
    check(till)


def test_a_regions_rule_is_paid_by_its_own_fund_and_by_the_share(till: Till) -> None:
    till = with_rules(till, "", rule("base"))
    till = with_rules(till, "west", fixed("west:gift", 100, funds=["region:west"]))
    west = Source(region="west")
    grant(till, 150, "region:west")
    buy(till, 100_000, Source(region="north"))
    top_up(till.database, till.program, till.now)
    assert given(buy(till, 100, west)) == {"base": 1, "west:gift": 100}
    assert (left(till, "region:west"), left(till, "share:west:2026-01")) == (50, 100)
    assert fenced(buy(till, 100, west)) == {"west:gift": "budget_exhausted"}
    assert left(till, "share:west:2026-01") == 100
    check(till)


def test_a_share_of_a_new_month_does_not_pay_before_headquarters_has_issued(till: Till) -> None:
    till = with_rules(till, "", rule("base"))
    till = with_rules(till, "west", fixed("west:gift", 100))
    buy(till, 100_000, Source(region="north"))
    top_up(till.database, till.program, till.now)
    west = Source(region="west")
    assert given(buy(till, 100, west)) == {"base": 1, "west:gift": 100}
    till.at(day(31))
    top_up(till.database, till.program, till.now)
    assert fenced(buy(till, 100, west)) == {"west:gift": "region_share"}
    check(till)
