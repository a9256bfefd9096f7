"""Amounts that are no amounts: parts of a point, nothing, less than nothing, and more than there can be."""

import json
from typing import Any

import pytest

from tests.concurrency.http.race import Contest, Sent
from tests.faults.clients import Answer

from .shop import Reply, Shop

MOST = 2**53 - 1
"""The greatest amount there is."""

PARTS = ["0.5", "1.0", "1.5", "5e-1", "1e0", "0.1e1", '"0.5"', '"1"', "0.9999999999999999", "1e-400"]
NOTHING = ["0", "-0", "-0.0", "-1", "-100", '"-1"', "null", "true", "[]", "{}"]
TOO_MUCH = [str(number) for number in (2**53, 2**63 - 1, 2**63, 2**64, 2**64 + 1, -(2**63), 10**400)]
TOO_MUCH += ["1e400", "NaN", "Infinity"]


def wishes(contest: Contest, card: str, other: str) -> list[Sent]:
    """A request of every kind that moves points by their number."""
    redemption = contest.send(contest.redeeming(card, 10)).document["redemption_id"]
    hold = contest.send(contest.holding(card, points=10)).document["hold_id"]
    return [
        contest.redeeming(card, 1),
        contest.transferring(card, other, 1),
        contest.awarding(card, 1),
        contest.holding(card, points=1),
        contest.capturing(hold, points=1),
        contest.refunding(redemption, 1),
        contest.quoting(card, 1_000, 1),
    ]


def with_points(shop: Shop, contest: Contest, wish: Sent, literal: str) -> Reply:
    """The answer to a wish whose points are spelled so."""
    raw = json.dumps({**wish.body, "points": "HERE"}).replace('"HERE"', literal)
    return shop.ask(contest.token, "POST", wish.path, raw.encode())


def standing(contest: Contest, *members: str) -> list[Any]:
    return [contest.get(f"/v1/members/{member}/balance")["points"] for member in members]


@pytest.mark.parametrize("literals", [PARTS, NOTHING, TOO_MUCH], ids=["parts", "nothing", "too much"])
def test_only_whole_points_above_nothing_are_points(
    shop: Shop, contest: Contest, literals: list[str]
) -> None:
    """Bounty #176461, negative transfers, Bitcoin 2010: refused on every route that moves points, and nothing moves."""
    card, other = contest.member(100), contest.member(100)
    sent = wishes(contest, card, other)
    before = standing(contest, card, other)
    for wish in sent:
        for literal in literals:
            # A capture of no points named is one of all that is held.
            if literal == "null" and wish.path.endswith("/capture"):
                continue
            answer = with_points(shop, contest, wish, literal)
            assert answer.status in (400, 422), (wish.path, literal, answer.body)
    assert standing(contest, card, other) == before


@pytest.mark.parametrize("literal", [*PARTS, "-1", "-0.5", str(2**53), str(2**63), "1e400"])
def test_money_is_whole_fen(shop: Shop, contest: Contest, literal: str) -> None:
    """Bounty #176461: half a fen is no amount either."""
    member = contest.fresh()
    wish = contest.buying(member, 1)
    wish.body["lines"][0]["amount"] = "HERE"
    raw = json.dumps(wish.body).replace('"HERE"', literal).encode()
    assert shop.ask(contest.token, "POST", wish.path, raw).status in (400, 422)
    assert shop.ask(contest.token, "GET", f"/v1/members/{member}/balance").code == "member_unknown"


def results(answer: Answer) -> list[dict[str, Any]]:
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.document["results"]
    return found


def test_ten_thousand_small_purchases_never_beat_a_large_one(contest: Contest) -> None:
    """Bounty #176461: what is too small to earn earns nothing however often; a purchase is rounded once, and down."""
    split, whole = contest.fresh(), contest.fresh()
    for _ in range(10):
        batch = []
        for _ in range(1_000):
            one = contest.buying(split, 0)
            one.body["lines"][0]["amount"] = 199
            batch.append(one)
        assert {each["status"] for each in results(contest.send(contest.batch("purchase", batch)))} == {201}
    large = contest.buying(whole, 0)
    large.body["lines"][0]["amount"] = 199 * 10_000
    assert contest.send(large).status == 201
    assert (contest.available(split), contest.available(whole)) == (10_000, 19_900)


def test_a_thousand_small_returns_take_back_all_that_was_earned(contest: Contest) -> None:
    """Bounty #176461: returns too small to be a point each leave nothing behind once all of it is back."""
    member, purchase = contest.fresh(), contest.fresh()
    bought = contest.buying(member, 100, purchase)
    assert contest.send(bought).status == 201
    backs = [contest.returning(purchase, 10) for _ in range(1_000)]
    items = [
        {
            "operation": "return",
            "idempotency_key": back.key,
            "body": {**back.body, "purchase_id": purchase},
        }
        for back in backs
    ]
    answer = contest.send(Sent("/v1/batches", {"operations": items}, contest.fresh()))
    assert {each["status"] for each in results(answer)} == {201}
    assert contest.available(member) == 0
    assert contest.get(f"/v1/members/{member}/balance")["growth"]["value"] == 0


def test_points_that_are_sent_in_small_parts_are_as_many(contest: Contest) -> None:
    """Bounty #176461: a debit and its credit are one number, so no part is lost or made on the way."""
    sender, recipient = contest.member(500), contest.member(1)
    parts = [contest.transferring(sender, recipient, 1) for _ in range(500)]
    assert {each["status"] for each in results(contest.send(contest.batch("transfer", parts)))} == {201}
    assert (contest.available(sender), contest.available(recipient)) == (0, 501)


def test_balances_near_the_end_of_numbers_do_not_run_over(contest: Contest) -> None:
    """Bitcoin 2010: what would be more than the greatest amount is refused; nothing wraps, and nothing is minted."""
    rich, other = contest.member(1), contest.member(1)
    assert contest.send(contest.awarding(rich, MOST - 1)).status == 201
    assert contest.send(contest.awarding(other, MOST - 1)).status == 201
    over = [
        contest.awarding(rich, 1),
        contest.awarding(rich, MOST),
        contest.transferring(other, rich, MOST),
        contest.buying(rich, 1),
    ]
    assert {(answer.status, answer.code) for answer in contest.race(over)} == {(422, "amount_too_large")}
    assert (contest.available(rich), contest.available(other)) == (MOST, MOST)
    for member in (rich, other):
        assert contest.send(contest.redeeming(member, MOST)).status == 201


def test_a_purchase_whose_lines_come_to_too_much_is_refused(contest: Contest) -> None:
    """Bitcoin 2010: each line is possible, and their sum is not."""
    member = contest.fresh()
    wish = contest.buying(member, 0)
    wish.body["lines"] = [{"line_id": str(number), "quantity": 1, "amount": MOST} for number in range(500)]
    answer = contest.send(wish)
    assert (answer.status, answer.code) == (422, "amount_too_large")


def test_nobody_sends_points_to_himself_or_pulls_them_from_another(shop: Shop, contest: Contest) -> None:
    """Negative-amount transfers: to oneself, and the wrong way round."""
    card, other = contest.member(100), contest.member(100)
    before = standing(contest, card, other)
    itself = contest.send(contest.transferring(card, card, 10))
    assert (itself.status, itself.code) == (422, "same_member")
    pull = contest.transferring(card, other, 1)
    assert with_points(shop, contest, pull, "-50").status == 400
    swapped = {**pull.body, "from": other, "to": card}
    assert shop.ask(contest.token, "POST", pull.path, swapped).status == 400
    assert standing(contest, card, other) == before
