"""Calls that come together share one go of work, in order, and nobody is left standing whatever becomes of it.

A go is held up by a gate; that somebody waits behind it is seen in the queue itself.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Barrier, Event, Lock, get_ident

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import gathering
from ledger.errors import Overloaded
from ledger.gathering import Gatherer
from tests.profiles import examples
from tests.queues import SECONDS, Queue


class Desk:
    """Doubles numbers, one go at a time, and writes the goes down. A go with one of ``held`` waits for ``gate``."""

    def __init__(self, held: Sequence[int] = (), broken: dict[int, BaseException] | None = None) -> None:
        self.held = set(held)
        self.broken = broken or {}
        self.goes: list[list[int]] = []
        self.threads: list[int] = []
        self.begun = Event()
        self.gate = Event()
        self._alone = Lock()

    def work(self, jobs: Sequence[int]) -> list[int]:
        assert self._alone.acquire(blocking=False), "two goes at a time"
        try:
            self.goes.append(list(jobs))
            self.threads.append(get_ident())
            if self.held & set(jobs):
                self.begun.set()
                assert self.gate.wait(SECONDS)
            for job in jobs:
                if job in self.broken:
                    raise self.broken[job]
            return [2 * job for job in jobs]
        finally:
            self._alone.release()


class Callers:
    """Threads that call a gatherer, one after the other as far as its queue is concerned."""

    def __init__(self, gather: Gatherer[int, int], desk: Desk, pool: ThreadPoolExecutor) -> None:
        self.gather = gather
        self.desk = desk
        self.pool = pool

    def hold_up(self, job: int) -> "Future[int]":
        """Start a caller whose go is under way from here on."""
        leader = self.pool.submit(self.gather, job)
        assert self.desk.begun.wait(SECONDS)
        return leader

    def queue(self, *jobs: int) -> "list[Future[int]]":
        """Start callers who wait, in this order."""
        return Queue(self.gather, self.pool).line_up(*(partial(self.gather, job) for job in jobs))


class Thrown:
    """Throws the caller of one job out of his wait: when he is woken, or before."""

    job = -1
    is_at_once = False


@pytest.fixture
def thrown(monkeypatch: pytest.MonkeyPatch) -> Thrown:
    out, wait = Thrown(), gathering._Caller.wait

    def waiting(caller: "gathering._Caller[int, int]") -> None:
        if not (out.is_at_once and caller.job == out.job):
            wait(caller)
        if caller.job == out.job:
            raise SystemExit(3)

    monkeypatch.setattr(gathering._Caller, "wait", waiting)
    return out


@contextmanager
def callers(desk: Desk, gather: Gatherer[int, int]) -> Iterator[Callers]:
    with ThreadPoolExecutor(16) as pool, ExitStack() as end:
        end.callback(desk.gate.set)
        yield Callers(gather, desk, pool)


def answers(futures: "Sequence[Future[int]]") -> list[int]:
    return [future.result(SECONDS) for future in futures]


def test_a_lone_caller_works_by_himself_at_once() -> None:
    desk = Desk()
    gather = Gatherer(desk.work, room=0)
    assert [gather(1), gather(2)] == [2, 4]
    assert desk.goes == [[1], [2]]
    assert set(desk.threads) == {get_ident()}


def test_those_who_come_while_a_go_is_under_way_share_the_next_one_in_order() -> None:
    desk = Desk(held=[1])
    with callers(desk, Gatherer(desk.work, room=9)) as who:
        leader = who.hold_up(1)
        others = who.queue(5, 3, 4, 2)
        assert not any(other.done() for other in others)
        desk.gate.set()
        assert answers([leader, *others]) == [2, 10, 6, 8, 4]
    assert desk.goes == [[1], [5, 3, 4, 2]]
    assert len(set(desk.threads)) == 2


def test_a_go_takes_as_many_as_may_and_the_rest_come_next() -> None:
    desk = Desk(held=[1])
    with callers(desk, Gatherer(desk.work, room=9, most=2)) as who:
        futures = [who.hold_up(1), *who.queue(2, 3, 4, 5, 6)]
        desk.gate.set()
        assert answers(futures) == [2, 4, 6, 8, 10, 12]
    assert desk.goes == [[1], [2, 3], [4, 5], [6]]


def test_only_one_kind_shares_a_go_and_the_others_keep_their_order() -> None:
    desk = Desk(held=[1])
    with callers(desk, Gatherer(desk.work, kind=lambda job: job % 3, room=9)) as who:
        futures = [who.hold_up(1), *who.queue(2, 3, 4, 5, 6, 8, 7)]
        desk.gate.set()
        assert answers(futures) == [2, 4, 6, 8, 10, 12, 16, 14]
    assert desk.goes == [[1], [2, 5, 8], [3, 6], [4, 7]]


def test_what_the_work_raises_reaches_all_of_the_go_and_nobody_else() -> None:
    desk = Desk(held=[1], broken={6: ValueError("six")})
    with callers(desk, Gatherer(desk.work, kind=lambda job: job % 2, room=9)) as who:
        leader = who.hold_up(1)
        futures = who.queue(2, 3, 6, 5)
        desk.gate.set()
        assert leader.result(SECONDS) == 2
        errors = [future.exception(SECONDS) for future in futures]
    assert [repr(error) for error in errors] == ["ValueError('six')", "None", "ValueError('six')", "None"]
    assert desk.goes == [[1], [2, 6], [3, 5]]


@pytest.mark.parametrize("end", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_a_go_that_ends_its_thread_leaves_nobody_standing(end: BaseException) -> None:
    desk = Desk(held=[1], broken={2: end})
    gather = Gatherer(desk.work, kind=lambda job: job % 2, room=9)
    with callers(desk, gather) as who:
        leader = who.hold_up(1)
        together, after = who.queue(2, 4), who.queue(3, 5)
        desk.gate.set()
        assert [future.exception(SECONDS) for future in together] == [end, end]
        assert answers([leader, *after]) == [2, 6, 10]
    assert gather(7) == 14


@pytest.mark.parametrize("place", [0, 1, 2])
def test_who_is_thrown_out_while_he_waits_leaves_the_others_in_the_queue(place: int, thrown: Thrown) -> None:
    desk = Desk(held=[1])
    gather = Gatherer(desk.work, room=9)
    with callers(desk, gather) as who:
        leader = who.hold_up(1)
        futures = who.queue(2, 3, 4)
        thrown.job = 2 + place
        desk.gate.set()
        gone = futures.pop(place)
        # He may be at the head of the queue, and so the one who was to lead it.
        assert answers([leader, *futures]) == [2, *(2 * job for job in (2, 3, 4) if job != thrown.job)]
        assert isinstance(gone.exception(SECONDS), SystemExit)
        assert gather(5) == 10


def test_who_is_thrown_out_before_his_turn_has_nothing_done_for_him(thrown: Thrown) -> None:
    desk = Desk(held=[1])
    gather = Gatherer(desk.work, room=9)
    with callers(desk, gather) as who:
        leader = who.hold_up(1)
        thrown.job, thrown.is_at_once = 2, True
        gone = who.pool.submit(gather, 2)
        assert isinstance(gone.exception(SECONDS), SystemExit)
        (after,) = who.queue(3)
        desk.gate.set()
        assert answers([leader, after]) == [2, 6]
    assert desk.goes == [[1], [3]]


def test_an_answer_too_few_is_an_error_of_all_and_the_next_go_is_done() -> None:
    gather: Gatherer[int, int] = Gatherer(lambda jobs: [1] if jobs[0] else [], room=1)
    with pytest.raises(ValueError, match="shorter"):
        gather(0)
    assert gather(5) == 1


def test_whoever_comes_when_the_room_is_full_is_refused_at_once_and_nothing_of_it_is_done() -> None:
    desk = Desk(held=[1])
    gather = Gatherer(desk.work, room=2)
    with callers(desk, gather) as who:
        futures = [who.hold_up(1), *who.queue(2, 3)]
        for job in (4, 5):
            with pytest.raises(Overloaded):
                gather(job)
        desk.gate.set()
        assert answers(futures) == [2, 4, 6]
    assert desk.goes == [[1], [2, 3]]
    assert gather(4) == 8


@examples(100)
@given(
    jobs=st.lists(st.lists(st.integers(0, 99), max_size=12), min_size=1, max_size=8),
    kinds=st.integers(1, 4),
    most=st.integers(1, 8),
    broken=st.sets(st.integers(0, 99), max_size=20),
)
def test_everybody_gets_the_answer_to_his_own_job_which_is_done_once(
    jobs: list[list[int]], kinds: int, most: int, broken: set[int]
) -> None:
    """Each caller has several jobs, one after the other; a broken one fails its go, and no other."""
    done: Counter[tuple[int, int, int]] = Counter()
    failed: set[tuple[int, int, int]] = set()
    alone = Lock()

    def work(together: Sequence[tuple[int, int, int]]) -> list[str]:
        assert alone.acquire(blocking=False)
        try:
            assert len(together) <= most
            assert len({number % kinds for _, _, number in together}) == 1
            done.update(together)
            if any(number in broken for _, _, number in together):
                failed.update(together)
                raise ValueError
            return [str(job) for job in together]
        finally:
            alone.release()

    gather = Gatherer(work, kind=lambda job: job[2] % kinds, room=len(jobs), most=most)
    start = Barrier(len(jobs))

    def call(caller: int) -> list[tuple[tuple[int, int, int], str | None]]:
        start.wait(SECONDS)
        heard: list[tuple[tuple[int, int, int], str | None]] = []
        for turn, number in enumerate(jobs[caller]):
            job = (caller, turn, number)
            try:
                heard.append((job, gather(job)))
            except ValueError:
                heard.append((job, None))
        return heard

    with ThreadPoolExecutor(len(jobs)) as pool:
        heard = [each for answered in pool.map(call, range(len(jobs))) for each in answered]
    assert set(done.values()) <= {1}
    assert len(done) == sum(map(len, jobs))
    assert all(answer == (None if job in failed else str(job)) for job, answer in heard)
