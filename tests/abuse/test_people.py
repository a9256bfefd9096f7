"""People with something to gain: who bring themselves, who make each other, and who work the till."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from ledger import clock
from tests.concurrency.http.race import Contest, Sent, codes
from tests.rulebooks import fixed, rule

from .shop import Shop, dated, refused, statement

WELCOME = rule("welcome", fixed(30), on="referral", name={"en": "welcome", "zh": "欢迎"})
THANKS = rule("thanks", fixed(50), on="referrer", name={"en": "thanks", "zh": "感谢"}, caps={"ever": 100})
TILL = rule("base", name={"en": "base", "zh": "基础"}, caps={"operator_day": 200})


@pytest.fixture(scope="module")
def program(shop: Shop) -> str:
    name = shop.program()
    shop.rule(name, TILL, WELCOME, THANKS)
    return name


@pytest.fixture
def contest(shop: Shop, program: str) -> Contest:
    return shop.contest(program=program)


def buying(contest: Contest, member: str, points: int, purchase: str | None = None) -> Sent:
    """A purchase of this moment: rules judge what happened after they came into force."""
    return dated(contest.buying(member, points, purchase))


def bringing(contest: Contest, referee: str, referrer: str) -> Sent:
    body = {
        "activity_id": contest.fresh(),
        "member_id": referee,
        "type": "referral",
        "occurred_at": clock.system_now().isoformat(),
        "attributes": {"referrer": referrer},
    }
    return Sent("/v1/activities", body, contest.fresh())


def enrolled(contest: Contest, count: int) -> list[str]:
    """Fresh members who have bought nothing."""
    members = [contest.fresh() for _ in range(count)]
    for member in members:
        assert contest.send(contest.awarding(member, 1)).status == 201
    return members


def test_nobody_brings_himself_and_no_ring_closes(contest: Contest) -> None:
    """Uber 2014: credits for bringing oneself, directly or round a ring."""
    (alone,) = enrolled(contest, 1)
    itself = contest.send(bringing(contest, alone, alone))
    assert (itself.status, itself.code) == (422, "self_referral")
    for size in (2, 3, 6):
        ring = enrolled(contest, size)
        links = [bringing(contest, a, b) for a, b in zip(ring, ring[1:] + ring[:1], strict=True)]
        assert Counter(codes(contest.race(links))) == {None: size - 1, "circular_referral": 1}


def test_a_referral_is_worth_nothing_until_somebody_buys(contest: Contest) -> None:
    """PayPal 2022: millions of accounts that were made for their bonus. They get it when they buy, up to a cap."""
    (ann,) = enrolled(contest, 1)
    made = [contest.fresh() for _ in range(10)]
    answers = contest.race([bringing(contest, each, ann) for each in made])
    assert set(codes(answers)) == {None}
    assert (contest.available(ann), [contest.available(each) for each in made]) == (1, [0] * 10)
    for each in made[:5]:
        assert contest.send(buying(contest, each, 1)).status == 201
    assert contest.available(ann) == 1 + 100
    assert [contest.available(each) for each in made] == [31] * 5 + [0] * 5


def test_what_a_referral_gave_goes_back_with_the_purchase(contest: Contest) -> None:
    """Uber 2014: a purchase that is made for the bonus and brought back leaves nothing to either of them."""
    (ann,), ben, purchase = enrolled(contest, 1), contest.fresh(), contest.fresh()
    assert contest.send(bringing(contest, ben, ann)).status == 201
    assert contest.send(buying(contest, ben, 10, purchase)).status == 201
    assert (contest.available(ann), contest.available(ben)) == (51, 40)
    contest.send(contest.redeeming(ann, 51))
    assert contest.send(dated(contest.returning(purchase, 1_000))).status == 201
    points = contest.get(f"/v1/members/{ann}/balance")["points"]
    assert (points["available"], points["debt"], contest.available(ben)) == (0, 50, 0)


def at_till(wish: Sent, operator: str, terminal: str = "t-1") -> Sent:
    return replace(wish, body={**wish.body, "operator": operator, "terminal": terminal})


def test_every_award_names_who_worked_which_till(contest: Contest) -> None:
    """LCBO 2008: cashiers put customers' purchases on their own cards. Who did it stands in the books for ever."""
    card, purchase = contest.fresh(), contest.fresh()
    for wish in (
        at_till(buying(contest, card, 10, purchase), "c-1"),
        dated(at_till(contest.returning(purchase, 100), "c-2")),
    ):
        assert contest.send(wish).status == 201
    told = [(entry["operator"], entry["terminal"]) for entry in statement(contest, card)]
    assert told == [("c-2", "t-1"), ("c-1", "t-1")]


