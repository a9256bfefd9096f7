"""Balances that are spent more than once, and cards that somebody else empties."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tests.concurrency.http.race import Contest, Sent, codes
from tests.faults.clients import Answer
from tests.faults.service import await_fact, ledger

from .shop import Shop, refused


def among(views: list[Contest], requests: list[Sent]) -> list[Answer]:
    """Answers to requests that are sent at one moment, by different keys in turn."""
    shares = [requests[number :: len(views)] for number in range(len(views))]
    with ThreadPoolExecutor(len(views)) as pool:
        answers = pool.map(lambda pair: pair[0].race(pair[1]), zip(views, shares, strict=True))
        return [answer for share in answers for answer in share]


def test_of_twenty_transfers_of_one_cards_whole_balance_one_succeeds(shop: Shop) -> None:
    """Starbucks 2015: a balance is moved to other cards by parallel sessions, each with a key of its own."""
    views = [shop.contest("checkout"), shop.contest("admin"), shop.contest("operator")]
    card = views[0].member(100)
    others = [views[0].fresh() for _ in range(20)]
    views[0].race([views[0].buying(other, 0) for other in others])
    answers = among(views, [views[0].transferring(card, other, 100) for other in others])
    assert Counter(codes(answers)) == {None: 1, "insufficient_points": 19}
    assert views[0].available(card) == 0
    assert sum(map(views[0].available, others)) == 100


def test_of_every_way_to_spend_a_whole_balance_at_once_one_succeeds(contest: Contest) -> None:
    """Starbucks 2015: not one route twenty times, but each of them: to spend, to hold, to give away, in a batch."""
    card, other = contest.member(100), contest.member(1)
    ways = [
        contest.redeeming(card, 100),
        contest.holding(card, points=100),
        contest.transferring(card, other, 100),
        contest.batch("redemption", [contest.redeeming(card, 100)]),
    ]
    attempts = [
        replace(way, key=f"{way.key}.{n}", body=_renamed(way.body, n)) for n in range(5) for way in ways
    ]
    answers = contest.race(attempts)
    assert {answer.status for answer in answers} <= {200, 201, 422}
    batches = [answer.document["results"][0]["status"] for answer in answers if answer.status == 200]
    assert [answer.status for answer in answers].count(201) + batches.count(201) == 1
    available, held = contest.points(card)
    assert (available, held) in ((0, 0), (0, 100))


def _renamed(body: dict[str, object], number: int) -> dict[str, object]:
    """The same wish under another reference."""
    if "operations" in body:
        (item,) = body["operations"]  # type: ignore[misc]
        inner = _renamed(item["body"], number)  # type: ignore[has-type]
        key = f"{item['idempotency_key']}.{number}"  # type: ignore[has-type]
        return {"operations": [{**item, "idempotency_key": key, "body": inner}]}  # type: ignore[has-type]
    return {**body, "reference": f"{body['reference']}.{number}"}


def test_whole_balances_sent_round_a_ring_at_once_stay_as_many(contest: Contest) -> None:
    """Flexcoin 2014 and Poloniex: the same, chained over accounts, so that each is drained while it is filled."""
    ring = [contest.member(100) for _ in range(5)]
    pairs = list(zip(ring, ring[1:] + ring[:1], strict=True))
    for _ in range(6):
        attempts = [
            contest.transferring(sender, recipient, points)
            for sender, recipient in pairs
            for points in (100, 200, 500)
        ]
        assert set(codes(contest.race(attempts))) <= {None, "insufficient_points"}
        there = [contest.available(member) for member in ring]
        assert sum(there) == 500
        assert min(there) >= 0


def test_the_number_of_a_card_spends_nothing(shop: Shop, contest: Contest) -> None:
    """Nectar 2024: whoever knew a card's number could spend. Here it takes a till's key; a member's token reads."""
    card = contest.member(100)
    for wish in (
        contest.redeeming(card, 10),
        contest.transferring(card, "thief", 10),
        contest.holding(card, points=10),
        contest.quoting(card, 1_000, 10),
    ):
        refused(shop.ask(None, "POST", wish.path, wish.body), 401, "unauthenticated")
        refused(shop.ask(card, "POST", wish.path, wish.body), 401, "unauthenticated")
        refused(shop.ask(shop.token(card), "POST", wish.path, wish.body), 403, "forbidden")
    assert contest.points(card) == (100, 0)


def test_two_tills_and_an_app_that_race_never_overdraw_a_card(shop: Shop) -> None:
    """Nectar 2025: accounts were overdrawn. Two tills and an app spend by three keys, and each answer is true."""
    views = [shop.contest("pos"), shop.contest("pos"), shop.contest("checkout")]
    card = views[0].member(100)
    answers = among(views, [view.redeeming(card, 9) for view in views for _ in range(10)])
    assert Counter(codes(answers)) == {None: 11, "insufficient_points": 19}
    assert views[0].available(card) == 1


def test_a_key_that_is_revoked_opens_no_worker_any_more(shop: Shop, contest: Contest) -> None:
    """Dunkin' 2015: what was stolen must be stopped at once, on every worker."""
    token = shop.fresh_key("pos")
    path = f"/v1/members/{contest.member(5)}/balance"
    assert {shop.ask(token, "GET", path).status for _ in range(20)} == {200}
    ledger("keys", "revoke", token.split("_")[1], "--data", shop.data)
    # Each request may come to another worker; all of them know of it within five seconds.
    await_fact(lambda: {shop.ask(token, "GET", path).status for _ in range(20)} == {401}, seconds=5)


def test_what_was_stolen_goes_back_in_one_batch(contest: Contest) -> None:
    """Dunkin' 2015: the transfers out of many accounts are reversed together, and each of them once."""
    cards, thief = [contest.member(50) for _ in range(20)], contest.member(1)
    stolen = [contest.send(contest.transferring(card, thief, 50)).document["entry_id"] for card in cards]
    items = [
        {
            "operation": "reversal",
            "idempotency_key": contest.fresh(),
            "body": {"entry_id": entry, "reason": "theft"},
        }
        for entry in stolen * 2
    ]
    answer = contest.send(Sent("/v1/batches", {"operations": items}, contest.fresh()))
    results = Counter(result["status"] for result in answer.document["results"])
    assert results == {201: 20, 409: 20}
    assert [contest.available(card) for card in cards] == [50] * 20
    assert contest.available(thief) == 1
