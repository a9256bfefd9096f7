"""Batches and streams: each operation is answered as its own route would answer it."""

import io
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from ledger.http import batches
from ledger.http.parsing import BATCH_BODY_LIMIT, BODY_LIMIT

from .tiny import Client, Tiny


def award(number: int, **change: Any) -> dict[str, Any]:
    body = {
        "member_id": f"m-{number % 3}",
        "points": 10,
        "reason": "gift",
        "reference": f"g-{number}",
        **change,
    }
    return {"operation": "earning", "idempotency_key": f"k-{number}", "body": body}


def spend(number: int, points: int, **change: Any) -> dict[str, Any]:
    body = {"member_id": "m-0", "points": points, "reference": f"r-{number}", **change}
    return {"operation": "redemption", "idempotency_key": f"s-{number}", "body": body}


def send(client: Client, operations: list[Any], **members: Any) -> Any:
    return client.post("/v1/batches", {"operations": operations, **members}, key=None)


def stream(client: Client, lines: list[Any], **arguments: Any) -> list[dict[str, Any]]:
    body = b"\n".join(line if isinstance(line, bytes) else orjson.dumps(line) for line in lines)
    answer = client.post("/v1/batches", key=None, data=body, content_type="application/x-ndjson", **arguments)
    assert (answer.status_code, answer.content_type) == (200, "application/x-ndjson")
    return [orjson.loads(line) for line in answer.data.splitlines()]


def test_operations_are_decided_in_order_and_a_refusal_fails_no_other(tiny: Tiny) -> None:
    answer = send(tiny.client(), [spend(1, 5), award(0), spend(2, 11), spend(3, 10)])
    assert answer.status_code == 200
    results = answer.json["results"]
    assert [result["status"] for result in results] == [404, 201, 422, 201]
    assert results[3]["body"]["balance"]["points"]["available"] == 0


# Each item is wrong in its own way; its own route says why.
WRONG: list[tuple[Any, int, str, str]] = [
    (None, 400, "invalid_request", ""),
    ([], 400, "invalid_request", ""),
    ("earning", 400, "invalid_request", ""),
    ({}, 400, "invalid_request", "operation"),
    ({**award(1), "operation": "expropriate"}, 400, "invalid_request", "operation"),
    ({**award(1), "operation": None}, 400, "invalid_request", "operation"),
    ({**award(1), "operation": ["earning"]}, 400, "invalid_request", "operation"),
    ({**award(1), "extra": 1}, 400, "invalid_request", "extra"),
    ({"operation": "earning", "body": award(1)["body"]}, 400, "idempotency_key_missing", ""),
    ({**award(1), "idempotency_key": "a b"}, 400, "invalid_request", "idempotency_key"),
    ({**award(1), "idempotency_key": 5}, 400, "invalid_request", "idempotency_key"),
    ({**award(1), "body": None}, 400, "invalid_request", "body"),
    (award(1, points=0), 400, "invalid_request", "points"),
    (award(1, points=True), 400, "invalid_request", "points"),
    (award(1, points=2**63), 400, "invalid_request", "points"),
    (award(1, extra=1), 400, "invalid_request", "extra"),
    (award(1, member_id="\0"), 400, "invalid_request", "member_id"),
    (award(1, reason={"a": {}}), 400, "invalid_request", "reason"),
]


@pytest.mark.parametrize(("item", "status", "code", "field"), WRONG)
def test_a_malformed_operation_is_refused_in_its_place(
    tiny: Tiny, item: Any, status: int, code: str, field: str
) -> None:
    for results in (
        send(tiny.client(), [award(7), item, award(8)]).json["results"],
        stream(tiny.client(), [award(9), item, award(10)]),
    ):
        assert [result["status"] for result in results] == [201, status, 201]
        body = results[1]["body"]
        assert body["code"] == code
        if field:
            assert body["errors"][0]["field"] == field


def test_an_item_is_answered_as_its_own_route_answers(tiny: Tiny) -> None:
    client = tiny.client()
    client.post("/v1/earnings", award(0)["body"])
    headers = {"X-Request-Id": "same"}
    refused = {"member_id": "m-0", "points": 11, "reference": "r"}
    single = client.post("/v1/redemptions", refused, key="one", headers=headers)
    item = {"operation": "redemption", "idempotency_key": "two", "body": refused}
    batch = client.post("/v1/batches", {"operations": [item]}, key=None, headers=headers)
    assert batch.data == b'{"results":[{"status":422,"body":%b}]}' % single.data


