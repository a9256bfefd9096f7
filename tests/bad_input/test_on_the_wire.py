"""Requests that no client library would send, to the running service: byte by byte, over a socket."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from ledger.http.parsing import BODY_LIMIT
from tests.bad_input.judging import MEMBERS, listed
from tests.whole_service import Tenant, WholeService

ROOT: Final = Path(__file__).resolve().parents[2]
SECONDS: Final = 30

POST: Final = b"POST /v1/earnings HTTP/1.1"
BODY: Final = b'{"member_id":"m-1","points":5,"reason":"gift","reference":"w-1"}'
HOST: Final = b"Host: ledger"
KEY: Final = b"Idempotency-Key: w-1"
JSON: Final = b"Content-Type: application/json"
CHUNKED: Final = b"Transfer-Encoding: chunked"
ONE_CHUNK: Final = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)


@pytest.fixture(scope="module")
def port(cluster: Any, service: WholeService) -> Iterator[int]:
    """Where the service listens, on the very database that ``service`` looks into."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    settings = {
        "LEDGER_DATABASE_URL": cluster.app_url(service.database),
        "LEDGER_UNSAFE_DURABILITY": "1",
        "LEDGER_WORKERS": "1",
    }
    process = subprocess.Popen(
        (sys.executable, "-c", "from ledger.cli import main; main()", "serve", "--port", "0"),
        env={**kept, "PYTHONPATH": str(ROOT), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline().rpartition(":")[2])
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)


def post(
    *more: bytes,
    first: bytes = POST,
    host: bytes = HOST,
    key: bytes = KEY,
    length: bytes | None = None,
    body: bytes = BODY,
) -> bytes:
    """A posting as it goes over the wire, with KEYHOLE where the caller's own key belongs."""
    length = length or b"Content-Length: %d" % len(body)
    lines = [first, host, b"Authorization: Bearer KEYHOLE", key, JSON, length, *more, b"Connection: close"]
    return b"\r\n".join(line for line in lines if line) + b"\r\n\r\n" + body


BROKEN: Final[dict[str, bytes]] = {
    "declared too long": post(length=b"Content-Length: 65537"),
    "declared beyond any number": post(length=b"Content-Length: " + b"9" * 40),
    "declared longer than it is": post(length=b"Content-Length: 100"),
    "negative length": post(length=b"Content-Length: -1"),
    "length with a sign": post(length=b"Content-Length: +64"),
    "hexadecimal length": post(length=b"Content-Length: 0x40"),
    "two lengths in one": post(length=b"Content-Length: 64, 64"),
    "length twice": post(b"Content-Length: 64"),
    "length and chunks": post(CHUNKED, body=ONE_CHUNK),
    "chunks too long": post(length=CHUNKED, body=b"10001\r\n" + b" " * 65_537 + b"\r\n0\r\n\r\n"),
    "a chunk that is not hexadecimal": post(length=CHUNKED, body=b"zz\r\n{}\r\n0\r\n\r\n"),
    "a chunk of negative size": post(length=CHUNKED, body=b"-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk in C's hexadecimal": post(length=CHUNKED, body=b"0x2\r\n{}\r\n0\r\n\r\n"),
    "a chunk shorter than it says": post(length=CHUNKED, body=b"ff\r\n" + BODY),
    "a chunk longer than it says": post(length=CHUNKED, body=b"2\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "no last chunk": post(length=CHUNKED, body=b"%x\r\n%b\r\n" % (len(BODY), BODY)),
    "compressed chunks": post(length=b"Transfer-Encoding: gzip, chunked", body=ONE_CHUNK),
    "an unknown transfer coding": post(length=b"Transfer-Encoding: xchunked", body=ONE_CHUNK),
    "no transfer coding": post(length=b"Transfer-Encoding: identity"),
    "chunked twice": post(CHUNKED, length=CHUNKED, body=ONE_CHUNK),
    "chunked behind a control": post(length=b"Transfer-Encoding: \x0bchunked", body=ONE_CHUNK),
    "compressed body": post(b"Content-Encoding: gzip"),
    "blank in a header's name": post(b"X-Header : 1"),
    "folded header": post(b"X-Header: 1\r\n 2"),
    "header without a name": post(b": 1"),
    "header without a colon": post(b"X-Header"),
    "no key": post(key=b""),
    "empty key": post(key=b"Idempotency-Key:"),
    "key with an underscore": post(key=b"Idempotency_Key: w-1"),
    "key twice": post(b"Idempotency-Key: w-2"),
    "key twice, in another case": post(b"idempotency-KEY: w-1"),
    "key in Latin-1": post(key=b"Idempotency-Key: \xe9"),
    "key in UTF-8": post(key="Idempotency-Key: é".encode()),
    "key with NUL": post(key=b"Idempotency-Key: a\x00b"),
    "key with a control": post(key=b"Idempotency-Key: a\x01b"),
    "key with a bare line feed": post(key=b"Idempotency-Key: a\nb"),
    "key with a bare return": post(key=b"Idempotency-Key: a\rb"),
    "credentials twice": post(b"Authorization: Bearer x"),
    "media type twice": post(b"Content-Type: text/plain"),
    "host twice": post(b"Host: elsewhere"),
    "no host": post(host=b""),
    "100 headers": post(*(b"X-H%d: 1" % number for number in range(100))),
    "long header": post(b"X-Header: " + b"x" * 9_000),
    "long path": post(first=b"POST /v1/" + b"x" * 5_000 + b" HTTP/1.1"),
    "long query": post(first=b"POST /v1/earnings?" + b"x" * 5_000 + b" HTTP/1.1"),
    "NUL in the path": post(first=b"POST /v1/earn\x00ings HTTP/1.1"),
    "NUL behind the path": post(first=b"POST /v1/earnings%00 HTTP/1.1"),
    "Latin-1 in the path": post(first=b"POST /v1/earnings\xe9 HTTP/1.1"),
    "up in the path": post(first=b"POST /v1/../v1/earnings HTTP/1.1"),
    "encoded up in the path": post(first=b"POST /v1/%2e%2e/v1/earnings HTTP/1.1"),
    "backslash in the path": post(first=b"POST \\v1\\earnings HTTP/1.1"),
    "path without a slash": post(first=b"POST v1/earnings HTTP/1.1"),
    "star": post(first=b"OPTIONS * HTTP/1.1"),
    "tunnel": post(first=b"CONNECT ledger:443 HTTP/1.1"),
    "method in small letters": post(first=b"post /v1/earnings HTTP/1.1"),
    "method of no letters": post(first=b"P(ST /v1/earnings HTTP/1.1"),
    "HTTP 3": post(first=b"POST /v1/earnings HTTP/3.0"),
    "HTTP x": post(first=b"POST /v1/earnings HTTP/x"),
    "HTTP 2 in the clear": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP 0.9": b"GET /v1/program\r\n\r\n",
    "unknown expectation": post(b"Expect: a-lot"),
    "noise": b"\x00\xff\x00\xff\r\n\r\n",
    "nothing": b"\r\n\r\n",
    "not in UTF-8": post(body=BODY.replace(b"gift", b"\xff\xfe")),
    "stream with a bad chunk": post(
        b"Content-Type: application/x-ndjson",
        first=b"POST /v1/batches HTTP/1.1",
        length=CHUNKED,
        body=b"zz\r\n",
    ).replace(JSON + b"\r\n", b""),
}

HUNG_UP_ON: Final[dict[str, bytes]] = {
    "TLS": bytes.fromhex("1603010200010001fc0303"),
    "half a request line": b"POST /v1/earn",
    "half a header": b"POST /v1/earnings HTTP/1.1\r\nHost: ledger\r\nConte",
}


def answer_to(port: int, tenant: Tenant, request: bytes) -> bytes:
    """All that the service says to a request, until it hangs up."""
    request = request.replace(b"KEYHOLE", tenant.keys["admin"].encode())
    said = b""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        while block := connection.recv(65_536):
            said += block
    return said


def amiss(said: bytes) -> str | None:
    """Why an answer on the wire is no sound refusal; None when it is one."""
    head, _, body = said.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1]) if head.startswith(b"HTTP/1.1 ") else 0
    if b"application/x-ndjson" in head:
        (line,) = (orjson.loads(line) for line in body.splitlines() if line.startswith(b"{"))
        status, problem = line["status"], line["body"]
    elif b"application/problem+json" in head:
        problem = orjson.loads(body)
    else:
        return repr(said[:300])
    sound = all(type(problem.get(name)) is kind for name, kind in MEMBERS.items())
    return None if sound and 400 <= status < 500 and problem["status"] == status else repr(said[:300])


