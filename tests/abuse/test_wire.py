"""Callers who are slow on purpose, and requests that two servers would cut apart in different places."""

import socket
from contextlib import ExitStack
from http.client import HTTPConnection

import pytest

from tests.concurrency.http.race import Contest
from tests.faults.service import SECONDS

from .shop import Shop

SLOW = 200


def test_two_hundred_slow_callers_keep_nobody_waiting(shop: Shop, contest: Contest) -> None:
    """Slow clients: 200 sockets, each of which sends a byte now and then, while everybody else is answered."""
    wish = contest.buying(contest.member(), 1)
    raw = wish.raw(contest.token)
    with ExitStack() as stack:
        slow = []
        for number in range(SLOW):
            connection = socket.create_connection(("127.0.0.1", shop.service.port), SECONDS)
            stack.enter_context(connection)
            # Some are still in their head, others in their body.
            connection.sendall(raw[:20] if number % 2 else raw[:-40])
            slow.append(connection)
        for turn in range(10):
            for number, connection in enumerate(slow):
                connection.sendall(raw[20 + turn : 21 + turn] if number % 2 else raw[turn - 40 : turn - 39])
            # As many normal callers as there are workers, several times over, each on a connection of its own.
            members = [contest.member(5) for _ in range(4)]
            answers = contest.race([contest.redeeming(member, 5) for member in members])
            assert [answer.status for answer in answers] == [201] * 4
            assert shop.service.status("/readyz") == 200
        # They are there yet: nobody was answered because they had been thrown out.
        assert all(is_open(connection) for connection in slow)
        slow[0].sendall(raw[-30:])
        assert slow[0].recv(12) == b"HTTP/1.1 201"


def is_open(connection: socket.socket) -> bool:
    """Whether the service has neither answered nor hung up."""
    connection.setblocking(False)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK)) and False
    except BlockingIOError:
        return True
    finally:
        connection.settimeout(SECONDS)


SMUGGLERS = {
    "length before chunks": (b"Content-Length: %(whole)d\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"),
    "chunks before length": (b"Transfer-Encoding: chunked\r\nContent-Length: 4", b"0\r\n\r\n"),
    "coding with a blank": (b"Transfer-Encoding : chunked\r\nContent-Length: 5", b"0\r\n\r\n"),
    "coding with a tab": (b"Transfer-Encoding:\tchunked, identity", b"0\r\n\r\n"),
    "coding twice": (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", b"0\r\n\r\n"),
    "coding of other letters": (b"Transfer-Encoding: xchunked\r\nContent-Length: 5", b"0\r\n\r\n"),
    "coding on a folded line": (b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5", b"0\r\n\r\n"),
    "coding behind a bare line feed": (
        b"X: y\nTransfer-Encoding: chunked\r\nContent-Length: 5",
        b"0\r\n\r\n",
    ),
    "two lengths": (b"Content-Length: 5\r\nContent-Length: 0", b"0\r\n\r\n"),
    "a list of lengths": (b"Content-Length: 5, 5", b"0\r\n\r\n"),
    "a length with a sign": (b"Content-Length: +5", b"0\r\n\r\n"),
    "a chunk with a sign": (b"Transfer-Encoding: chunked", b"+0\r\n\r\n"),
    "a chunk that ends early": (b"Transfer-Encoding: chunked", b"0\n\n"),
    "a chunk with a bare return": (b"Transfer-Encoding: chunked", b"1;a=\r\r\nx\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("name", SMUGGLERS)
def test_no_second_request_rides_in_the_first(shop: Shop, contest: Contest, name: str) -> None:
    """Request smuggling: where a proxy and the service may disagree on an end, the service refuses and hangs up."""
    lengths, body = SMUGGLERS[name]
    member = contest.member(5)
    hidden = contest.redeeming(member, 5).raw(contest.token)
    head = b"POST /v1/redemptions HTTP/1.1\r\nHost: ledger\r\nContent-Type: application/json\r\n"
    lengths = lengths % {b"whole": len(body) + len(hidden)} if b"%(" in lengths else lengths
    with socket.create_connection(("127.0.0.1", shop.service.port), SECONDS) as connection:
        connection.sendall(head + lengths + b"\r\n\r\n" + body + hidden)
        connection.shutdown(socket.SHUT_WR)
        said = b""
        while block := connection.recv(65_536):
            said += block
    statuses = [line.split()[1] for line in said.splitlines() if line.startswith(b"HTTP/1.1 ")]
    assert len(statuses) <= 1
    assert all(b"400" <= status < b"500" for status in statuses)
    assert contest.available(member) == 5


def test_a_connection_that_is_kept_serves_one_request_after_the_other(shop: Shop, contest: Contest) -> None:
    """What was refused above was refused for its ends: two sound requests on one connection are two."""
    member = contest.member(5)
    connection = HTTPConnection("127.0.0.1", shop.service.port, timeout=SECONDS)
    head = {"Authorization": f"Bearer {contest.token}"}
    for _ in range(2):
        connection.request("GET", f"/v1/members/{member}/balance", headers=head)
        answer = connection.getresponse()
        assert (answer.status, len(answer.read()) > 0) == (200, True)
    connection.close()
