"""What stops a thief who has got in: freezes, spend locks, and limits of a day that hold on all workers together."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.concurrency.http.race import Contest, codes

from .shop import Shop, refused


@pytest.fixture(scope="module")
def program(shop: Shop) -> str:
    return shop.program()


@pytest.fixture
def contest(shop: Shop, program: str) -> Contest:
    return shop.contest(program=program)


def test_a_frozen_card_is_worth_nothing_to_a_thief_on_any_worker(
    shop: Shop, program: str, contest: Contest
) -> None:
    """Dunkin' 2015: what is being drained is frozen by one call, and nothing leaves it by any way from then on."""
    card, other = contest.member(100), contest.member(1)
    operator = shop.key("operator", program)
    shop.must(operator, "POST", f"/v1/members/{card}/freeze", {"reason": "drained"})
    ways = [
        wish
        for _ in range(5)
        for wish in (
            contest.redeeming(card, 10),
            contest.transferring(card, other, 10),
            contest.holding(card, points=10),
        )
    ]
    assert Counter(codes(contest.race(ways))) == {"member_frozen": 15}
    batch = contest.send(contest.batch("redemption", [contest.redeeming(card, 10)]))
    assert batch.document["results"][0]["body"]["code"] == "member_frozen"
    refused(
        shop.ask(shop.key("pos", program), "POST", f"/v1/members/{card}/unfreeze", {"reason": "x"}),
        403,
        "forbidden",
    )
    shop.must(operator, "POST", f"/v1/members/{card}/unfreeze", {"reason": "called, and is himself"})
    assert contest.send(contest.redeeming(card, 100)).status == 201


def test_a_spend_lock_holds_though_the_card_is_known(shop: Shop, program: str, contest: Contest) -> None:
    """Nectar 2025: members lock their own spending; twenty thieves with the card's number find it locked."""
    card = contest.member(100)
    shop.must(
        shop.key("checkout", program), "POST", f"/v1/members/{card}/spend-lock", {"reason": "as he wishes"}
    )
    answers = contest.race([contest.redeeming(card, 5) for _ in range(20)])
    assert Counter(codes(answers)) == {"spend_locked": 20}
    # Neither the number of a card nor a member's token takes the lock off.
    for bearer, status in ((None, 401), (card, 401), (shop.token(card), 403)):
        reply = shop.ask(bearer, "POST", f"/v1/members/{card}/spend-unlock", {"reason": "x"})
        assert reply.status == status
    assert contest.send(contest.buying(card, 1)).status == 201
    assert contest.available(card) == 101


def test_a_day_of_a_card_is_limited_by_all_workers_together(shop: Shop, contest: Contest) -> None:
    """Nectar 2024: 12 million points were burnt. Of fifty at once, a card spends what its day allows, and no more."""
    terms: dict[str, Any] = shop.must(contest.token, "GET", "/v1/program")["terms"]
    day = {"of": "member", "operation": "redemption", "per": "day", "points": 100}
    shop.must(contest.token, "PUT", "/v1/program/terms", {**terms, "limits": [day]})
    card = contest.member(1_000)
    answers = contest.race([contest.redeeming(card, 9) for _ in range(50)])
    assert Counter(codes(answers)) == {None: 11, "limit_exceeded": 39}
    assert contest.available(card) == 1_000 - 99


def test_what_a_cashier_gives_by_hand_is_limited_by_name_and_without_one(
    shop: Shop, program: str, contest: Contest
) -> None:
    """LCBO 2008: awards at a till are bounded by who works it and by its key, so leaving the name out gains nothing."""
    terms: dict[str, Any] = shop.must(contest.token, "GET", "/v1/program")["terms"]
    by_name = {"of": "operator", "operation": "earning", "per": "day", "points": 50}
    by_key = {"of": "key", "operation": "earning", "per": "day", "points": 120}
    shop.must(contest.token, "PUT", "/v1/program/terms", {**terms, "limits": [by_name, by_key]})
    own, till = contest.member(1), shop.contest("pos", program)
    named = [till.awarding(own, 10) for _ in range(20)]
    named = [
        replace(wish, body={**wish.body, "operator": "c-1", "terminal": f"t-{n}"})
        for n, wish in enumerate(named)
    ]
    assert Counter(codes(till.race(named))) == {None: 5, "limit_exceeded": 15}
    nameless = [till.awarding(own, 10) for _ in range(20)]
    assert Counter(codes(till.race(nameless))) == {None: 7, "limit_exceeded": 13}
    assert contest.available(own) == 1 + 120
