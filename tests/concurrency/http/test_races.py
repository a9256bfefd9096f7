"""Races of whole requests through two workers: the incidents of others, as tests."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.faults.clients import Answer, compact

from .race import Contest, codes


def test_of_twenty_who_spend_the_whole_balance_one_succeeds(contest: Contest) -> None:
    member = contest.member(100)
    answers = contest.race([contest.redeeming(member, 100) for _ in range(20)])
    assert Counter(codes(answers)) == {None: 1, "insufficient_points": 19}
    refused = [answer.document for answer in answers if answer.status != 201]
    assert {(document["status"], document["available"]) for document in refused} == {(422, 0)}
    assert contest.available(member) == 0


def test_fifty_requests_under_one_key_have_one_effect_and_one_answer(contest: Contest) -> None:
    member = contest.member(100)
    answers = contest.race([contest.redeeming(member, 10, "one-key", "one-reference")] * 50)
    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
    assert Counter(answer.is_replay for answer in answers) == {False: 1, True: 49}
    assert contest.available(member) == 90


def test_fifty_first_requests_of_a_member_under_one_key_enrol_once(contest: Contest) -> None:
    purchase = contest.buying(contest.member(), 10)
    answers = contest.race([purchase] * 50)
    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
    assert Counter(answer.is_replay for answer in answers) == {False: 1, True: 49}


def test_fifty_refusals_under_one_key_are_one_refusal(contest: Contest) -> None:
    member = contest.member(5)
    answers = contest.race([contest.redeeming(member, 10, "refused-key", "refused")] * 50)
    assert {(answer.status, answer.code, answer.body) for answer in answers} == {
        (422, "insufficient_points", answers[0].body)
    }
    assert Counter(answer.is_replay for answer in answers) == {False: 1, True: 49}


def test_fifty_first_purchases_of_one_member_all_count(contest: Contest) -> None:
    member = contest.member()
    answers = contest.race([contest.buying(member, 10) for _ in range(50)])
    assert codes(answers) == [None] * 50
    assert sorted(answer.document["account_version"] for answer in answers) == list(range(1, 51))
    assert contest.available(member) == 500


def test_a_purchase_under_twenty_keys_is_posted_once(contest: Contest) -> None:
    member, purchase_id = contest.member(), contest.fresh()
    answers = contest.race([contest.buying(member, 10, purchase_id) for _ in range(20)])
    assert Counter(codes(answers)) == {None: 1, "purchase_exists": 19}
    assert len({answer.document["entry_id"] for answer in answers}) == 1
    assert contest.available(member) == 10


def test_a_purchase_of_twenty_members_at_once_belongs_to_one(contest: Contest) -> None:
    purchase_id = contest.fresh()
    answers = contest.race([contest.buying(contest.member(), 10, purchase_id) for _ in range(20)])
    assert Counter(codes(answers)) == {None: 1, "purchase_exists": 19}
    assert len({answer.document["entry_id"] for answer in answers}) == 1


def test_one_key_for_two_requests_answers_one_of_them(contest: Contest) -> None:
    member = contest.member(100)
    one, other = (contest.redeeming(member, points, "torn-key", f"torn-{points}") for points in (10, 20))
    answers = contest.race([one, other] * 10)
    assert Counter(codes(answers)) == {None: 10, "idempotency_key_reused": 10}
    won = [answer for answer in answers if answer.status == 201]
    assert len({answer.body for answer in won}) == 1
    assert Counter(answer.is_replay for answer in won) == {False: 1, True: 9}
    assert contest.available(member) == 100 - won[0].document["points"]


def test_refunds_never_give_back_more_than_was_redeemed(contest: Contest) -> None:
    member = contest.member(100)
    redeemed = contest.send(contest.redeeming(member, 100)).document["redemption_id"]
    answers = contest.race([contest.refunding(redeemed, 30) for _ in range(20)])
    assert Counter(codes(answers)) == {None: 3, "refund_exceeds_redemption": 17}
    assert contest.available(member) == 90


def test_returns_never_take_back_more_than_was_bought(contest: Contest) -> None:
    member, purchase_id = contest.member(), contest.fresh()
    assert contest.send(contest.buying(member, 100, purchase_id)).status == 201
    answers = contest.race([contest.returning(purchase_id, 3_000) for _ in range(20)])
    assert Counter(codes(answers)) == {None: 3, "return_exceeds_purchase": 17}
    assert contest.available(member) == 10


def test_an_entry_is_reversed_once(contest: Contest) -> None:
    member = contest.member(100)
    redeemed = contest.send(contest.redeeming(member, 40)).document["entry_id"]
    answers = contest.race([contest.reversing(redeemed) for _ in range(20)])
    assert Counter(codes(answers)) == {None: 1, "entry_already_reversed": 19}
    assert contest.available(member) == 100


def test_a_storm_of_opposite_transfers_neither_fails_nor_makes_points(contest: Contest) -> None:
    members = [contest.member(1_000) for _ in range(4)]

    def storm(number: int) -> list[Answer]:
        chance, caller = random.Random(number), contest.caller()
        answers = []
        for _ in range(50):
            sender, recipient = chance.sample(members, 2)
            request = contest.transferring(sender, recipient, chance.randint(1, 60))
            answers.append(caller.post(request.path, request.body, request.key))
        caller.close()
        return answers

    with ThreadPoolExecutor(8) as pool:
        answers = [answer for answers in pool.map(storm, range(8)) for answer in answers]
    assert len(answers) == 400
    assert set(codes(answers)) <= {None, "insufficient_points"}
    assert sum(map(contest.available, members)) == 4_000


def test_batches_that_name_members_in_opposite_orders_all_pass(contest: Contest) -> None:
    members = [contest.member(100) for _ in range(10)]
    batches = [
        contest.batch("redemption", [contest.redeeming(member, 1) for member in members[::step]])
        for step in (1, -1) * 8
    ]
    answers = contest.race(batches)
    assert [answer.status for answer in answers] == [200] * 16
    results = [result["status"] for answer in answers for result in answer.document["results"]]
    assert results == [201] * 160
    assert list(map(contest.available, members)) == [84] * 10


def test_a_batch_and_its_operations_own_route_answer_a_key_alike(contest: Contest) -> None:
    member = contest.member(100)
    single = contest.redeeming(member, 10)
    answers = contest.race([single, contest.batch("redemption", [single])] * 10)
    told = [answer if "results" not in answer.document else _unpacked(answer) for answer in answers]
    assert {(answer.status, answer.body) for answer in told} == {(201, told[0].body)}
    assert contest.available(member) == 90


def _unpacked(answer: Answer) -> Answer:
    (result,) = answer.document["results"]
    return Answer(result["status"], compact(result["body"]))
