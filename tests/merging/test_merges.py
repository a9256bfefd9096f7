"""Merges: two members who are one have one set of points, one growth and one tier, and nothing is made or lost."""

import pytest

from .conftest import Shop

DAY = "T00:00:00Z"


@pytest.fixture
def two(shop: Shop) -> Shop:
    """Ann has 1,000 points to the end of June, bea 500 to the end of September."""
    shop.award(1_000, expires_at=f"2026-06-30{DAY}")
    shop.award(500, member_id="bea", expires_at=f"2026-09-30{DAY}")
    return shop


def test_lots_keep_their_expiry(two: Shop) -> None:
    merged = two.merge()
    assert (merged["points"], merged["growth"], merged["debt"]) == (500, 0, 0)
    assert two.lots("ann") == [(500, "2026-09-30"), (1_000, "2026-06-30")]
    assert two.points("ann") == (1_500, 0, 0)
    assert two.points("bea") == (0, 0, 0)


def test_pending_points_stay_pending(shop: Shop) -> None:
    shop.award(10)
    shop.award(70, member_id="bea", available_at=f"2026-04-01{DAY}")
    shop.merge()
    found = shop.get("/v1/members/ann/balance")["points"]
    assert (found["available"], found["pending"]) == (10, 70)


def test_unmerge_restores_what_is_left(two: Shop) -> None:
    two.merge()
    parted = two.unmerge()
    assert parted["points"] == 500
    assert two.lots("ann") == [(1_000, "2026-06-30")]
    assert two.lots("bea") == [(500, "2026-09-30")]


def test_what_was_spent_meanwhile_stays_spent(two: Shop) -> None:
    """1,200 are drawn by expiry: all of ann's, and 200 of bea's."""
    two.merge()
    two.must("/v1/redemptions", {"member_id": "ann", "points": 1_200, "reference": "r"})
    two.unmerge()
    assert two.points("ann") == (0, 0, 0)
    assert two.points("bea") == (300, 0, 0)


def test_whoever_names_the_duplicate_is_answered_for_the_survivor(two: Shop) -> None:
    two.merge()
    bought = two.buy(10_000, member_id="bea")
    assert bought["balance"]["member_id"] == "ann"
    assert bought["balance"]["points"]["available"] == 1_600
    spent = two.must("/v1/redemptions", {"member_id": "bea", "points": 1_600, "reference": "r"})
    assert spent["balance"]["points"]["available"] == 0
    assert two.points("bea") == (0, 0, 0)
    two.unmerge()
    assert two.buy(10_000, member_id="bea")["balance"]["member_id"] == "bea"


def test_the_duplicates_history_stays_readable(two: Shop) -> None:
    before = two.get("/v1/members/bea/entries")["data"]
    two.merge()
    after = two.get("/v1/members/bea/entries")["data"]
    assert [entry["kind"] for entry in after] == ["merge_out", "award"]
    assert after[1:] == before
    assert two.get("/v1/members/bea")["merged_into"] == "ann"
    assert two.get("/v1/members/ann")["merged_into"] is None


def test_merges_are_listed_for_both(two: Shop) -> None:
    merge_id = two.merge()["merge_id"]
    (of_ann,), (of_bea,) = (two.get(f"/v1/members/{name}/merges")["data"] for name in ("ann", "bea"))
    assert of_ann == of_bea
    assert (of_ann["merge_id"], of_ann["member_id"], of_ann["duplicate_id"]) == (merge_id, "ann", "bea")
    assert of_ann["undone_at"] is None
    two.wait(hours=1)
    two.unmerge()
    assert two.get("/v1/members/bea/merges")["data"][0]["undone_at"] == "2026-03-02T05:00:00.000000Z"


def test_a_debt_goes_over_and_is_repaid(shop: Shop) -> None:
    """Bea owes 100 for goods that she returned when the points were spent; ann has 250."""
    bought = shop.buy(10_000, member_id="bea")
    shop.must("/v1/redemptions", {"member_id": "bea", "points": 100, "reference": "r"})
    shop.give_back(bought, 10_000)
    assert shop.points("bea") == (0, 0, 100)
    shop.award(250)
    assert shop.merge()["debt"] == 100
    assert shop.points("ann") == (150, 0, 0)
    assert shop.points("bea") == (0, 0, 0)


# --- what happens to the duplicate's earlier events ----------------------------------------------------


