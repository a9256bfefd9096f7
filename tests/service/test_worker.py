"""A worker of the real service: whoever waits keeps nobody up, the end waits for whoever has asked and no one else.

A posting waits because the test holds its member's row; that it does is seen in the server. A call on the hot path
that blocked the worker's one thread would keep the others from being answered until then, and fail these tests.
"""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest

from tests.faults.service import SECONDS, Service
from tests.queues import until

WAITING: Final = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'ledger'
"""


def patient(folder: Path) -> Service:
    """A service of one worker, in which a posting may wait longer than any test does."""
    return Service(
        folder,
        "--workers",
        "1",
        LEDGER_LOCK_TIMEOUT_MS="60000",
        LEDGER_STATEMENT_TIMEOUT_MS="60000",
    )


class Desk:
    """A service of one worker, a key, and plain ways to ask."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.key = service.create_key()

    def ask(
        self, method: str, path: str, body: Any = None, key: str = "k", **headers: str
    ) -> tuple[int, Any, bool]:
        """Status, body and whether it is a replay, on a connection of its own."""
        with closing(HTTPConnection("127.0.0.1", self.service.port, timeout=SECONDS)) as connection:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, self.headers(key) | headers)
            answer = connection.getresponse()
            said = answer.read()
            is_json = (answer.getheader("Content-Type") or "").endswith("json")
            is_replay = answer.getheader("Idempotency-Replayed") == "true"
            return answer.status, json.loads(said) if is_json else said, is_replay

    def headers(self, key: str) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }

    def award(self, member: str, reference: str, points: int = 5) -> tuple[int, Any, bool]:
        return self.ask("POST", "/v1/earnings", award(member, reference, points), key=f"k-{reference}")

    def points(self, member: str) -> int:
        _, balance, _ = self.ask("GET", f"/v1/members/{member}/balance")
        points: int = balance["points"]["available"]
        return points

    def raw(self, path: str, body: Any, key: str) -> bytes:
        """A posting as it goes over the wire."""
        content = json.dumps(body).encode()
        lines = "".join(f"{name}: {value}\r\n" for name, value in self.headers(key).items())
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: {len(content)}\r\n\r\n"
        return head.encode() + content

    def connect(self, seconds: int = SECONDS) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.service.port), timeout=seconds)


class Holding:
    """A member's row, held until it is let go; and who waits for it."""

    def __init__(self, connection: "psycopg.Connection[Any]", watch: "psycopg.Connection[Any]") -> None:
        self.connection = connection
        self.watch = watch

    def waiting(self) -> int:
        row = self.watch.execute(WAITING).fetchone()
        assert row is not None
        return int(row[0])

    def let_go(self) -> None:
        self.connection.rollback()


@contextmanager
def holding(service: Service, member: str) -> Iterator[Holding]:
    url = service.owner_url
    with psycopg.connect(url) as connection, psycopg.connect(url, autocommit=True) as watch:
        held = connection.execute("SELECT FROM holders WHERE member_id = %s FOR UPDATE", (member,))
        assert held.rowcount == 1
        try:
            yield Holding(connection, watch)
        finally:
            connection.rollback()


def award(member: str, reference: str, points: int = 5) -> dict[str, Any]:
    return {"member_id": member, "points": points, "reason": "gift", "reference": reference}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    running = patient(tmp_path_factory.mktemp("worker"))
    with closing(running):
        yield Desk(running)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(12) as opened:
        yield opened


