"""Batches: decided in order, each command for itself, or all of them or none."""

from dataclasses import replace

import pytest

from tests.builders import Bench, earning, expire, give_back, program, purchase, redeem, request
from tests.model.memory import MemoryDriver


@pytest.fixture
def bench() -> Bench:
    return Bench(MemoryDriver(program()))


def test_commands_of_a_batch_see_what_the_ones_before_them_did(bench: Bench) -> None:
    answers = bench.post(earning(100), redeem(60), redeem(60), redeem(40))
    assert [answer.code for answer in answers] == [None, None, "insufficient_points", None]
    assert answers[2].details == {"available": 40, "requested": 60}
    assert bench.available() == 0
    bench.check()


def test_a_return_may_follow_its_purchase_in_the_same_batch(bench: Bench) -> None:
    bought = purchase(5_000)
    answers = bench.post(bought, give_back(bought.purchase_id, 5_000), redeem(1))
    assert [answer.code for answer in answers] == [None, None, "insufficient_points"]
    bench.check()


def test_atomic_batch_with_a_refusal_writes_nothing_and_answers_nothing_as_done(bench: Bench) -> None:
    bench.must(earning(10))
    before = bench.books()
    first, refused, last = bench.post(earning(5), redeem(100), earning(7), atomic=True)
    assert (first.code, last.code) == ("batch_aborted", "batch_aborted")
    assert first.details == last.details == {"index": 1}
    assert refused.code == "insufficient_points"
    assert bench.books() == before


def test_atomic_batch_that_aborts_claims_no_success_for_a_key_repeated_within_it(bench: Bench) -> None:
    bench.must(earning(1))
    twice = request(earning(5))
    answers = bench.send(twice, twice, request(redeem(100)), atomic=True)
    assert [answer.code for answer in answers] == ["batch_aborted", "batch_aborted", "insufficient_points"]


def test_atomic_batch_that_aborts_still_replays_what_was_answered_before_it(bench: Bench) -> None:
    earlier = request(earning(5))
    (first,) = bench.send(earlier)
    replay, refused = bench.send(earlier, request(redeem(100)), atomic=True)
    assert (replay.replayed, replay.raw) == (True, first.raw)
    assert refused.code == "insufficient_points"


def test_atomic_batch_leaves_its_keys_free(bench: Bench) -> None:
    bench.must(earning(1))
    retried, refused = request(earning(5)), request(redeem(100))
    bench.send(retried, refused, atomic=True)
    (answer,) = bench.send(retried)
    assert (answer.code, answer.replayed) == (None, False)
    (other,) = bench.send(refused._replace(command=redeem(6), fingerprint=b"other"))
    assert other.code is None


def test_a_key_repeated_within_a_batch_has_one_effect(bench: Bench) -> None:
    twice = request(earning(5))
    first, second = bench.send(twice, twice)
    assert (first.replayed, second.replayed) == (False, True)
    assert first.raw == second.raw
    assert bench.available() == 5


def test_a_reference_repeated_within_a_batch_has_one_effect(bench: Bench) -> None:
    first, second = bench.post(earning(5, reference="same"), earning(5, reference="same"))
    assert first.body is not None
    assert second.code == "reference_exists"
    assert second.details == {"reference": "same", "entry_id": first.body["entry_id"]}
    assert bench.available() == 5


def test_dry_run_answers_in_full_and_leaves_no_trace(bench: Bench) -> None:
    bench.must(earning(50))
    before = bench.books()
    rehearsed, refused = bench.post(redeem(30), redeem(30), dry_run=True)
    assert rehearsed.body is not None
    assert rehearsed.body["dry_run"] is True
    assert rehearsed.body["balance"]["points"]["available"] == 20
    assert refused.code == "insufficient_points"
    assert bench.books() == before


def test_expiry_with_nothing_due_says_so_and_writes_nothing(bench: Bench) -> None:
    bench.must(earning(50))
    before = bench.books()
    (answer,) = bench.send(request(expire())._replace(key=None))
    assert answer.body is not None
    assert (answer.body["points"], answer.body["lots"]) == (0, 0)
    assert bench.books() == before


def test_nothing_is_remembered_of_a_request_without_a_key(bench: Bench) -> None:
    without = request(earning(5))._replace(key=None)
    bench.send(without)
    assert bench.books().keys == {}
    (again,) = bench.send(without)
    assert again.code == "reference_exists"


def test_books_never_run_against_time_when_a_clock_steps_back(bench: Bench) -> None:
    bench.must(earning(5))
    seen = bench.now
    bench.wait(hours=-1)
    body = bench.must(earning(5))
    assert body["balance"]["as_of"] == f"{seen:%Y-%m-%dT%H:%M:%S.%f}Z"
    bench.check()


def test_terms_in_force_are_named_by_every_entry(bench: Bench) -> None:
    bench.must(purchase(100))
    bench.driver.program = replace(bench.driver.program, terms_version=7)
    bench.must(purchase(100))
    assert [entry.terms_version for entry in bench.books().entries["m-1"]] == [1, 7]
