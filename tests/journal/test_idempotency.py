"""One key, one effect, one answer: for ever, and whatever has happened since."""

import pytest

from ledger.errors import (
    Absent,
    BatchAborted,
    Conflict,
    Gone,
    IdempotencyKeyReused,
    LedgerError,
    Malformed,
    Refused,
    TillBatchChanged,
    Unavailable,
    error_classes,
)
from ledger.journal import Outcome
from ledger.journal.outcomes import is_remembered, restore, stored_form
from tests.builders import Bench, earning, program, purchase, redeem, request
from tests.model.memory import MemoryDriver


@pytest.fixture
def bench() -> Bench:
    return Bench(MemoryDriver(program()))


def test_retry_after_balance_is_spent_returns_first_answer(bench: Bench) -> None:
    bench.must(earning(100))
    first = request(redeem(100))
    (answer,) = bench.send(first)
    bench.wait(days=1)
    (replay,) = bench.send(first)
    assert (replay.raw, replay.replayed) == (answer.raw, True)
    assert (answer.replayed, bench.available()) == (False, 0)
    bench.check()


def test_retry_of_a_refusal_is_refused_alike_though_it_would_succeed_now(bench: Bench) -> None:
    bench.must(earning(10))
    first = request(redeem(30))
    (answer,) = bench.send(first)
    assert answer.details == {"available": 10, "requested": 30}
    bench.must(earning(90))
    (replay,) = bench.send(first)
    assert (replay.raw, replay.code, replay.replayed) == (answer.raw, "insufficient_points", True)
    assert bench.available() == 100


def test_key_of_another_request_is_refused_and_keeps_its_first_answer(bench: Bench) -> None:
    first, other = request(earning(10), "k"), request(earning(10, member="m-2"), "k")
    (answer,) = bench.send(first)
    (refused,) = bench.send(other)
    assert (refused.code, refused.replayed) == ("idempotency_key_reused", False)
    assert "m-2" not in bench.books().holders
    (replay,) = bench.send(first)
    assert replay.raw == answer.raw


def test_what_was_absent_may_come_and_the_same_key_then_succeeds(bench: Bench) -> None:
    early = request(redeem(10))
    (absent,) = bench.send(early)
    assert absent.code == "member_unknown"
    bench.must(earning(10))
    (answer,) = bench.send(early)
    assert (answer.code, answer.replayed) == (None, False)


def test_same_reference_under_another_key_names_the_entry_that_took_it(bench: Bench) -> None:
    bought = purchase(500)
    first = bench.must(bought)
    (refused,) = bench.send(request(bought))
    assert refused.code == "purchase_exists"
    assert refused.details == {"purchase_id": bought.purchase_id, "entry_id": first["entry_id"]}
    assert bench.available() == 5
    bench.check()


def test_a_reference_is_taken_once_for_each_kind_of_business(bench: Bench) -> None:
    bench.must(earning(50, reference="same"))
    bench.must(redeem(10, reference="same"))
    bench.must(purchase(100, purchase_id="same"))
    bench.check()


def test_a_refused_request_takes_no_reference(bench: Bench) -> None:
    bench.must(earning(10))
    assert bench.refused(redeem(30, reference="r")) == "insufficient_points"
    bench.must(redeem(10, reference="r"))


@pytest.mark.parametrize("error", error_classes(), ids=lambda error: str(error.code))
def test_a_key_keeps_what_was_decided_and_nothing_else(error: type[LedgerError]) -> None:
    decided = issubclass(error, Refused | Conflict | Gone)
    assert is_remembered(error("said so")) == (
        decided and not issubclass(error, IdempotencyKeyReused | BatchAborted | TillBatchChanged)
    )
    if issubclass(error, Absent | Malformed | Unavailable):
        assert not decided


@pytest.mark.parametrize("error", error_classes(), ids=lambda error: str(error.code))
def test_a_refusal_is_told_again_as_it_was(error: type[LedgerError]) -> None:
    first = Outcome(None, error("said so", available=1, names=["积分"], none=None), "q-1")
    code, answer = stored_form(first)
    again = restore(code, answer, "q-1", None)
    assert again.error is not None
    assert (type(again.error), again.error.detail) == (error, "said so")
    assert stored_form(again) == (code, answer)
    assert (again.request_id, again.replayed) == ("q-1", True)


def test_a_success_is_told_again_as_it_was() -> None:
    facts = {"points": 2**53 - 1, "expires_at": None, "awards": [{"inputs": {"per": 1}}], "name": "积分"}
    code, answer = stored_form(Outcome(facts, None, "q-1", entry_id=b"e" * 16))
    again = restore(code, answer, "q-1", b"e" * 16)
    assert again == Outcome(facts, None, "q-1", replayed=True, entry_id=b"e" * 16)
