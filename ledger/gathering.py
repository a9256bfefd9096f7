"""Gathering: calls that come at the same time share one piece of work, as commits share one flush.

Whoever comes while nobody is at work does it at once, alone if need be: nothing waits for company. Whoever comes
meanwhile queues; the one who has worked hands over to the first in the queue, who takes what waits there along. So
there is no thread of its own to start, to watch or to stop: the queue is empty when the last caller has gone.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

from ledger.errors import Overloaded

Job = TypeVar("Job")
Answer = TypeVar("Answer")

MOST: Final = 128
"""Jobs of one piece of work: beyond that sharing saves little, and everybody waits for all."""


class Gatherer(Generic[Job, Answer]):
    """Does jobs by ``work``, those that wait together in one go; one go at a time.

    ``work`` answers every job, in order; what it raises goes to all of them. Only jobs of the same ``kind`` share.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Job]], Sequence[Answer]],
        kind: Callable[[Job], Hashable] = lambda _job: None,
        *,
        room: int,
        most: int = MOST,
    ) -> None:
        self._work = work
        self._kind = kind
        self._room = room
        self._most = most
        self._waiting: deque[_Caller[Job, Answer]] = deque()
        self._is_led = False
        self._mutex = threading.Lock()

    def __call__(self, job: Job) -> Answer:
        """The answer to a job, when it is done; ``Overloaded`` at once where ``room`` others wait already."""
        caller: _Caller[Job, Answer] = _Caller(job)
        with self._mutex:
            if self._is_led and len(self._waiting) >= self._room:
                raise Overloaded("too many requests are waiting; nothing of this one was done")
            self._waiting.append(caller)
            caller.leads, self._is_led = not self._is_led, True
        try:
            if not caller.leads:
                caller.wait()
            if not caller.is_done:
                self._let_come()
        except BaseException:
            # Thrown out while he waited, as a request is whose worker ends.
            self._leave(caller)
            raise
        if not caller.is_done:
            self._lead()
        return caller.answer()

    def _leave(self, caller: "_Caller[Job, Answer]") -> None:
        """Take a caller out of the queue, unless others have his job already; if he was to lead, another is."""
        with self._mutex:
            if caller in self._waiting:
                self._waiting.remove(caller)
        if caller.leads:
            self._hand_over()

    def _lead(self) -> None:
        together = self._take()
        try:
            answers = self._work([caller.job for caller in together])
            for caller, answer in zip(together, answers, strict=True):
                caller.give(answer)
        except BaseException as error:
            for caller in together:
                caller.fail(error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._hand_over()
            for caller in together[1:]:
                caller.wake()

    def _let_come(self) -> None:
        """Let those come who are about to, as long as each turn of the others brings somebody."""
        came = 0
        while came < len(self._waiting) < self._most:
            came = len(self._waiting)
            time.sleep(0)

    def _take(self) -> "list[_Caller[Job, Answer]]":
        """The first in the queue, with those behind that may share with it; the others keep their order."""
        with self._mutex:
            first = self._waiting.popleft()
            kind, together = self._kind(first.job), [first]
            others: list[_Caller[Job, Answer]] = []
            while self._waiting and len(together) < self._most:
                caller = self._waiting.popleft()
                (together if self._kind(caller.job) == kind else others).append(caller)
            self._waiting.extendleft(reversed(others))
        return together

    def _hand_over(self) -> None:
        with self._mutex:
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].wake()
            else:
                self._is_led = False


class _Caller(Generic[Job, Answer]):
    """One who waits. Woken without being done, he has to lead: the first in the queue is."""

    __slots__ = ("_answers", "_error", "_gate", "is_done", "job", "leads")

    def __init__(self, job: Job) -> None:
        self.job = job
        self.is_done = False
        self.leads = False
        self._answers: list[Answer] = []
        self._error: BaseException | None = None
        self._gate = threading.Lock()
        self._gate.acquire()

    def wait(self) -> None:
        self._gate.acquire()

    def wake(self) -> None:
        self._gate.release()

    def give(self, answer: Answer) -> None:
        self._answers.append(answer)
        self.is_done = True

    def fail(self, error: BaseException) -> None:
        self._error = error
        self.is_done = True

    def answer(self) -> Answer:
        if self._error is not None:
            raise self._error
        return self._answers[0]