def test_a_key_means_the_same_in_a_batch_and_on_its_own_route(tiny: Tiny) -> None:
    client = tiny.client()
    redeemed = send(client, [award(0), spend(1, 4)]).json["results"][1]["body"]
    again = client.post("/v1/redemptions", spend(1, 4)["body"], key="s-1")
    assert (again.json, again.headers["Idempotency-Replayed"]) == (redeemed, "true")

    path = f"/v1/redemptions/{redeemed['redemption_id']}/refunds"
    back = {"points": 1, "reference": "b-1"}
    refund = client.post(path, back, key="b-1")
    body = {**back, "redemption_id": redeemed["redemption_id"]}
    item = {"operation": "refund", "idempotency_key": "b-1", "body": body}
    (result,) = send(client, [item]).json["results"]
    assert (result["status"], result["body"]) == (201, refund.json)


def test_a_key_twice_in_one_batch_has_one_effect(tiny: Tiny) -> None:
    results = send(tiny.client(), [award(0), award(0), award(0, points=11)]).json["results"]
    assert [result["status"] for result in results] == [201, 201, 422]
    assert results[0] == results[1]
    assert results[2]["body"]["code"] == "idempotency_key_reused"


def test_each_operation_demands_its_own_scope(tiny: Tiny) -> None:
    operations = [award(0), spend(1, 5)]
    refused = send(tiny.client("operator"), operations).json["results"]
    assert [result["status"] for result in refused] == [403, 403]
    assert [result["body"]["required_scope"] for result in refused] == ["award", "redeem"]
    posted = send(tiny.client("pos"), operations).json["results"]
    assert [result["status"] for result in posted] == [201, 201]


def test_a_key_without_the_scope_may_not_send_batches(tiny: Tiny) -> None:
    answer = send(tiny.client("finance"), [award(0)])
    assert (answer.status_code, answer.json["required_scope"]) == (403, "batch")


@pytest.mark.parametrize("spoiler", [spend(1, 100), award(9, points=0)], ids=["refused", "malformed"])
def test_an_atomic_batch_is_applied_whole_or_not_at_all(tiny: Tiny, spoiler: Any) -> None:
    client = tiny.client()
    results = send(client, [award(0), spoiler, award(3)], atomic=True).json["results"]
    assert [result["body"]["code"] for result in (results[0], results[2])] == ["batch_aborted"] * 2
    assert [results[0]["body"]["index"], results[0]["status"]] == [1, 409]
    assert results[1]["status"] in (400, 422)
    # Nothing was written, and no key was used up but the refusal's own.
    again = send(client, [award(0), award(3)], atomic=True).json["results"]
    assert [result["status"] for result in again] == [201, 201]
    assert again[1]["body"]["balance"]["points"]["available"] == 20


def test_a_dry_run_of_a_batch_writes_nothing_and_needs_no_keys(tiny: Tiny) -> None:
    client = tiny.client()
    items = [{"operation": item["operation"], "body": item["body"]} for item in (award(0), spend(1, 4))]
    results = client.post("/v1/batches?dry_run=true", {"operations": items}, key=None).json["results"]
    assert [(result["status"], result["body"]["dry_run"]) for result in results] == [(201, True), (201, True)]
    assert results[1]["body"]["balance"]["points"]["available"] == 6
    assert send(client, [spend(1, 4)]).json["results"][0]["status"] == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"operations": []},
        {"operations": {}},
        {"operations": [award(1)] * 1001},
        {"operations": [award(1)], "atomic": "yes"},
        {"operations": [award(1)], "atomic": 1},
        {"operations": [award(1)], "mode": "fast"},
    ],
    ids=["empty", "none", "object", "1001", "text", "one", "unknown"],
)
def test_a_malformed_batch_is_refused_as_a_whole(tiny: Tiny, body: Any) -> None:
    answer = tiny.client().post("/v1/batches", body, key=None)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")


