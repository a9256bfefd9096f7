"""What a merge leaves as it was: totals, reports, chains, what was answered; and what it is told as."""

from typing import Any

import orjson
import pytest

from tests.checkout import redemption_of

from .conftest import Shop

FIGURES = (
    "opening",
    "issued",
    "redeemed",
    "expired",
    "adjusted",
    "transferred",
    "forfeited",
    "closing",
    "difference",
)


@pytest.fixture
def two(shop: Shop) -> Shop:
    """Ann and bea have bought in two months, and bea has spent some of it."""
    shop.buy(70_000)
    shop.buy(30_000, member_id="bea")
    shop.must("/v1/redemptions", redemption_of(50, member_id="bea"))
    shop.wait(days=31)
    shop.buy(20_000, member_id="bea")
    return shop


def reports(shop: Shop) -> dict[str, Any]:
    """What finance is told of the program as it is now."""
    month = "from=2026-03-01T00:00:00%2B08:00&to=2026-04-30T00:00:00%2B08:00"
    shown = {
        path: shop.tenant.send("GET", f"/v1/reports/{path}", role="finance").json
        for path in ("trial-balance", "breakage")
    }
    rolled = shop.tenant.send("GET", f"/v1/reports/points-roll-forward?{month}&by=month", role="finance").json
    lines = {
        account["account"]: account["balance"]
        for unit in shown["trial-balance"]["units"]
        for account in unit["accounts"]
    }
    figures = {name: rolled[name] for name in FIGURES if name in rolled}
    return {"balances": lines, "roll-forward": figures, "triangle": shown["breakage"]["triangle"]}


def test_reports_and_totals_stay_as_they_were(two: Shop) -> None:
    two.wait(days=40)
    before = reports(two)
    two.merge()
    assert reports(two) == before
    two.unmerge()
    assert reports(two) == before
    assert before["roll-forward"]["difference"] == 0


def test_every_figure_of_the_transfer_accounts_is_nothing(two: Shop) -> None:
    two.merge()
    balances = reports(two)["balances"]
    assert (balances["transfer"], balances["growth_transfer"]) == (0, 0)


def test_entries_name_the_merge_and_both_keys(two: Shop) -> None:
    merged = two.merge()
    (out, *_), (arrived, *_) = (two.get(f"/v1/members/{m}/entries")["data"] for m in ("bea", "ann"))
    assert (out["kind"], arrived["kind"]) == ("merge_out", "merge_in")
    assert merged["merge_id"] == out["entry_id"].replace("ent_", "mrg_")
    shown = two.get(f"/v1/entries/{out['entry_id']}")
    keys = {shown["details"]["proposed_by"], shown["details"]["approved_by"]}
    assert len(keys) == 2


def test_what_a_key_was_answered_it_is_answered_after_the_merge(two: Shop) -> None:
    """The till repeats a sale of before: byte for byte the same answer, for bea as she was."""
    body = two.purchase_of(10_000, member_id="bea")
    headers = {"Idempotency-Key": "again"}
    first = two.send("/v1/purchases", body, headers=headers)
    two.merge()
    again = two.send("/v1/purchases", body, headers=headers)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json["balance"] == first.json["balance"]
    assert two.points("ann") == (700 + 250 + 200 + 100, 0, 0)


def test_a_sale_booked_for_the_duplicate_has_one_effect(two: Shop) -> None:
    """Under a fresh key the same purchase is refused, whichever of the two it names."""
    body = two.purchase_of(10_000, member_id="bea")
    two.must("/v1/purchases", body)
    two.merge()
    for member in ("ann", "bea"):
        two.refused("/v1/purchases", {**body, "member_id": member}, "purchase_exists")


def test_a_rehearsal_writes_nothing(two: Shop) -> None:
    bought = two.buy(10_000, member_id="bea")
    two.merge()
    before = two.rows()
    path = f"/v1/purchases/{bought['purchase_id']}/returns?dry_run=true"
    rehearsed = two.send(path, two.return_of(10_000))
    assert (rehearsed.status_code, rehearsed.json["dry_run"]) == (201, True), rehearsed.data
    assert rehearsed.json["balance"]["points"]["available"] == 700 + 250 + 200
    assert two.rows() == before


