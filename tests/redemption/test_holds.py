"""Holds: points are set aside, then captured or released, once; and past their time the clock has released them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from ledger import clock
from tests.checkout import NOON, Checkout, capture_of, fen, fresh, hold_of, redemption_of, release_of
from tests.whole_service import WholeService


def shares(draws: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(draw["lot_id"], draw["points"]) for draw in draws]


def gift(shop: Checkout, points: int, days: int) -> str:
    """The lot of a gift that ends so many days after noon."""
    answer = shop.award(points, expires_at=clock.show(NOON + timedelta(days=days)))
    return str(answer["lots"][0]["lot_id"])


# --- placing -------------------------------------------------------------------------------------


def test_a_hold_draws_what_ends_first_at_once_and_is_still_the_members(shop: Checkout) -> None:
    late, early = gift(shop, 30, days=20), gift(shop, 30, days=10)
    held = shop.hold(40)
    assert shares(held["draws"]) == [(early, 30), (late, 10)]
    assert (held["kind"], held["status"], held["quote_id"]) == ("hold", "open", None)
    assert held["expires_at"] == clock.show(NOON + timedelta(seconds=900))
    assert shop.points() == (20, 40, 0)


def test_what_is_held_can_be_neither_redeemed_nor_held_again_nor_given_away(shop: Checkout) -> None:
    shop.award(100)
    shop.award(1, member_id="bob")
    shop.hold(60)
    for path, body in (
        ("/v1/redemptions", redemption_of(41)),
        ("/v1/holds", hold_of(41)),
        (
            "/v1/transfers",
            {"from_member_id": "ann", "to_member_id": "bob", "points": 41, "reference": fresh("t")},
        ),
        ("/v1/quotes", {"member_id": "ann", "price": fen(100), "points": 41}),
    ):
        problem = shop.refused(path, body, "insufficient_points")
        assert (problem["available"], problem["requested"]) == (40, 41)
    assert shop.points() == (40, 60, 0)


def test_points_of_an_unknown_member_are_not_held(shop: Checkout) -> None:
    assert shop.refused("/v1/holds", hold_of(1, member_id="nobody"), "member_unknown")["status"] == 404


def test_a_reference_holds_once_whatever_key_it_comes_under(shop: Checkout) -> None:
    shop.award(100)
    body = hold_of(10)
    first = shop.must("/v1/holds", body)
    assert shop.refused("/v1/holds", body, "reference_exists")["entry_id"] == first["entry_id"]
    shop.release(first)
    shop.refused("/v1/holds", body, "reference_exists")


def test_pending_points_are_not_held(shop: Checkout) -> None:
    shop.award(100, available_at=clock.show(NOON + timedelta(days=1)))
    assert shop.refused("/v1/holds", hold_of(1), "insufficient_points")["available"] == 0


# --- capturing and releasing ---------------------------------------------------------------------


def test_a_capture_redeems_what_is_held(shop: Checkout) -> None:
    lot = gift(shop, 100, days=10)
    held = shop.hold(60)
    captured = shop.capture(held)
    assert (captured["kind"], captured["status"], captured["points"]) == ("capture", "captured", 60)
    assert (captured["released"], shares(captured["draws"])) == (0, [(lot, 60)])
    assert (captured["restored"], captured["lapsed"], captured["debt_repaid"]) == ([], [], 0)
    assert shop.points() == (40, 0, 0)


def test_a_partial_capture_releases_the_rest_to_the_same_lots_with_the_same_expiry(shop: Checkout) -> None:
    late, early = gift(shop, 30, days=20), gift(shop, 30, days=10)
    held = shop.hold(50)
    captured = shop.capture(held, points=25)
    assert (captured["points"], captured["released"]) == (25, 25)
    assert shares(captured["draws"]) == [(early, 25)]
    assert sorted(shares(captured["restored"])) == sorted([(early, 5), (late, 20)])
    ends = {lot["lot_id"]: lot["expires_at"] for lot in captured["restored"]}
    assert ends == {draw["lot_id"]: draw["expires_at"] for draw in held["draws"]}
    lots = {lot["lot_id"]: lot["remaining"] for lot in shop.get("/v1/members/ann/lots")["data"]}
    assert lots == {late: 30, early: 5}
    assert shop.points() == (35, 0, 0)


def test_a_release_gives_all_of_it_back_to_the_same_lots(shop: Checkout) -> None:
    late, early = gift(shop, 30, days=20), gift(shop, 30, days=10)
    held = shop.hold(50)
    released = shop.release(held)
    assert (released["kind"], released["status"], released["points"]) == ("release", "released", 50)
    assert shares(released["restored"]) == [(late, 20), (early, 30)]
    assert shop.points() == (60, 0, 0)


@pytest.mark.parametrize(("first", "status"), [(capture_of, "captured"), (release_of, "released")])
@pytest.mark.parametrize("second", [capture_of, release_of])
def test_a_hold_that_has_ended_neither_is_captured_nor_released_again(
    shop: Checkout,
    first: Callable[[dict[str, Any]], str],
    second: Callable[[dict[str, Any]], str],
    status: str,
) -> None:
    shop.award(100)
    held = shop.hold(60)
    shop.must(first(held))
    problem = shop.refused(second(held), {}, "hold_not_open")
    assert (problem["status"], problem["hold_status"], problem["hold_id"]) == (409, status, held["hold_id"])


def test_more_than_is_held_is_not_captured_and_the_hold_stays(shop: Checkout) -> None:
    shop.award(100)
    held = shop.hold(60)
    problem = shop.refused(capture_of(held), {"points": 61}, "capture_exceeds_hold")
    assert (problem["status"], problem["held"], problem["requested"]) == (422, 60, 61)
    assert shop.capture(held, points=60)["points"] == 60


@pytest.mark.parametrize("act", ["capture", "release"])
@pytest.mark.parametrize("name", ["hld_" + "0" * 32, "hld_1", "h-1", "the entry's", "an award's"])
def test_what_is_no_hold_is_neither_captured_nor_released(shop: Checkout, act: str, name: str) -> None:
    award = shop.award(100)["entry_id"]
    named = {"the entry's": shop.hold(10)["entry_id"], "an award's": award.replace("ent_", "hld_")}
    path = f"/v1/holds/{named.get(name, name)}/{act}"
    assert shop.refused(path, {}, "hold_unknown")["status"] == 404


def test_a_capture_is_refunded_like_a_redemption(shop: Checkout) -> None:
    late, early = gift(shop, 30, days=20), gift(shop, 30, days=10)
    captured = shop.capture(shop.hold(50), points=40)
    path = f"/v1/redemptions/{captured['redemption_id']}/refunds"
    refund = shop.must(path, {"points": 15, "reference": fresh("f")})
    assert shares(refund["restored"]) == [(late, 10), (early, 5)]
    too_much = {"points": 26, "reference": fresh("f")}
    assert shop.refused(path, too_much, "refund_exceeds_redemption")["refundable"] == 25


# --- the clock -----------------------------------------------------------------------------------


def test_past_its_time_a_hold_has_released_itself_without_any_job(shop: Checkout) -> None:
    shop.award(100)
    held = shop.hold(60, expires_in=600)
    shop.wait(seconds=599)
    assert (shop.points(), shop.holds()["data"][0]["status"]) == ((40, 60, 0), "open")
    shop.wait(seconds=1)
    before = shop.rows()
    listed = shop.holds()["data"][0]
    assert (shop.points(), listed["status"], listed["closed_entry_id"]) == ((100, 0, 0), "lapsed", None)
    assert shop.rows() == before
    assert shop.must("/v1/redemptions", redemption_of(100))["points"] == 100
    # The next posting of the member has booked the lapse, as of when it was.
    booked = shop.get("/v1/members/ann/entries")["data"][1]
    assert (booked["kind"], booked["effective_at"]) == ("release", held["expires_at"])
    listed = shop.holds()["data"][0]
    assert (listed["status"], listed["captured"]) == ("lapsed", 0)
    assert listed["closed_entry_id"] == booked["entry_id"]
    assert shop.points() == (0, 0, 0)


@pytest.mark.parametrize("act", [capture_of, release_of])
def test_a_lapsed_hold_is_neither_captured_nor_released_before_or_after_its_lapse_is_booked(
    shop: Checkout, act: Callable[[dict[str, Any]], str]
) -> None:
    shop.award(100)
    held = shop.hold(60, expires_in=600)
    shop.wait(seconds=600)
    first = shop.send(act(held))
    assert (first.status_code, first.json["hold_status"]) == (409, "lapsed")
    # Whoever asks lets the lapse be booked; from then on nothing moves.
    assert shop.refused(act(held), {}, "hold_not_open")["hold_status"] == "lapsed"
    assert shop.points() == (100, 0, 0)


def test_a_hold_is_captured_in_its_last_microsecond(shop: Checkout) -> None:
    shop.award(100)
    held = shop.hold(60, expires_in=1)
    shop.wait(microseconds=999_999)
    assert shop.capture(held)["points"] == 60


def test_a_past_balance_still_has_what_was_held_then(shop: Checkout) -> None:
    shop.award(100)
    shop.hold(60, expires_in=600)
    shop.wait(hours=1)
    for seconds, held in ((599, 60), (600, 0)):
        as_of = clock.show(NOON + timedelta(seconds=seconds))
        points = shop.get(f"/v1/members/ann/balance?as_of={as_of}")["points"]
        assert (points["available"], points["held"]) == (100 - held, held)


def test_a_lot_that_lapses_during_a_hold_is_honoured_on_capture(shop: Checkout) -> None:
    lot = gift(shop, 60, days=1)
    held = shop.hold(60, expires_in=2 * 86_400)
    shop.wait(days=1)
    assert shop.points() == (0, 60, 0)
    captured = shop.capture(held)
    assert (captured["points"], shares(captured["draws"]), captured["lapsed"]) == (60, [(lot, 60)], [])
    assert shop.points() == (0, 0, 0)


def test_what_of_a_lapsed_lot_is_not_captured_lapses(shop: Checkout) -> None:
    lot = gift(shop, 60, days=1)
    held = shop.hold(60, expires_in=2 * 86_400)
    shop.wait(days=1)
    captured = shop.capture(held, points=45)
    assert (captured["restored"], shares(captured["lapsed"])) == ([], [(lot, 15)])
    assert captured["lapsed_policy"] == "lapse"
    assert shop.points() == (0, 0, 0)


def test_a_lot_that_lapses_during_a_hold_lapses_on_release(shop: Checkout) -> None:
    lapsed, live = gift(shop, 40, days=1), gift(shop, 60, days=9)
    held = shop.hold(60, expires_in=2 * 86_400)
    shop.wait(days=1)
    released = shop.release(held)
    assert (shares(released["restored"]), shares(released["lapsed"])) == ([(live, 20)], [(lapsed, 40)])
    assert released["grace_lot"] is None
    assert shop.points() == (60, 0, 0)


def test_a_lot_that_lapses_during_a_hold_lapses_with_the_hold(shop: Checkout) -> None:
    gift(shop, 40, days=1)
    gift(shop, 60, days=9)
    shop.hold(60, expires_in=2 * 86_400)
    shop.wait(days=2)
    assert shop.points() == (60, 0, 0)
    assert shop.must("/v1/redemptions", redemption_of(60))["balance"]["points"]["available"] == 0


def test_what_a_release_gives_back_of_a_lapsed_lot_lives_on_for_the_days_of_grace(
    service: WholeService,
) -> None:
    shop = Checkout(service, lapsed_refund={"policy": "grace", "grace_days": 14})
    lapsed, live = gift(shop, 40, days=1), gift(shop, 60, days=90)
    held = shop.hold(60, expires_in=2 * 86_400)
    shop.wait(days=1)
    released = shop.release(held)
    assert (shares(released["restored"]), shares(released["lapsed"])) == ([(live, 20)], [(lapsed, 40)])
    assert released["lapsed_policy"] == "grace"
    assert released["grace_lot"]["points"] == 40
    assert released["grace_lot"]["expires_at"] == clock.show(shop.now + timedelta(days=14))
    assert shop.points() == (100, 0, 0)
    shop.wait(days=14)
    assert shop.points() == (60, 0, 0)


def test_a_rolling_lot_that_is_wholly_held_lives_as_long_as_one_that_is_held_but_for_a_point(
    service: WholeService,
) -> None:
    ends = []
    for points in (99, 100):
        shop = Checkout(service, points_expiry={"kind": "rolling", "months": 1})
        shop.award(100)
        held = shop.hold(points, expires_in=30 * 86_400)
        shop.wait(days=10)
        # Whoever is active keeps his points; those that are held are still his.
        shop.buy(10_000)
        ends.append([lot["expires_at"] for lot in shop.release(held)["restored"]])
    assert ends[0] == ends[1]


def test_points_whose_award_is_taken_back_while_they_are_held_are_owed(shop: Checkout) -> None:
    award = shop.award(100)
    held = shop.hold(60)
    path = f"/v1/entries/{award['entry_id']}/reversal"
    assert shop.must(path, {"reason": "mistake"}, role="operator")["shortfall"] == 60
    assert shop.points() == (0, 60, 60)
    assert shop.capture(held)["points"] == 60
    assert shop.points() == (0, 0, 60)


def test_a_debt_that_arose_during_a_hold_is_repaid_by_what_of_it_lapses_alive(shop: Checkout) -> None:
    bought = shop.buy(10_000)
    gift(shop, 50, days=1)
    shop.hold(150, expires_in=3 * 86_400)
    shop.give_back(bought, 10_000)
    assert shop.points() == (0, 150, 100)
    shop.wait(days=3)
    # The gift has lapsed; the 100 of the purchase are alive, and pay what is owed for them.
    assert shop.points() == (0, 0, 0)
    assert shop.award(1)["balance"]["points"]["available"] == 1


@pytest.mark.parametrize("kind", ["hold", "release"])
def test_what_sets_aside_and_gives_back_is_not_reversed(shop: Checkout, kind: str) -> None:
    shop.award(100)
    held = shop.hold(60)
    entry = {"hold": held, "release": shop.release(held)}[kind]["entry_id"]
    path = f"/v1/entries/{entry}/reversal"
    problem = shop.refused(path, {"reason": "mistake"}, "entry_not_reversible", role="operator")
    assert problem["kind"] == kind


def test_a_capture_is_reversed_once_and_gives_its_points_back(shop: Checkout) -> None:
    shop.award(100)
    captured = shop.capture(shop.hold(60), points=45)
    path = f"/v1/entries/{captured['entry_id']}/reversal"
    assert shop.must(path, {"reason": "mistake"}, role="operator")["points"] == 45
    assert shop.points() == (100, 0, 0)
    shop.refused(path, {"reason": "mistake"}, "entry_already_reversed", role="operator")


def test_what_comes_back_repays_a_debt_first(shop: Checkout) -> None:
    bought = shop.buy(10_000)
    shop.must("/v1/redemptions", redemption_of(20))
    held = shop.hold(80)
    assert shop.give_back(bought, 10_000)["debt"] == 100
    assert shop.points() == (0, 80, 100)
    released = shop.release(held)
    assert released["debt_repaid"] == 80
    assert shop.points() == (0, 0, 20)


# --- on a quote ----------------------------------------------------------------------------------


def test_a_hold_on_a_quote_keeps_its_terms_however_the_rate_moves(shop: Checkout) -> None:
    shop.award(1_000)
    quote = shop.quote(2_000, 500)
    held = shop.hold(quote_id=quote["quote_id"])
    assert (held["points"], held["points_value"], held["cash"]) == (500, fen(500), fen(1_500))
    shop.rate("0.0090")
    shop.wait(seconds=899)
    captured = shop.capture(held)
    assert (captured["points_value"], captured["cash"]) == (fen(500), fen(1_500))
    assert (captured["rate"], captured["rate_version"]) == ("0.0100", quote["rate_version"])


def test_a_part_of_a_hold_on_a_quote_is_worth_less_and_costs_more_cash(shop: Checkout) -> None:
    # 333 points at 0.90 fen are 299.7 fen: 2.99, and 17.01 of the 20.00 are left to pay.
    shop.award(1_000)
    shop.rate("0.0090")
    held = shop.hold(quote_id=shop.quote(2_000, 1_000)["quote_id"])
    assert (held["points_value"], held["cash"]) == (fen(900), fen(1_100))
    captured = shop.capture(held, points=333)
    assert (captured["points_value"], captured["cash"], captured["released"]) == (fen(299), fen(1_701), 667)
    assert shop.points() == (667, 0, 0)


def test_a_part_may_be_worth_less_than_a_fen_and_is_given_back_like_any_other(shop: Checkout) -> None:
    # One point at 0.90 fen is nothing in whole fen: the price is all cash.
    shop.award(1_000)
    shop.rate("0.0090")
    captured = shop.capture(shop.hold(quote_id=shop.quote(2_000, 500)["quote_id"]), points=1)
    assert (captured["points_value"], captured["cash"]) == (fen(0), fen(2_000))
    path = f"/v1/redemptions/{captured['redemption_id']}/refunds"
    shop.must(path, {"points": 1, "reference": fresh("f")})
    assert shop.points() == (1_000, 0, 0)


def test_a_quote_that_was_held_is_used_even_when_the_hold_is_released(shop: Checkout) -> None:
    shop.award(1_000)
    quote = shop.quote()["quote_id"]
    held = shop.hold(quote_id=quote)
    shop.release(held)
    for path, body in (
        ("/v1/holds", hold_of(quote_id=quote)),
        ("/v1/redemptions", redemption_of(quote_id=quote)),
        ("/v1/purchases", shop.purchase_of(2_000, quote_id=quote)),
    ):
        assert shop.refused(path, body, "quote_used")["entry_id"] == held["entry_id"]


# --- once, for practice, and among others --------------------------------------------------------


def steps(shop: Checkout) -> dict[str, tuple[str, dict[str, Any]]]:
    """Each way to post about holds, ready to succeed."""
    shop.award(1_000)
    return {
        "hold": ("/v1/holds", hold_of(10)),
        "hold on a quote": ("/v1/holds", hold_of(quote_id=shop.quote(2_000, 20)["quote_id"])),
        "capture": (capture_of(shop.hold(30)), {}),
        "partial capture": (capture_of(shop.hold(40)), {"points": 15}),
        "release": (release_of(shop.hold(50)), {}),
    }


STEPS = ("hold", "hold on a quote", "capture", "partial capture", "release")


@pytest.mark.parametrize("step", STEPS)
def test_the_same_key_is_answered_with_the_same_bytes(shop: Checkout, step: str) -> None:
    path, body = steps(shop)[step]
    key = {"Idempotency-Key": fresh("once")}
    first = shop.send(path, body, headers=key)
    assert first.status_code == 201
    shop.wait(seconds=30)
    before = shop.rows()
    again = shop.send(path, body, headers=key)
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert shop.rows() == before
    # The order of the members is no difference; another member is one.
    other = {**body, "channel": "app"}
    assert shop.refused(path, other, "idempotency_key_reused", headers=key)["status"] == 422


@pytest.mark.parametrize("act", [capture_of, release_of])
def test_a_refusal_is_the_keys_answer_for_ever(shop: Checkout, act: Callable[[dict[str, Any]], str]) -> None:
    shop.award(100)
    held = shop.hold(10)
    shop.release(held)
    key = {"Idempotency-Key": fresh("once")}
    first, again = (shop.send(act(held), {}, headers=key) for _ in range(2))
    assert (first.status_code, first.data) == (409, again.data)
    assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize("step", STEPS)
def test_a_rehearsal_answers_in_full_and_writes_nothing(shop: Checkout, step: str) -> None:
    path, body = steps(shop)[step]
    before = shop.service.rows()
    answer = shop.send(path, body, query_string="dry_run=true", headers={"Idempotency-Key": None})
    assert (answer.status_code, answer.json["dry_run"]) == (201, True)
    assert shop.service.rows() == before
    played = shop.must(path, body)
    assert {*answer.json} - {"dry_run"} == {*played}
    assert answer.json["balance"]["points"] == played["balance"]["points"]


def operation(name: str, **body: Any) -> dict[str, Any]:
    return {"operation": name, "idempotency_key": fresh("op"), "body": body}


def test_a_batch_holds_captures_and_releases_in_its_order(shop: Checkout) -> None:
    shop.award(100)
    first, second = (shop.hold(points)["hold_id"] for points in (30, 40))
    operations = [
        operation("capture", hold_id=first, points=10),
        operation("hold", **hold_of(61)),
        operation("release", hold_id=second),
        operation("hold", **hold_of(61)),
        operation("capture", hold_id=first),
    ]
    results = shop.must("/v1/batches", {"operations": operations}, status=200)["results"]
    assert [result["status"] for result in results] == [201, 422, 201, 201, 409]
    assert results[1]["body"]["available"] == 50
    assert shop.points() == (29, 61, 0)


def test_an_atomic_batch_that_fails_leaves_the_hold_open(shop: Checkout) -> None:
    shop.award(100)
    held = shop.hold(30)
    operations = [
        operation("capture", hold_id=held["hold_id"]),
        operation("redemption", **redemption_of(71)),
    ]
    before = shop.rows()
    body = {"atomic": True, "operations": operations}
    results = shop.must("/v1/batches", body, status=200)["results"]
    assert [result["status"] for result in results] == [409, 422]
    assert shop.rows() == before
    assert shop.capture(held)["points"] == 30


# --- the list ------------------------------------------------------------------------------------


def test_holds_are_listed_newest_first_page_by_page(shop: Checkout) -> None:
    shop.award(1_000)
    quote = shop.quote(2_000, 70)
    held = [shop.hold(10 * n, expires_in=60 * n) for n in range(1, 7)]
    held.append(shop.hold(quote_id=quote["quote_id"]))
    captured, released = shop.capture(held[4], points=20), shop.release(held[5])
    shop.wait(seconds=120)
    pages = [shop.holds("?limit=3")]
    while pages[-1]["next_cursor"]:
        pages.append(shop.holds(f"?limit=3&cursor={pages[-1]['next_cursor']}"))
    assert [len(page["data"]) for page in pages] == [3, 3, 1]
    listed = [item for page in pages for item in page["data"]]
    assert [item["hold_id"] for item in listed] == [hold["hold_id"] for hold in reversed(held)]
    assert [(item["points"], item["status"], item["captured"]) for item in listed] == [
        (70, "open", 0),
        (60, "released", 0),
        (50, "captured", 20),
        (40, "open", 0),
        (30, "open", 0),
        (20, "lapsed", 0),
        (10, "lapsed", 0),
    ]
    assert listed[0]["quote_id"] == quote["quote_id"]
    assert [item["closed_entry_id"] for item in listed[1:3]] == [released["entry_id"], captured["entry_id"]]
    assert shop.holds() == {"data": listed, "next_cursor": None}


def test_a_cursor_into_the_holds_of_one_member_shows_only_those_of_the_other(shop: Checkout) -> None:
    shop.award(100)
    shop.award(100, member_id="bob")
    theirs = {shop.hold(10, member_id="bob")["hold_id"] for _ in range(2)}
    for _ in range(2):
        shop.hold(10)
    cursor = shop.holds("?limit=1")["next_cursor"]
    page = shop.get(f"/v1/members/bob/holds?cursor={cursor}")
    assert {item["hold_id"] for item in page["data"]} <= theirs
    assert page["next_cursor"] is None


def test_nobody_has_no_list_of_holds(shop: Checkout) -> None:
    answer = shop.tenant.send("GET", "/v1/members/nobody/holds")
    assert (answer.status_code, answer.json["code"]) == (404, "member_unknown")
