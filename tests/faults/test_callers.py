"""Callers that go away in the middle of what they say, without a word: others are answered all the same."""

import socket
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from .service import SECONDS, Service

# Where each of them falls silent.
HEAD = b"POST /v1/purchases HTTP/1.1\r\nHost: ledger\r\n"
BODY = b'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"purchase_id"'
CALLERS = 4


@pytest.mark.parametrize("said", [HEAD, HEAD + BODY], ids=["in the head", "in the body"])
def test_callers_that_fall_silent_are_given_up_and_keep_nobody_waiting(tmp_path: Path, said: bytes) -> None:
    limits = ("--workers", "1")
    service = Service(tmp_path, *limits, LEDGER_CALLER_TIMEOUT_MS="500")
    with closing(service), ExitStack() as silent:
        key = service.create_key()
        head, _, rest = said.partition(b"Host")
        authorized = head + f"Authorization: Bearer {key}\r\nIdempotency-Key: k\r\nHost".encode() + rest
        for _ in range(CALLERS):
            connection = socket.create_connection(("127.0.0.1", service.port), SECONDS)
            silent.enter_context(connection).sendall(authorized)
        assert service.status("/livez") == 200