def test_a_return_of_the_duplicates_purchase_takes_the_points_from_the_survivor(shop: Shop) -> None:
    bought = shop.buy(10_000, member_id="bea")
    shop.buy(0)
    shop.merge()
    back = shop.give_back(bought, 4_000)
    assert back["points_clawed_back"] == 40
    assert back["balance"]["member_id"] == "ann"
    assert shop.points("ann") == (60, 0, 0)
    assert shop.points("bea") == (0, 0, 0)
    assert shop.growth("ann") == 60


def test_where_the_duplicates_points_are_spent_the_survivors_own_are_taken(shop: Shop) -> None:
    """Bea's 100 are spent first, for they expire first; ann's 500 answer for them, and no debt arises."""
    bought = shop.buy(10_000, member_id="bea")
    shop.award(500, expires_at=f"2030-01-01{DAY}")
    shop.merge()
    shop.must("/v1/redemptions", {"member_id": "ann", "points": 100, "reference": "r"})
    assert shop.give_back(bought, 10_000)["shortfall"] == 0
    assert shop.points("ann") == (400, 0, 0)


def test_a_shortfall_is_the_survivors_debt(shop: Shop) -> None:
    bought = shop.buy(10_000, member_id="bea")
    shop.buy(0)
    shop.merge()
    shop.must("/v1/redemptions", {"member_id": "ann", "points": 70, "reference": "r"})
    assert shop.give_back(bought, 10_000)["shortfall"] == 70
    assert shop.points("ann") == (0, 0, 70)
    assert shop.points("bea") == (0, 0, 0)


def test_a_refund_of_the_duplicates_redemption_reaches_the_survivor(shop: Shop) -> None:
    shop.award(300, member_id="bea", expires_at=f"2026-09-30{DAY}")
    spent = shop.must("/v1/redemptions", {"member_id": "bea", "points": 200, "reference": "r"})
    shop.award(1)
    shop.merge()
    refund = {"points": 150, "reference": "back"}
    answer = shop.must(f"/v1/redemptions/{spent['redemption_id']}/refunds", refund)
    assert answer["balance"]["points"]["available"] == 251
    assert sum(points for points, _ in shop.lots("ann")) == 251
    assert {ends for _, ends in shop.lots("ann")} >= {"2026-09-30"}
    shop.unmerge()
    assert shop.lots("bea") == [(250, "2026-09-30")]


def test_a_refund_repays_what_the_survivor_owes(shop: Shop) -> None:
    shop.award(300, member_id="bea", expires_at=f"2026-09-30{DAY}")
    spent = shop.must("/v1/redemptions", {"member_id": "bea", "points": 300, "reference": "r"})
    bought = shop.buy(10_000)
    shop.must("/v1/redemptions", {"member_id": "ann", "points": 100, "reference": "r2"})
    shop.give_back(bought, 10_000)
    assert shop.points("ann") == (0, 0, 100)
    shop.merge()
    refund = {"points": 300, "reference": "back"}
    answer = shop.must(f"/v1/redemptions/{spent['redemption_id']}/refunds", refund)
    assert answer["debt_repaid"] == 100
    assert shop.points("ann") == (200, 0, 0)
    assert shop.points("bea") == (0, 0, 0)


def test_a_reversed_award_of_the_duplicate_is_taken_from_the_survivor(two: Shop) -> None:
    entry = two.get("/v1/members/bea/entries")["data"][0]["entry_id"]
    two.merge()
    answer = two.must(f"/v1/entries/{entry}/reversal", {"reason": "a mistake"}, role="operator")
    assert answer["balance"]["points"]["available"] == 1_000
    assert two.lots("ann") == [(1_000, "2026-06-30")]


def test_a_rolling_lot_keeps_the_end_that_activity_gave_it(shop: Shop) -> None:
    """Bought in March for twelve months, kept alive by ann's purchase in May, so it goes back to bea with that end."""
    shop.terms(points_expiry={"kind": "rolling", "months": 12})
    bought = shop.buy(10_000, member_id="bea")
    shop.buy(0)
    shop.merge()
    shop.wait(days=61)
    shop.buy(0)
    (lot,) = shop.lots("ann")
    shop.give_back(bought, 4_000)
    assert shop.lots("ann") == [(60, lot[1])]
    shop.unmerge()
    assert shop.lots("bea") == [(60, lot[1])]
    assert lot[1] > "2027-04"


# --- refusals ---------------------------------------------------------------------------------------------


