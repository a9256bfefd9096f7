"""What a duplicate is still given for what it did: it is the survivor's, also where it is held for review first."""

from typing import Any

import pytest

from ledger.expiry.sweep import sweep
from tests.rulesets import fixed, rule

from .conftest import Shop


@pytest.fixture
def brought(shop: Shop) -> Shop:
    """Bea has brought ben, for which she is thanked with 50 points when he buys; then she is merged into ann."""
    rules = [rule("base"), fixed("thanks", 50, on="referrer"), fixed("grown", 7, "GROWTH", on="referrer")]
    saved = shop.must("/v1/rule-sets", {"content": {"rules": rules}}, role="operator")
    proposed = shop.must(f"/v1/rule-sets/{saved['version']}/proposals", status=202, role="operator")
    shop.must(f"/v1/approvals/{proposed['approval_id']}/approve", status=200, role="approver")
    shop.award(1)
    shop.award(2, member_id="bea")
    body = {"activity_id": "y", "member_id": "ben", "type": "referral", "attributes": {"referrer": "bea"}}
    shop.must("/v1/activities", body | {"occurred_at": shop.purchase_of()["occurred_at"]})
    shop.merge()
    return shop


def held(shop: Shop) -> dict[str, Any]:
    """Ben buys for 10 yuan while ann is reviewed; the review of what bea is given for it."""
    answer = shop.send("/v1/members/ann/review", {"reason": "odd times"}, role="operator")
    assert answer.status_code == 200
    shop.buy(1_000, member_id="ben")
    assert (shop.points("ann"), shop.points("bea")) == ((3, 0, 0), (0, 50, 0))
    (found,) = shop.tenant.send("GET", "/v1/reviews?status=open", role="operator").json["data"]
    return found  # type: ignore[no-any-return]


def test_a_reward_is_the_survivors_and_goes_back_with_the_purchase(brought: Shop) -> None:
    bought = brought.buy(1_000, member_id="ben")
    assert (brought.points("ann"), brought.points("bea")) == ((53, 0, 0), (0, 0, 0))
    brought.give_back(bought, 1_000)
    assert (brought.points("ann"), brought.points("bea")) == ((3, 0, 0), (0, 0, 0))


def test_a_reward_and_its_return_in_one_batch(brought: Shop) -> None:
    """What has gone over within a batch is found by what comes later in it; growth as well."""
    sold = brought.purchase_of(1_000, member_id="ben")
    back = {**brought.return_of(1_000), "purchase_id": sold["purchase_id"]}
    operations = [
        {"operation": "purchase", "idempotency_key": "b-1", "body": sold},
        {"operation": "return", "idempotency_key": "b-2", "body": back},
    ]
    answer = brought.send("/v1/batches", {"operations": operations})
    assert [each["status"] for each in answer.json["results"]] == [201, 201], answer.data
    assert (brought.points("ann"), brought.points("bea")) == ((3, 0, 0), (0, 0, 0))
    assert (brought.growth("ann"), brought.growth("bea")) == (0, 0)


def test_a_reward_that_was_spent_is_owed_by_the_survivor(brought: Shop) -> None:
    bought = brought.buy(1_000, member_id="ben")
    brought.must("/v1/redemptions", {"member_id": "ann", "points": 53, "reference": "r"})
    brought.give_back(bought, 1_000)
    assert (brought.points("ann"), brought.points("bea")) == ((0, 0, 50), (0, 0, 0))


def test_a_reward_under_review_is_the_survivors_once_it_is_released(brought: Shop) -> None:
    path = f"/v1/reviews/{held(brought)['review_id']}/release"
    brought.must(path, {"reason": "looked at"}, role="operator")
    assert (brought.points("ann"), brought.points("bea")) == ((53, 0, 0), (0, 0, 0))


def test_a_reward_that_was_rejected_leaves_nothing_behind(brought: Shop) -> None:
    path = f"/v1/reviews/{held(brought)['review_id']}/reject"
    brought.must(path, {"reason": "looked at"}, role="operator")
    assert (brought.points("ann"), brought.points("bea")) == ((3, 0, 0), (0, 0, 0))


def test_a_reward_that_nobody_has_looked_at_is_the_survivors_by_the_clock(brought: Shop) -> None:
    held(brought)
    brought.wait(days=31)
    sweep(brought.service.owner, brought.tenant.program, brought.now, now=brought.now)
    assert (brought.points("ann"), brought.points("bea")) == ((53, 0, 0), (0, 0, 0))
