"""The published promise: 100 awards of 150 at once against a budget of 10,000, through any worker."""

from collections import Counter
from contextlib import closing

import pytest

from tests.faults.clients import Answer
from tests.faults.service import Service

from .race import Contest, Sent, codes


@pytest.fixture
def fund(raced: tuple[Service, str], contest: Contest) -> str:
    """A fund of 10,000 points, proposed by one key and approved by another."""
    service, _ = raced
    name = contest.fresh()
    with closing(contest.caller()) as maker:
        grant = {"points": 10_000, "reason": "a plan", "reference": name}
        proposed = maker.post(f"/v1/funds/{name}/grants", grant, name)
    checker = Contest(contest.port, service.create_key("approver"), contest.name)
    with closing(checker.caller()) as approver:
        path = f"/v1/approvals/{proposed.document['approval_id']}/approve"
        assert approver.post(path, {}, name).status == 200
    return name


def awarding(contest: Contest, fund: str) -> Sent:
    reference = contest.fresh()
    body = {"member_id": contest.fresh(), "points": 150, "reason": "a race", "reference": reference}
    return Sent("/v1/earnings", {**body, "fund": fund}, reference)


def until_definite(contest: Contest, requests: list[Sent]) -> list[Answer]:
    """The answers; what may be sent again is sent again, under the same key."""
    answers = contest.race(requests)
    for number, request in enumerate(requests):
        for _ in range(20):
            if answers[number].is_definite:
                break
            answers[number] = contest.send(request)
    return answers


def left(contest: Contest, fund: str) -> int:
    with closing(contest.caller()) as caller:
        shown = caller.get(f"/v1/funds/{fund}").document
    assert shown["granted"] - shown["spent"] == shown["available"]
    available: int = shown["available"]
    return available


def test_of_100_awards_of_150_against_10_000_66_succeed(contest: Contest, fund: str) -> None:
    awards = [awarding(contest, fund) for _ in range(100)]
    answers = until_definite(contest, awards)
    assert Counter(codes(answers)) == {None: 66, "budget_exhausted": 34}
    refused = [answer.document for answer in answers if answer.status != 201]
    assert {(each["status"], each["available"], each["requested"]) for each in refused} == {(422, 100, 150)}
    assert left(contest, fund) == 100

    again = until_definite(contest, awards)
    assert [answer.body for answer in again] == [answer.body for answer in answers]
    assert all(answer.is_replay for answer in again)
    assert left(contest, fund) == 100


def test_fifty_requests_under_one_key_are_paid_once(contest: Contest, fund: str) -> None:
    award = awarding(contest, fund)
    answers = until_definite(contest, [award] * 50)
    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
    assert left(contest, fund) == 9_850


def test_a_batch_and_single_awards_share_a_budget(contest: Contest, fund: str) -> None:
    batches = [contest.batch("earning", [awarding(contest, fund) for _ in range(10)]) for _ in range(10)]
    answers = until_definite(contest, batches)
    assert [answer.status for answer in answers] == [200] * 10
    results = [result for answer in answers for result in answer.document["results"]]
    assert Counter(result["status"] for result in results) == {201: 66, 422: 34}
    assert left(contest, fund) == 100