def test_what_is_no_sound_request_is_refused_in_our_words(unchanged: None, port: int, tenant: Tenant) -> None:
    answers = {name: answer_to(port, tenant, request) for name, request in BROKEN.items()}
    found = [f"{name}: {flaw}" for name, said in answers.items() if (flaw := amiss(said))]
    assert not found, listed(found)


@pytest.mark.parametrize("request_", HUNG_UP_ON.values(), ids=HUNG_UP_ON.keys())
def test_on_half_a_request_the_service_hangs_up(
    unchanged: None, port: int, tenant: Tenant, request_: bytes
) -> None:
    assert answer_to(port, tenant, request_) == b""


@pytest.mark.parametrize(
    ("refused", "status"),
    [
        (post(body=b"GET /v1/stolen HTTP/1.1\r\nHost: x\r\n\r\n" * 2_000), 413),
        (post(body=b"GET /v1/stolen HTTP/1.1\r\nHost: x\r\n\r\n", key=b""), 400),
        (post(body=b"GET /v1/stolen HTTP/1.1\r\nHost: x\r\n\r\n").replace(b"KEYHOLE", b"nobody"), 401),
        (post(length=CHUNKED, body=b"11000\r\n" + b" " * 0x11000 + b"\r\n0\r\n\r\n"), 413),
    ],
    ids=["too long", "without a key", "a stranger's", "too long in chunks"],
)
def test_a_body_that_nobody_reads_is_never_taken_for_the_next_request(
    unchanged: None, port: int, tenant: Tenant, refused: bytes, status: int
) -> None:
    assert len(refused) > BODY_LIMIT or status != 413
    stays = refused.replace(b"Connection: close\r\n", b"")
    said = answer_to(port, tenant, stays + b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    statuses = [line.split()[1] for line in said.splitlines() if line.startswith(b"HTTP/1.1 ")]
    # Whoever refuses without reading may also hang up.
    assert statuses in ([b"%d" % status, b"200"], [b"%d" % status])


def test_the_posting_that_is_broken_above_is_a_sound_one(port: int, tenant: Tenant) -> None:
    assert answer_to(port, tenant, post()).startswith(b"HTTP/1.1 201 ")
    chunked = post(length=CHUNKED, body=ONE_CHUNK)
    assert b"\r\nIdempotency-Replayed: true\r\n" in answer_to(port, tenant, chunked)
    assert answer_to(port, tenant, b"GET /livez HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 200 ")