def test_while_a_posting_waits_for_its_member_everybody_else_is_answered(
    desk: Desk, pool: ThreadPoolExecutor
) -> None:
    for member in ("slow", "quick"):
        assert desk.award(member, f"first-{member}")[0] == 201
    with holding(desk.service, "slow") as held:
        waits = pool.submit(desk.award, "slow", "second-slow")
        until(held.waiting)
        for turn in range(3):
            assert desk.ask("GET", "/livez")[0] == 200
            assert desk.ask("GET", "/readyz")[0] == 200
            assert (desk.points("slow"), desk.points("quick")) == (5, 5 + turn)
            assert len(desk.ask("GET", "/v1/members/slow/entries")[1]["data"]) == 1
            assert desk.award("quick", f"turn-{turn}", 1)[0] == 201
            assert desk.award(f"new-{turn}", f"new-{turn}")[0] == 201
            assert desk.ask("GET", "/metrics")[0] == 200
        assert held.waiting() and not waits.done()
        held.let_go()
        status, posted, is_replay = waits.result(SECONDS)
    assert (status, is_replay, posted["balance"]["points"]["available"]) == (201, False, 10)
    assert desk.points("slow") == 10


def test_many_at_once_are_each_told_of_their_own_posting(desk: Desk, pool: ThreadPoolExecutor) -> None:
    references = [f"crowd-{number}" for number in range(60)]
    posted = list(pool.map(lambda each: desk.award(f"m-{each[-1]}", each, int(each[6:]) + 1), references))
    assert [status for status, _, _ in posted] == [201] * 60
    assert [(body["reference"], body["points"]) for _, body, _ in posted] == [
        (reference, number) for number, reference in enumerate(references, 1)
    ]


def test_a_caller_who_has_gone_away_finds_the_outcome_under_his_key(desk: Desk) -> None:
    assert desk.award("gone", "gone-1")[0] == 201
    wanted = award("gone", "gone-2", 7)
    with holding(desk.service, "gone") as held:
        with desk.connect() as connection:
            connection.sendall(desk.raw("/v1/earnings", wanted, "k-gone"))
            until(held.waiting)
        held.let_go()
    status, posted, is_replay = desk.ask("POST", "/v1/earnings", wanted, key="k-gone")
    assert (status, is_replay, posted["points"]) == (201, True, 7)
    assert desk.points("gone") == 12


def test_requests_sent_at_once_on_one_connection_are_answered_in_order(desk: Desk) -> None:
    requests = [desk.raw("/v1/earnings", award("pipe", f"pipe-{n}", n), f"k-pipe-{n}") for n in (1, 2, 3)]
    last = b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with desk.connect() as connection:
        connection.sendall(b"".join([*requests, last]))
        said = read_to_the_end(connection)
    answers = said.split(b"HTTP/1.1 ")[1:]
    assert [answer[:3] for answer in answers] == [b"201", b"201", b"201", b"200"]
    bodies = [json.loads(answer.partition(b"\r\n\r\n")[2]) for answer in answers[:3]]
    assert [body["reference"] for body in bodies] == ["pipe-1", "pipe-2", "pipe-3"]
    assert desk.points("pipe") == 6


def test_a_connection_that_is_kept_serves_one_request_after_the_other(desk: Desk) -> None:
    with closing(HTTPConnection("127.0.0.1", desk.service.port, timeout=SECONDS)) as connection:
        connection.connect()
        kept = connection.sock
        for number in range(3):
            for method, path, body, status in (
                ("POST", "/v1/earnings", json.dumps(award("kept", f"kept-{number}")), 201),
                ("POST", "/v1/earnings", "{", 400),
                ("GET", "/v1/members/kept/balance", None, 200),
                ("GET", "/v1/nothing", None, 404),
            ):
                connection.request(method, path, body, desk.headers(f"k-kept-{number}"))
                answer = connection.getresponse()
                assert (answer.status, bool(answer.read())) == (status, True)
                assert connection.sock is kept
    assert desk.points("kept") == 15


