"""What the application answers when its link to the database breaks, and what is in the books then."""

import pytest

from .counter import Counter
from .link import Link, Moment


def test_a_link_cut_before_the_commit_goes_unnoticed_and_posts_once(counter: Counter, link: Link) -> None:
    link.cut_at(Moment.WRITTEN)
    answer = counter.buy("p-1")
    assert link.struck.is_set()
    assert (answer.status, answer.is_replay) == (201, False)
    assert counter.effects("p-1") == 1


def test_a_commit_whose_answer_is_lost_is_unknown_and_its_key_tells_the_one_effect(
    counter: Counter, link: Link
) -> None:
    link.cut_at(Moment.COMMITTED)
    answer = counter.buy("p-1")
    # A unit that ran again blindly would have met its own outcome, and answered 201.
    assert answer.refusal == (503, "outcome_unknown")
    assert answer.body["retryable"] is True
    assert answer.retry_after == "1"
    assert counter.effects("p-1") == 1
    told = counter.buy("p-1")
    assert (told.status, told.is_replay) == (201, True)
    assert counter.effects("p-1") == 1


def test_a_commit_that_never_arrives_is_unknown_and_its_key_posts_then(counter: Counter, link: Link) -> None:
    link.cut_at(Moment.COMMIT_SENT)
    answer = counter.buy("p-1")
    assert answer.refusal == (503, "outcome_unknown")
    assert counter.effects("p-1") == 0
    told = counter.buy("p-1")
    assert (told.status, told.is_replay) == (201, False)
    assert counter.effects("p-1") == 1


def test_connections_that_died_in_the_pool_are_never_noticed(counter: Counter, link: Link) -> None:
    assert counter.buy("p-1").status == 201
    link.cut()
    assert counter.buy("p-2").status == 201
    link.cut()
    assert counter.get("/v1/program").status == 200
    link.cut()
    assert counter.get("/readyz").status == 200


def test_one_cut_after_another_leaves_each_purchase_posted_once(counter: Counter, link: Link) -> None:
    purchases = [(f"p-{number}", moment) for number, moment in enumerate([*Moment, *Moment, *Moment])]
    for purchase, moment in purchases:
        link.cut_at(moment)
        while (answer := counter.buy(purchase)).status == 503:
            assert answer.body["code"] == "outcome_unknown"
        assert answer.status == 201
    assert [counter.effects(purchase) for purchase, _ in purchases] == [1] * len(purchases)
    assert counter.buy("p-last").body["account_version"] == len(purchases) + 1


@pytest.mark.parametrize("moment", Moment)
def test_a_link_that_falls_silent_is_given_up_and_posts_once(
    counter: Counter, link: Link, moment: Moment
) -> None:
    link.silence_at(moment)
    expected = "database_unavailable" if moment is Moment.WRITTEN else "outcome_unknown"
    assert counter.buy("p-1").refusal == (503, expected)
    link.restore()
    assert counter.buy("p-1").status == 201
    assert counter.effects("p-1") == 1


def test_a_silent_database_is_answered_for_and_the_pool_recovers(counter: Counter, link: Link) -> None:
    assert counter.buy("p-1").status == 201
    link.silence()
    assert counter.buy("p-2").refusal == (503, "database_unavailable")
    assert counter.get("/readyz").refusal == (503, "database_unavailable")
    assert counter.get("/livez").status == 200
    link.restore()
    assert counter.get("/readyz").status == 200
    assert counter.buy("p-2").status == 201
