"""Transfers: points change hands, never their expiry, and nothing is made or lost on the way."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from tests.builders import NOW, Bench, earning, program, purchase, redeem, reverse, transfer
from tests.model.memory import MemoryDriver


@pytest.fixture
def bench() -> Bench:
    made = Bench(MemoryDriver(program()))
    made.must(purchase(0, member="m-2"))
    return made


def ends(bench: Bench, member: str) -> list[tuple[int, Any]]:
    return [(lot.remaining, lot.expires_at) for lot in bench.lots(member) if lot.remaining]


def test_transfer_keeps_the_expiry_of_every_lot(bench: Bench) -> None:
    soon, later = NOW + timedelta(days=3), NOW + timedelta(days=30)
    bench.must(earning(30, expires_at=later))
    bench.must(earning(30, expires_at=soon))
    answer = bench.must(transfer(40))
    assert [draw["points"] for draw in answer["draws"]] == [30, 10]
    assert ends(bench, "m-2") == [(30, soon), (10, later)]
    assert ends(bench, "m-1") == [(20, later)]
    bench.check()


def test_each_member_has_an_entry_that_names_the_other(bench: Bench) -> None:
    bench.must(earning(30))
    bench.must(transfer(30, reference="x-1"))
    books = bench.books()
    leaving, arriving = books.entries["m-1"][-1], books.entries["m-2"][-1]
    assert (leaving.kind, arriving.kind) == ("transfer_out", "transfer_in")
    assert (leaving.peer_holder_id, arriving.peer_holder_id) == (arriving.holder_id, leaving.holder_id)
    assert arriving.parent_entry_id == leaving.entry_id
    assert leaving.reference == arriving.reference == "x-1"


@pytest.mark.parametrize(
    ("points", "sender", "recipient", "code"),
    [
        (31, "m-1", "m-2", "insufficient_points"),
        (30, "m-1", "m-1", "same_member"),
        (30, "m-1", "m-9", "member_unknown"),
        (30, "m-9", "m-1", "member_unknown"),
    ],
)
def test_refused_transfer_moves_nothing(
    bench: Bench, points: int, sender: str, recipient: str, code: str
) -> None:
    bench.must(earning(30))
    assert bench.refused(transfer(points, sender=sender, recipient=recipient)) == code


def test_pending_points_are_not_transferred(bench: Bench) -> None:
    bench.must(earning(30, available_at=NOW + timedelta(days=1)))
    assert bench.refused(transfer(1)) == "insufficient_points"


def test_reversed_transfer_brings_the_points_back_to_their_lots(bench: Bench) -> None:
    bench.must(earning(30))
    before = bench.lots("m-1")
    moved = bench.must(transfer(20))
    bench.must(reverse(moved["entry_id"]))
    assert bench.lots("m-1") == before
    assert bench.available("m-2") == 0
    assert bench.refused(reverse(moved["entry_id"])) == "entry_already_reversed"
    bench.check()


def test_each_member_has_a_reversal_that_names_the_other(bench: Bench) -> None:
    bench.must(earning(30))
    moved = bench.must(transfer(20))
    answer = bench.must(reverse(moved["entry_id"], "wrong friend"))
    books = bench.books()
    back, gone = books.entries["m-1"][-1], books.entries["m-2"][-1]
    assert answer["entry_id"] == f"ent_{back.entry_id.hex()}"
    assert (back.peer_holder_id, gone.peer_holder_id) == (gone.holder_id, back.holder_id)
    assert f"ent_{(back.parent_entry_id or b'').hex()}" == moved["entry_id"]
    assert back.parent_entry_id == gone.parent_entry_id
    # What was said lies beside the entries, under a salt for each.
    digests = [orjson.loads(entry.details or b"")["texts"] for entry in (back, gone)]
    assert digests[0] != digests[1]


def test_transfer_is_not_reversed_once_a_part_was_spent(bench: Bench) -> None:
    bench.must(earning(30))
    moved = bench.must(transfer(20))
    bench.must(earning(100, member="m-2", expires_at=NOW + timedelta(days=900)))
    bench.must(redeem(1, member="m-2"))
    (answer,) = bench.post(reverse(moved["entry_id"]))
    assert (answer.code, answer.details) == ("insufficient_points", {"available": 19, "requested": 20})
    bench.check()


def test_only_the_sending_entry_is_reversed(bench: Bench) -> None:
    bench.must(earning(30))
    bench.must(transfer(20))
    arrival = bench.books().entries["m-2"][-1].entry_id
    assert bench.refused(reverse(f"ent_{arrival.hex()}")) == "entry_not_reversible"