def test_a_refused_return_of_the_duplicate_moves_nothing(two: Shop) -> None:
    two.terms(returns={"tender": "pro_rata", "shortfall": "refuse"})
    bought = two.buy(10_000, member_id="bea")
    two.merge()
    two.must("/v1/redemptions", redemption_of(1_250))
    path = f"/v1/purchases/{bought['purchase_id']}/returns"
    two.refused(path, two.return_of(10_000), "points_already_spent")


def test_a_batch_may_name_both(two: Shop) -> None:
    """In one batch bea's sale, ann's redemption of all there is, and a return of what bea bought before."""
    bought = two.buy(10_000, member_id="bea")
    two.merge()
    operations = [
        {
            "operation": "purchase",
            "idempotency_key": "b-1",
            "body": two.purchase_of(5_000, member_id="bea"),
        },
        {"operation": "redemption", "idempotency_key": "b-2", "body": redemption_of(1_200)},
        {
            "operation": "return",
            "idempotency_key": "b-3",
            "body": {**two.return_of(10_000), "purchase_id": bought["purchase_id"]},
        },
    ]
    answer = two.send("/v1/batches", {"operations": operations})
    assert [result["status"] for result in answer.json["results"]] == [201, 201, 201], answer.data
    assert answer.json["results"][2]["body"]["shortfall"] == 0
    assert two.points("ann") == (1_250 + 50 - 1_200 - 100, 0, 0)


def test_quotes_and_holds_of_the_duplicates_card_are_the_survivors(two: Shop) -> None:
    two.merge()
    quote = two.quote(2_000, 100, member_id="bea")
    paid = two.must("/v1/purchases", two.purchase_of(2_000, member_id="bea", quote_id=quote["quote_id"]))
    assert paid["balance"]["member_id"] == "ann"
    held = two.hold(10, member_id="bea")
    assert two.points("ann")[1] == 10
    two.capture(held)
    assert two.points("bea") == (0, 0, 0)


def test_a_transfer_between_the_two_is_one_to_oneself(two: Shop) -> None:
    two.merge()
    sent = {"from_member_id": "bea", "to_member_id": "ann", "points": 1, "reference": "t"}
    two.refused("/v1/transfers", sent, "same_member", role="admin")


def test_a_reversed_transfer_between_the_two_of_before(two: Shop) -> None:
    """Bea gave ann 100; now both are one, and taking it back leaves the one with what the one has."""
    sent = {"from_member_id": "bea", "to_member_id": "ann", "points": 100, "reference": "t"}
    entry = two.must("/v1/transfers", sent, role="admin")["entry_id"]
    two.merge()
    assert two.points("ann") == (1_150, 0, 0)
    two.must(f"/v1/entries/{entry}/reversal", {"reason": "a mistake"}, role="operator")
    assert two.points("ann") == (1_150, 0, 0)
    two.unmerge()
    assert (two.points("ann")[0], two.points("bea")[0]) == (700, 450)


def test_an_adjustment_proposed_for_the_duplicate_is_the_survivors(two: Shop) -> None:
    wanted = {"member_id": "bea", "points": 5, "reason": "forgotten"}
    proposed = two.must("/v1/adjustments", wanted, status=202, role="operator")
    two.merge()
    path = f"/v1/adjustments/{proposed['adjustment_id']}/approve"
    assert two.must(path, {}, role="approver")["balance"]["member_id"] == "ann"


def test_the_audit_log_tells_who_has_merged_whom(two: Shop) -> None:
    two.merge()
    log = two.tenant.send("GET", "/v1/audit-log?limit=200", role="finance").json["data"]
    told = [(event["action"], event["subject"], event["role"]) for event in log if event["role"] != "owner"]
    joined = [each for each in told if "merge" in each[0] or "approve" in each[0]]
    assert [(action, role) for action, _, role in joined] == [
        ("approve_proposal", "approver"),
        ("propose_merge", "operator"),
    ]
    assert joined[1][1] == "/v1/members/ann/merge"
    assert orjson.dumps(log).count(b"lk_") == 0


def test_points_that_lapse_after_the_merge_lapse_once(two: Shop) -> None:
    two.award(40, member_id="bea", expires_at="2026-05-01T00:00:00Z")
    two.merge()
    two.wait(days=60)
    assert two.points("ann")[0] == 1_150
    two.unmerge()
    assert two.points("bea")[0] == 450
