"""The kill switch over HTTP: once its call has answered, no worker gives anything any more."""

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest

from tests.faults.service import SECONDS

from .race import Contest

CROWD = 40


def turn(contest: Contest, on: bool) -> None:
    """Switch the rates of the terms, points and growth alike."""
    headers = {"Authorization": f"Bearer {contest.token}", "Content-Type": "application/json"}
    with closing(HTTPConnection("127.0.0.1", contest.port, timeout=SECONDS)) as connection:
        body = json.dumps({"on": on, "reason": "a test"})
        connection.request("PUT", "/v1/rules/base/switch", body, headers)
        assert connection.getresponse().status == 200


@pytest.fixture
def switched_back(contest: Contest) -> Iterator[None]:
    """The other tests of this service earn by the rule."""
    yield
    turn(contest, on=True)


def earned(contest: Contest) -> set[int]:
    """What members get who all buy at one moment, through whatever worker."""
    answers = contest.race([contest.buying(contest.member(), 10) for _ in range(CROWD)])
    assert {answer.status for answer in answers} == {201}
    return {answer.document["points"] for answer in answers}


@pytest.mark.usefixtures("switched_back")
def test_a_switch_shows_on_the_next_posting_of_every_worker(contest: Contest) -> None:
    assert earned(contest) == {10}
    for on in (False, True, False):
        turn(contest, on=on)
        assert earned(contest) == ({10} if on else {0})
