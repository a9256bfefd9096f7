"""Clients that write down what they intend before they send it, and what they heard after.

An answer is definite when it says what happened. A broken connection, a 5xx and whatever calls itself
retryable leave the outcome unknown, and only the same request with the same key can tell it.
"""

import json
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any

from .service import SECONDS, Service, turns
from .workload import Operation, Plan, Step, operation_of


@dataclass(frozen=True)
class Answer:
    """What came back. ``status`` is 0 where the connection broke."""

    status: int
    body: bytes = b""
    is_replay: bool = False

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def code(self) -> str | None:
        """The code of a refusal."""
        return self.document["code"] if self.status >= 400 else None

    @property
    def is_definite(self) -> bool:
        if not 0 < self.status < 500:
            return False
        return self.status < 400 or not self.document["retryable"]

    @property
    def is_remembered(self) -> bool:
        """Whether the key answers so for ever: what is merely absent may come yet."""
        return self.is_definite and self.status not in (400, 401, 403, 404)


@dataclass
class Record:
    """One operation in a client's log. Times are of one monotonic clock, in nanoseconds."""

    operation: Operation
    sent_at: int
    answer: Answer | None = None
    answered_at: int = 0
    heard: list[int] = field(default_factory=list)

    def hear(self, answer: Answer) -> bool:
        """Write an answer down; whether it is definite."""
        self.heard.append(answer.status)
        if answer.is_definite:
            self.answer, self.answered_at = answer, time.monotonic_ns()
        return answer.is_definite


class Caller:
    """One connection at a time to the service, with a key."""

    def __init__(self, port: int, token: str) -> None:
        self._token = token
        self._connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)

    def send(self, operation: Operation) -> Answer:
        return self.post(operation.path, operation.body, operation.key)

    def post(self, path: str, body: Any, key: str) -> Answer:
        return self._request("POST", path, json.dumps(body), {"Idempotency-Key": key})

    def get(self, path: str) -> Answer:
        return self._request("GET", path, None, {})

    def _request(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json", **headers}
        try:
            self._connection.request(method, path, body, headers)
            with closing(self._connection.getresponse()) as answer:
                is_replay = answer.getheader("Idempotency-Replayed") == "true"
                return Answer(answer.status, answer.read(), is_replay)
        except (OSError, HTTPException):
            self._connection.close()
            return Answer(0)

    def close(self) -> None:
        self._connection.close()


class Progress:
    """How many definite answers the clients have had, for whoever waits for more of them."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._answers = 0
        self._is_over = False

    def count(self) -> None:
        with self._changed:
            self._answers += 1
            self._changed.notify_all()

    def end(self) -> None:
        """Nothing more will come."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def await_more(self, answers: int) -> bool:
        """Wait for so many more; False when the clients have ended before."""
        with self._changed:
            goal = self._answers + answers
            came = self._changed.wait_for(lambda: self._answers >= goal or self._is_over, SECONDS)
            assert came, f"{goal - self._answers} of {answers} answers have not come within {SECONDS} s"
            return self._answers >= goal


class Client:
    """Follows its steps of a plan, one after the other, and keeps its own log."""

    def __init__(
        self, service: Service, token: str, prefix: str, occurred_at: str, progress: Progress
    ) -> None:
        self.service = service
        self.caller = Caller(service.port, token)
        self.prefix = prefix
        self.occurred_at = occurred_at
        self.progress = progress
        self.log: dict[int, Record] = {}

    def follow(self, steps: Sequence[Step]) -> None:
        """Take every step; wait for the service where an answer stayed away, not for the answer."""
        for step in steps:
            records = [record for part in step.parts or (step,) if (record := self._intend(part))]
            if not records or self._try(step, records):
                continue
            self.service.await_status(200)
            if step.is_retried_at_once:
                self._try(step, records)
        self.caller.close()

    def _intend(self, step: Step) -> Record | None:
        redemption = self.log.get(-1 if step.earlier is None else step.earlier)
        answer = redemption and redemption.answer
        told = answer.document.get("redemption_id") if answer and step.kind == "refund" else None
        operation = operation_of(step, self.prefix, self.occurred_at, told)
        if operation is None:
            return None
        self.log[step.number] = Record(operation, time.monotonic_ns())
        return self.log[step.number]

    def _try(self, step: Step, records: list[Record]) -> bool:
        answers = self._send_batch(records) if step.parts else [self.caller.send(records[0].operation)]
        definite = [record.hear(answer) for record, answer in zip(records, answers, strict=True)]
        for _ in filter(None, definite):
            self.progress.count()
        return all(definite)

    def _send_batch(self, records: list[Record]) -> list[Answer]:
        body = {"operations": [record.operation.item for record in records]}
        answer = self.caller.post("/v1/batches", body, f"batch.{records[0].operation.key}")
        if answer.status != 200:
            return [answer] * len(records)
        return [Answer(result["status"], compact(result["body"])) for result in answer.document["results"]]


def compact(document: Any) -> bytes:
    """A document in the bytes that the service writes."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def run_clients(
    service: Service, token: str, plan: Plan, occurred_at: str, progress: Progress, strike: Callable[[], None]
) -> list[Record]:
    """Let every client follow its steps while ``strike`` does its worst; what all of them wrote down."""
    clients = [
        Client(service, token, f"{plan.seed}.{number}", occurred_at, progress)
        for number in range(len(plan.clients))
    ]
    failures: list[BaseException] = []

    def guarded(client: Client, steps: Sequence[Step]) -> None:
        try:
            client.follow(steps)
        except BaseException as error:  # noqa: BLE001  told by the thread that waits
            failures.append(error)

    threads = [
        threading.Thread(target=guarded, args=pair, daemon=True)
        for pair in zip(clients, plan.clients, strict=True)
    ]
    watcher = threading.Thread(target=_end_after, args=(threads, progress), daemon=True)
    for thread in (*threads, watcher):
        thread.start()
    strike()
    watcher.join(4 * SECONDS)
    assert not watcher.is_alive(), "the clients have not come to an end"
    if failures:
        raise failures[0]
    return [record for client in clients for record in client.log.values()]


def _end_after(threads: list[threading.Thread], progress: Progress) -> None:
    for thread in threads:
        thread.join()
    progress.end()


def settle(caller: Caller, records: Sequence[Record]) -> int:
    """Send what is not definite again, until it is; how many there were. Faults have stopped, so it must end."""
    unknown = [record for record in records if record.answer is None]
    for record in unknown:
        for _ in turns():
            if record.hear(caller.send(record.operation)):
                break
        assert record.answer, f"{record.operation.key} is not definite: {record.heard[-20:]}"
    return len(unknown)
