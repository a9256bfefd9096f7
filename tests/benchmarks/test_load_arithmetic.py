"""The arithmetic of the load generators: what a latency counts from, percentiles, draws, schedules."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, pairwise

import pytest

from benchmarks.draws import uniform, zipf
from benchmarks.load import generate
from benchmarks.open_loop import Clock, arrivals, keep_to
from benchmarks.percentiles import percentile

REQUEST = b"GET / HTTP/1.1\r\n\r\n"


def test_a_stall_counts_for_each_request_that_fell_due_in_it() -> None:
    clock = Clock()
    for due in (0.0, 1.0, 2.0):
        clock.arrive(due)
    clock.send(1)
    clock.answer(1, 10.0)
    clock.send(1)
    clock.answer(1, 10.5)
    clock.send(1)
    clock.answer(1, 11.0)
    assert clock.latencies == [10.0, 9.5, 9.0]


def test_answers_out_of_order_go_to_their_own_requests() -> None:
    clock = Clock()
    clock.arrive(0.0)
    clock.arrive(1.0)
    clock.send(7)
    clock.send(8)
    clock.answer(8, 1.25)
    clock.answer(7, 4.0)
    assert clock.latencies == [0.25, 4.0]
    assert not clock.waiting
    assert not clock.due_at


@pytest.mark.parametrize(
    ("share", "value"), [(0.01, 1), (0.5, 50), (0.501, 51), (0.99, 99), (0.999, 100), (1.0, 100)]
)
def test_percentiles_are_the_nearest_rank(share: float, value: float) -> None:
    assert percentile([*range(100, 0, -1)], share) == value


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert {percentile([3.0], share) for share in (0.01, 0.5, 0.999)} == {3.0}


def test_zipf_draws_each_member_by_its_weight() -> None:
    draw, draws = zipf(1_000, "seed", 1.0), 50_000
    drawn = Counter(draw() for _ in range(draws))
    harmonic = sum(1 / rank for rank in range(1, 1_001))
    for member in (0, 1, 9, 99):
        expected = draws / (member + 1) / harmonic
        assert drawn[member] == pytest.approx(expected, abs=5 * expected**0.5)
    assert set(drawn) <= set(range(1_000))


def test_zipf_and_uniform_differ_in_who_comes_first() -> None:
    draws = [zipf(1_000, "seed"), uniform(1_000, "seed")]
    shares = [Counter(draw() for _ in range(10_000))[0] / 10_000 for draw in draws]
    assert shares[0] > 0.1
    assert shares[1] < 0.01


def test_arrivals_keep_the_rate_and_the_order() -> None:
    schedule = list(arrivals(500, 20, "seed"))
    assert len(schedule) == pytest.approx(10_000, abs=500)
    assert schedule == sorted(schedule)
    assert schedule[0] > 0
    assert schedule[-1] < 20
    gaps = [later - earlier for earlier, later in pairwise(schedule)]
    # As often below ln 2 of the mean as above: a Poisson process, and no even beat.
    assert sum(gap < 0.6931 / 500 for gap in gaps) == pytest.approx(5_000, abs=300)


@contextmanager
def answering(connections: int, body: bytes) -> Iterator[tuple[str, int]]:
    """A server that answers each request, its answer in two pieces, on so many connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer(caller: socket.socket) -> None:
            with caller:
                while caller.recv(65_536):
                    caller.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r" % len(body))
                    caller.sendall(b"\n" + body)

        def accept() -> None:
            for _ in range(connections):
                threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[:2]


def test_an_open_loop_sends_as_many_as_fell_due_over_one_connection_too() -> None:
    sent = count()

    def request() -> bytes:
        next(sent)
        return REQUEST

    schedule = [0.0] * 50 + [0.001 * number for number in range(50)]
    with answering(1, b"{}") as (host, port):
        kept = keep_to(host, port, iter(schedule), request, connections=1)
    assert kept.load.statuses == {201: 100}
    assert len(kept.load.latencies) == 100
    assert next(sent) == 100
    assert kept.connections == 1
    # All fifty of the burst were due at once, and one connection answers them one after the other.
    assert kept.load.latencies[:50] == sorted(kept.load.latencies[:50])


def test_a_closed_loop_counts_an_answer_in_pieces_once() -> None:
    with answering(3, b"x" * 100_000) as (host, port):
        load = generate(host, port, 3, 0.0, lambda: REQUEST)
    assert load.statuses == {201: 3}
    assert len(load.latencies) == 3