def test_a_cashier_gives_no_more_in_a_day_than_cashiers_may(contest: Contest) -> None:
    """LCBO 2008: one cashier, twenty purchases at one moment, on one card or on many."""
    own, cashier = contest.fresh(), contest.fresh()
    wishes = [buying(contest, own if n % 2 else contest.fresh(), 30) for n in range(20)]
    answers = contest.race([at_till(wish, cashier, f"t-{n}") for n, wish in enumerate(wishes)])
    assert sum(answer.document["points"] for answer in answers) == 200
    fences = {each["fence"] for answer in answers for each in answer.document.get("fenced", [])}
    assert len(fences) == 1
    assert "operator_day" in fences.pop()
    assert contest.send(at_till(buying(contest, own, 10), f"{cashier}-other")).document["points"] == 10


def test_no_operator_credits_a_card_without_a_second_key(shop: Shop, program: str, contest: Contest) -> None:
    """LCBO 2008: a manual credit takes two keys, and an operator has no way past that."""
    (card,) = enrolled(contest, 1)
    key = shop.key("operator", program)
    award = contest.awarding(card, 100)
    refused(shop.ask(key, "POST", award.path, at_till(award, "c-1").body), 403, "forbidden")
    item: dict[str, Any] = {"operation": "earning", "idempotency_key": contest.fresh(), "body": award.body}
    batch = shop.ask(key, "POST", "/v1/batches", {"operations": [item]})
    told = batch.document["results"][0]["body"] if batch.status == 200 else batch.document
    assert (told["status"], told["code"]) == (403, "forbidden")
    wanted = {"member_id": card, "points": 100, "reason": "a friend"}
    proposed = shop.ask(key, "POST", "/v1/adjustments", wanted)
    assert proposed.status == 202
    path = f"/v1/adjustments/{proposed.document['adjustment_id']}/approve"
    refused(shop.ask(key, "POST", path), 403, "forbidden")
    # Nor does a till propose one.
    refused(shop.ask(shop.key("pos", program), "POST", "/v1/adjustments", wanted), 403, "forbidden")
    assert contest.available(card) == 1


def test_a_till_does_not_wave_through_what_it_has_awarded_itself(
    shop: Shop, program: str, contest: Contest
) -> None:
    """PayPal 2022: what made-up accounts are given for each other is held, and the till that gave it waits."""
    terms: dict[str, Any] = shop.must(contest.token, "GET", "/v1/program")["terms"]
    shared = {"abuse": {"attribute": "device", "members": 1, "then": "hold"}}
    shop.must(contest.token, "PUT", "/v1/program/terms", {**terms, **shared})
    (ann,), made, device = enrolled(contest, 1), [contest.fresh() for _ in range(4)], contest.fresh()
    for each in made:
        assert contest.send(bringing(contest, each, ann)).status == 201
        shop.must(contest.token, "PUT", f"/v1/members/{each}", {"attributes": {"device": device}})
    assert {answer.status for answer in contest.race([buying(contest, each, 1) for each in made])} == {201}
    # The first of the device is a customer; what the others got and gave is held.
    assert [contest.available(each) for each in (ann, *made)] == [51, 31, 0, 0, 0]
    queue = shop.must(contest.token, "GET", f"/v1/reviews?member_id={ann}")["data"]
    assert sum(each["points"] for each in queue) == 50
    found = queue[0]["review_id"]
    for how in ("release", "reject"):
        path, why = f"/v1/reviews/{found}/{how}", {"reason": "all in order"}
        refused(shop.ask(contest.token, "POST", path, why), 403, "self_review")
        refused(shop.ask(shop.key("pos", program), "POST", path, why), 403, "forbidden")
        refused(
            shop.ask(
                shop.key("pos", program),
                "POST",
                f"/v1/holds/{found}/{'capture' if how == 'reject' else how}",
                {},
            ),
            409,
            "hold_under_review",
        )
    shop.must(shop.key("operator", program), "POST", f"/v1/reviews/{found}/reject", {"reason": "made up"})
    assert contest.available(ann) == 51
    shop.must(contest.token, "PUT", "/v1/program/terms", terms)