def test_answers_to_a_stream_arrive_whole(desk: Desk) -> None:
    count = 2_000
    lines = [
        json.dumps(
            {
                "operation": "earning",
                "idempotency_key": f"k-stream-{number}",
                "body": award(f"m-{number % 7}", f"stream-{number}"),
            }
        ).encode()
        + b"\n"
        for number in range(count)
    ]
    headers = desk.headers("k") | {"Content-Type": "application/x-ndjson"}
    del headers["Idempotency-Key"]
    with closing(HTTPConnection("127.0.0.1", desk.service.port, timeout=SECONDS)) as connection:
        for _ in range(2):
            connection.request("POST", "/v1/batches", iter(lines), headers, encode_chunked=True)
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("Transfer-Encoding")) == (200, "chunked")
            answers = [json.loads(line) for line in answer.read().splitlines()]
            assert [each["status"] for each in answers] == [201] * count
            bodies = [each["body"] for each in answers]
            assert [body["reference"] for body in bodies] == [f"stream-{number}" for number in range(count)]


def read_to_the_end(connection: socket.socket) -> bytes:
    """Whatever is said until the other side closes."""
    said = b""
    while piece := connection.recv(65_536):
        said += piece
    return said


def test_the_end_waits_for_whoever_has_asked_and_for_nobody_else(
    tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    service = patient(tmp_path)
    with closing(service), ExitStack() as open_until_the_end:
        desk = Desk(service)
        for member in ("slow", "slower"):
            assert desk.award(member, f"first-{member}")[0] == 201
        mute, kept, half = (open_until_the_end.enter_context(desk.connect()) for _ in range(3))
        kept.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        with HTTPResponse(kept) as answer:
            answer.begin()
            assert (answer.status, answer.will_close, bool(answer.read())) == (200, False, True)
        half.sendall(b"GET /livez HTTP/1.1\r\nHo")
        with holding(service, "slow") as held, holding(service, "slower") as other:
            waiting = [pool.submit(desk.award, "slow", f"late-{number}", 1) for number in range(3)]
            # No more of them than the worker has connections to wait on.
            waiting.append(pool.submit(desk.award, "slower", "later", 1))
            until(lambda: held.waiting() >= 4)
            service.process.terminate()
            for connection in (mute, kept, half):
                assert connection.recv(1) == b""
            until(lambda: service.status("/livez") is None)
            assert not any(each.done() for each in waiting)
            assert service.process.poll() is None
            held.let_go()
            other.let_go()
            check_answers(waiting)
        assert service.process.wait(SECONDS) == 0
    with closing(Service(tmp_path, "--workers", "1")) as again:
        desk.service = again
        assert (desk.points("slow"), desk.points("slower")) == (8, 6)
        assert desk.award("slow", "late-1", 1)[2]


def check_answers(waiting: "list[Future[tuple[int, Any, bool]]]") -> None:
    assert [each.result(SECONDS)[0] for each in waiting] == [201] * len(waiting)


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A worker that gives a silent caller up after half a second; otherwise it would after 30 seconds."""
    running = Service(tmp_path_factory.mktemp("impatient"), "--workers", "1", LEDGER_CALLER_TIMEOUT_MS="500")
    with closing(running):
        yield Desk(running)


@pytest.mark.parametrize("where", ["in the head", "before the body", "in the body"])
def test_a_caller_who_falls_silent_is_given_up_and_nothing_of_it_is_done(impatient: Desk, where: str) -> None:
    name = where.replace(" ", "-")
    wanted = award("silent", name)
    said = impatient.raw("/v1/earnings", wanted, f"k-{name}")
    body_at = said.index(b"\r\n\r\n") + 4
    said = said[: {"in the head": 40, "before the body": body_at, "in the body": body_at + 9}[where]]
    with impatient.connect(seconds=15) as connection:
        connection.sendall(said)
        heard = read_to_the_end(connection)
    assert not heard.startswith(b"HTTP/1.1 2")
    status, _, is_replay = impatient.ask("POST", "/v1/earnings", wanted, key=f"k-{name}")
    assert (status, is_replay) == (201, False)


@pytest.mark.parametrize("said", [b"", b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"], ids=["at once", "later"])
def test_a_caller_who_asks_nothing_more_is_given_up(impatient: Desk, said: bytes) -> None:
    with impatient.connect(seconds=15) as connection:
        connection.sendall(said)
        heard = read_to_the_end(connection)
    assert heard.count(b"HTTP/1.1 200") == bool(said)
