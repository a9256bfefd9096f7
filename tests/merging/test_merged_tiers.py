"""Tiers of members who are one: judged by what both have bought, when they bought it; and each by his own again."""

from typing import Any

import pytest

from tests.ladders import tiers

from .conftest import Shop

LADDER = tiers({"member": 0, "silver": 1_000, "gold": 5_000})


@pytest.fixture
def ladder(shop: Shop) -> Shop:
    """Growth never ends; silver from 1,000, to the end of the year after."""
    shop.terms(tiers=LADDER)
    return shop


def events(shop: Shop, member: str = "ann") -> list[tuple[str | None, str, str]]:
    found = shop.get(f"/v1/members/{member}/tier/history")["data"]
    return [(event["from"], event["to"], event["reason"]) for event in found][::-1]


def test_growth_of_both_makes_the_tier(ladder: Shop) -> None:
    """600 and 500 are 1,100: silver, from when the second of them was bought."""
    ladder.buy(60_000)
    ladder.wait(days=1)
    ladder.buy(50_000, member_id="bea")
    ladder.wait(days=1)
    ladder.merge()
    assert (ladder.growth("ann"), ladder.tier("ann")) == (1_100, "silver")
    assert ladder.get("/v1/members/ann/balance")["tier"]["since"].startswith("2026-03-03")
    assert (ladder.growth("bea"), ladder.tier("bea")) == (0, None)
    explained = ladder.get("/v1/members/bea/tier")
    assert (explained["tier"], explained["outlook"], explained["growth"]["value"]) == (None, [], 0)
    assert events(ladder) == [(None, "member", "entered"), ("member", "silver", "merged")]
    ladder.unmerge()
    assert events(ladder)[2:] == [("silver", "member", "unmerged")]
    assert events(ladder, "bea") == [(None, "member", "entered")]


def test_unmerge_gives_each_his_own_tier_back(ladder: Shop) -> None:
    ladder.buy(60_000)
    ladder.buy(200_000, member_id="bea")
    before = [ladder.get(f"/v1/members/{name}/balance") for name in ("ann", "bea")]
    ladder.merge()
    assert ladder.tier("ann") == "silver"
    ladder.unmerge()
    after = [ladder.get(f"/v1/members/{name}/balance") for name in ("ann", "bea")]
    for was, is_now in zip(before, after, strict=True):
        assert (was["tier"], was["growth"], was["points"]) == (
            is_now["tier"],
            is_now["growth"],
            is_now["points"],
        )


def test_growth_of_a_shared_order_counts_once(ladder: Shop) -> None:
    """One order of 800 yuan was booked for both; each has another of his own."""
    ladder.buy(80_000, order_id="o-1")
    ladder.buy(80_000, member_id="bea", order_id="o-1")
    ladder.buy(10_000, member_id="bea", order_id="o-2")
    ladder.merge()
    assert (ladder.growth("ann"), ladder.tier("ann")) == (900, "member")
    assert ladder.points("ann")[0] == 1_700
    ladder.unmerge()
    assert (ladder.growth("ann"), ladder.growth("bea")) == (800, 900)


def test_a_shared_order_that_goes_back_takes_what_counts_of_it(ladder: Shop) -> None:
    """Both had one order of 1,200 yuan: bea's part of it never counted, so its return leaves ann what she has."""
    own = ladder.buy(120_000, order_id="o-1")
    other = ladder.buy(120_000, member_id="bea", order_id="o-1")
    ladder.merge()
    ladder.wait(hours=1)
    ladder.give_back(other, 120_000)
    assert (ladder.growth("ann"), ladder.tier("ann")) == (1_200, "silver")
    ladder.give_back(own, 120_000)
    assert (ladder.growth("ann"), ladder.tier("ann")) == (0, "member")


def test_a_tier_outlives_the_growth_that_earned_it(shop: Shop) -> None:
    """Bea is silver to the end of 2027 by growth that ended with 2026; ann, merged in 2027, is as well."""
    shop.terms(tiers=LADDER, growth_expiry={"kind": "end_of_year", "months": 0})
    shop.buy(200_000, member_id="bea")
    shop.wait(days=310)
    shop.buy(1_000)
    assert (shop.growth("bea"), shop.tier("bea"), shop.tier("ann")) == (0, "silver", "member")
    shop.merge()
    assert (shop.growth("ann"), shop.tier("ann")) == (10, "silver")
    shop.unmerge()
    assert (shop.tier("ann"), shop.tier("bea")) == ("member", "silver")


def test_a_return_of_the_duplicates_purchase_takes_the_survivors_tier(ladder: Shop) -> None:
    ladder.buy(60_000)
    bought = ladder.buy(50_000, member_id="bea")
    ladder.merge()
    assert ladder.tier("ann") == "silver"
    ladder.wait(hours=1)
    ladder.give_back(bought, 50_000)
    assert (ladder.growth("ann"), ladder.tier("ann")) == (600, "member")
    ladder.unmerge()
    assert (ladder.growth("bea"), ladder.tier("bea")) == (0, "member")


def test_what_the_duplicate_bought_late_is_the_survivors(ladder: Shop) -> None:
    """A till that was offline brings bea's purchase of before the merge: it is ann's, who is bea."""
    ladder.buy(60_000)
    before = ladder.now
    ladder.buy(0, member_id="bea")
    ladder.wait(days=3)
    ladder.merge()
    ladder.wait(days=3)
    late = ladder.purchase_of(50_000, member_id="bea") | {"occurred_at": before.isoformat()}
    ladder.must("/v1/purchases", late)
    assert (ladder.growth("ann"), ladder.tier("ann")) == (1_100, "silver")
    assert ladder.get("/v1/members/ann/balance")["tier"]["since"].startswith("2026-03-02")


def test_the_past_is_told_as_it_was_known(ladder: Shop) -> None:
    """Before the merge ann was nobody's survivor, whatever is known today of who she is."""
    ladder.buy(60_000)
    ladder.buy(50_000, member_id="bea")
    ladder.wait(days=1)
    before = ladder.now
    ladder.wait(days=1)
    ladder.merge()
    merged = ladder.now
    ladder.wait(days=1)
    ladder.unmerge()

    def told(at: Any, member: str = "ann") -> Any:
        when = at.isoformat().replace("+00:00", "Z")
        found = ladder.get(f"/v1/members/{member}/balance?as_of={when}")
        return found["tier"] and found["tier"]["code"], found["growth"]["value"], found["points"]["available"]

    assert told(before) == ("member", 600, 600)
    assert told(merged) == ("silver", 1_100, 1_100)
    assert told(merged, "bea") == (None, 0, 0)
    assert told(ladder.now) == ("member", 600, 600)


def test_no_benefit_is_issued_for_what_both_had_before(shop: Shop) -> None:
    """Bea had her benefit of 2026; merging her makes ann silver and gives no second one."""
    benefit = {"code": "cake", "per": "year", "name": {"en": "Cake", "zh": "蛋糕"}}
    ladder = tiers({"member": 0, "silver": 1_000})
    ladder["levels"][1]["entitlements"] = [benefit]
    shop.terms(tiers=ladder)
    shop.buy(200_000, member_id="bea")
    shop.buy(1_000)
    shop.wait(days=1)
    shop.merge()
    assert shop.tier("ann") == "silver"
    shop.unmerge()
    issued = [shop.get(f"/v1/members/{name}/tier")["entitlements"] for name in ("ann", "bea")]
    assert [[one["code"] for one in each] for each in issued] == [[], ["cake"]]