def test_what_cannot_be_merged_is_refused_when_it_is_proposed(two: Shop) -> None:
    assert two.refusal("merge", "ann") == (422, "same_member")
    assert two.refusal("merge", "nobody") == (404, "member_unknown")
    assert two.refusal("unmerge") == (404, "merge_unknown")
    held = two.must("/v1/holds", {"member_id": "bea", "points": 10, "reference": "h"})
    assert two.refusal("merge") == (409, "holds_open")
    two.release(held)
    two.merge()
    assert two.refusal("merge") == (409, "member_merged")
    two.award(1, member_id="cid")
    assert two.refusal("merge", "ann", "cid") == (409, "member_has_merges")
    assert two.refusal("merge", "cid", "bea") == (409, "member_merged")
    assert two.refusal("unmerge", "bea", "cid") == (404, "merge_unknown")


def test_nobody_merges_alone(two: Shop) -> None:
    assert two.propose("merge", role="checkout").status_code == 403
    proposed = two.propose("merge", role="admin")
    answer = two.send(f"/v1/approvals/{proposed.json['approval_id']}/approve", role="admin")
    assert (answer.status_code, answer.json["code"]) == (403, "self_approval")
    assert two.points("bea") == (500, 0, 0)


def test_a_merge_that_became_impossible_is_refused_when_it_is_approved(two: Shop) -> None:
    proposed = two.propose("merge")
    two.merge()
    assert two.decide(proposed).json["code"] == "member_merged"
    assert two.points("ann") == (1_500, 0, 0)


@pytest.mark.parametrize(
    ("lock", "unlock"), [("freeze", "unfreeze"), ("spend-lock", "spend-unlock"), ("review", "unreview")]
)
def test_nobody_gets_rid_of_a_lock_by_being_merged(two: Shop, lock: str, unlock: str) -> None:
    reason = {"reason": "a call"}
    assert two.send(f"/v1/members/bea/{lock}", reason, role="operator").status_code == 200
    assert two.refusal("merge") == (409, "member_locked")
    assert two.points("bea") == (500, 0, 0)
    assert two.send(f"/v1/members/bea/{unlock}", reason, role="operator").status_code == 200
    two.merge()


def test_nothing_goes_into_or_out_of_frozen_books(two: Shop) -> None:
    frozen = two.send("/v1/members/ann/freeze", {"reason": "stolen"}, role="operator")
    assert frozen.status_code == 200
    assert two.refusal("merge") == (422, "member_frozen")
    two.send("/v1/members/ann/unfreeze", {"reason": "found"}, role="operator")
    two.merge()
    two.send("/v1/members/ann/freeze", {"reason": "stolen"}, role="operator")
    assert two.refusal("unmerge") == (422, "member_frozen")


def test_members_who_were_erased_are_not_merged(two: Shop) -> None:
    assert two.send("/v1/members/bea/erase", {"reason": "request"}, role="operator").status_code == 200
    assert two.refusal("merge") == (410, "member_erased")


def test_two_duplicates_of_one_member(two: Shop) -> None:
    two.award(30, member_id="cid")
    two.merge()
    two.merge("cid")
    assert two.points("ann") == (1_530, 0, 0)
    two.unmerge("bea")
    assert two.points("ann") == (1_030, 0, 0)
    assert two.points("cid") == (0, 0, 0)
    two.merge("bea")
    two.unmerge("bea")
    assert two.lots("bea") == [(500, "2026-09-30")]


def test_whoever_has_brought_himself_is_told_of(shop: Shop) -> None:
    activity = {
        "member_id": "bea",
        "activity_id": "a",
        "type": "referral",
        "occurred_at": "2026-03-02T04:00:00Z",
    }
    shop.award(1)
    shop.must("/v1/activities", {**activity, "attributes": {"referrer": "ann"}})
    merged = shop.merge()
    alerts = shop.get("/v1/alerts")["data"]
    assert [(alert["code"], alert["subject"]) for alert in alerts] == [
        ("merged_with_referrer", merged["merge_id"])
    ]


def test_nobody_is_brought_by_himself_under_his_other_name(shop: Shop) -> None:
    shop.award(1)
    shop.award(1, member_id="bea")
    shop.award(1, member_id="cid")
    shop.merge()
    shop.merge("cid")
    activity = {"activity_id": "a", "type": "referral", "occurred_at": "2026-03-02T04:00:00Z"}
    for member, referrer in (("ann", "bea"), ("bea", "ann"), ("bea", "cid")):
        body = {**activity, "member_id": member, "attributes": {"referrer": referrer}}
        shop.refused("/v1/activities", body, "self_referral")
