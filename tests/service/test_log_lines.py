"""The log in JSON: one object in each line, whatever stands in it, and the request that a failure belongs to."""

import json
import logging
import sys
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psycopg
from flask import Flask, g

from ledger.log_lines import JsonLines
from tests.faults.service import SECONDS, Service


def told(message: str, *arguments: object, error: BaseException | None = None) -> dict[str, Any]:
    """What a line says of a message; it is one line."""
    cause = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("ledger.app", logging.ERROR, __file__, 1, message, arguments, cause)
    line = JsonLines().format(record)
    assert "\n" not in line and "\r" not in line
    found: dict[str, Any] = json.loads(line)
    return found


def test_a_message_is_one_line_whatever_stands_in_it() -> None:
    forged = 'x\r\n{"level": "INFO"}\u2028"\x00\x1b[31m'
    line = told("request %s failed", forged)
    assert line["message"] == f"request {forged} failed"
    assert (line["level"], line["logger"]) == ("ERROR", "ledger.app")
    assert line["time"].endswith("Z") and len(line["time"]) == len("2026-01-01T00:00:00.000000Z")
    assert line.keys() == {"time", "level", "logger", "process", "message"}


def test_the_cause_of_a_failure_stands_in_its_line() -> None:
    try:
        raise RuntimeError("first\nsecond")
    except RuntimeError:
        line = told("it failed", error=sys.exc_info()[1])
    assert "RuntimeError: first\nsecond" in line["exception"]


def test_what_is_said_in_a_request_names_it() -> None:
    with Flask("x").app_context():
        assert "request_id" not in told("before")
        g.request_id = "req_1"
        assert told("within")["request_id"] == "req_1"


def test_every_line_of_a_service_is_an_object_and_a_failure_is_found_by_its_request(tmp_path: Path) -> None:
    service = Service(tmp_path, "--workers", "1", LEDGER_LOG_FORMAT="json", LEDGER_LOG_LEVEL="DEBUG")
    try:
        key = service.create_key()
        with psycopg.connect(service.owner_url) as owner:
            owner.execute("ALTER TABLE holders RENAME TO elsewhere")
        with closing(HTTPConnection("127.0.0.1", service.port, timeout=SECONDS)) as caller:
            caller.request("GET", "/v1/members/m-1/entries", headers={"Authorization": f"Bearer {key}"})
            answer = caller.getresponse()
            request_id = answer.getheader("X-Request-Id")
            assert answer.status == 500
    finally:
        service.close()
    lines = [json.loads(line) for line in service.log.read_text().splitlines()]
    (failure,) = [line for line in lines if line["level"] == "ERROR"]
    assert (failure["logger"], failure["request_id"]) == ("ledger.app", request_id)
    assert "UndefinedTable" in failure["exception"]
    assert {line["logger"] for line in lines} >= {"gunicorn.error", "ledger.app"}