def test_a_thousand_operations_are_answered_in_order(tiny: Tiny) -> None:
    results = send(tiny.client(), [award(number) for number in range(1000)]).json["results"]
    assert [result["body"].get("reference") for result in results] == [
        f"g-{number}" for number in range(1000)
    ]


def test_a_batch_may_be_larger_than_a_single_body_but_not_without_limit(tiny: Tiny) -> None:
    client, padding = tiny.client(), b" " * BODY_LIMIT
    body = orjson.dumps({"operations": [award(1)]})
    assert (
        client.post("/v1/batches", key=None, data=padding + body, content_type="application/json").status_code
        == 200
    )
    answer = client.post(
        "/v1/batches", key=None, data=b" " * BATCH_BODY_LIMIT + body, content_type="application/json"
    )
    assert (answer.status_code, answer.json["limit_bytes"]) == (413, BATCH_BODY_LIMIT)


def test_a_stream_is_answered_line_by_line_with_bad_lines_in_their_places(tiny: Tiny) -> None:
    lines = [
        award(1),
        b"",
        b"{",
        b"  \r",
        b"\xff\xfe",
        award(2),
        b'{"a":1,"a":1}',
        b"x" * (BODY_LIMIT + 1),
        b"[]",
    ]
    results = stream(tiny.client(), lines)
    assert [result["status"] for result in results] == [201, 400, 400, 201, 400, 413, 400]


def test_a_stream_refuses_queries_that_it_does_not_know(tiny: Tiny) -> None:
    answer = tiny.client().post(
        "/v1/batches?atomic=true", key=None, data=b"{}", content_type="application/x-ndjson"
    )
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (400, "atomic")


class Watched(io.RawIOBase):
    """A body whose lines are made as they are read, and counted."""

    def __init__(self, lines: int) -> None:
        self.lines = (orjson.dumps(award(number)) + b"\n" for number in range(lines))
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        block = b""
        for line in self.lines:
            block += line
            self.given += 1
            if len(block) > size // 2:
                break
        return block


class Breaking(Watched):
    """A body that breaks off behind its lines."""

    def read(self, size: int = -1) -> bytes:
        if block := super().read(size):
            return block
        raise OSError("gone")


def open_stream(client: Client, body: Watched) -> Iterator[bytes]:
    answer: Any = client.flask.post(
        "/v1/batches",
        content_type="application/x-ndjson",
        headers={"Authorization": f"Bearer {client.token}", "Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input": body, "wsgi.input_terminated": True},
        buffered=False,
    )
    return iter(answer.response)


def take(answers: Iterator[bytes], lines: int) -> list[bytes]:
    """The next lines of an answer, without asking for more than they need."""
    got = b""
    while got.count(b"\n") < lines:
        got += next(answers)
    assert got.count(b"\n") == lines
    return got.splitlines()


def test_a_stream_answers_before_it_has_been_read_to_its_end(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_OPERATIONS", 50)
    body = Watched(3000)
    answers = open_stream(tiny.client(), body)
    take(answers, 50)
    assert body.given < 1000
    take(answers, 2950)
    assert next(answers, None) is None


@pytest.mark.parametrize("lines", [0, 3, 50, 51])
def test_of_a_stream_that_breaks_off_the_lines_before_are_posted_and_the_last_answer_says_so(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    monkeypatch.setattr(batches, "MAX_OPERATIONS", 50)
    answers = b"".join(open_stream(tiny.client(), Breaking(lines))).splitlines()
    assert [orjson.loads(answer)["status"] for answer in answers] == [201] * lines + [400]
    assert orjson.loads(answers[-1])["body"]["detail"] == "the body broke off"


def test_a_stream_goes_on_after_the_database_was_away(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MAX_OPERATIONS", 50)
    client = tiny.client()
    answers = open_stream(client, Watched(150))
    assert all(line.startswith(b'{"status":201') for line in take(answers, 50))
    table = "ALTER TABLE {} RENAME TO {}"
    tiny.owner.run(lambda connection: connection.exec_driver_sql(table.format("postings", "elsewhere")))
    assert all(line.startswith(b'{"status":500') for line in take(answers, 50))
    tiny.owner.run(lambda connection: connection.exec_driver_sql(table.format("elsewhere", "postings")))
    assert all(line.startswith(b'{"status":201') for line in take(answers, 50))
